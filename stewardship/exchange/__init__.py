"""What other systems and tables bring in, once and only once; and what goes out to another zone."""
