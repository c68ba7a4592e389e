"""How it went: ratings and return visits."""
