"""Inquiries: exactly one for every message, answered within the promise."""
