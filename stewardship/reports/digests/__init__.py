"""What an instructor is told every working morning."""
