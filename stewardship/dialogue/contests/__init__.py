"""Missed promises that are contested, and decided one level above."""
