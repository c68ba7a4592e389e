"""A fictional city, and the story that `make demo` plays."""
