"""The chapters of the story, each a tuple of steps."""
