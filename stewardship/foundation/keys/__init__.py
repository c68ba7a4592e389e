"""Keys of personal data: which versions are in use, and rewriting everything to the newest."""
