"""Understanding a message, and answers from the record."""
