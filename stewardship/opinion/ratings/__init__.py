"""Asking for a rating and taking it."""
