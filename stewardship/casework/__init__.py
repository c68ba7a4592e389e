"""A case and everyone in it."""
