"""The only entry for a citizen's message, from any channel."""
