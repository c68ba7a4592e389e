"""Months: frozen on the third of the next, restated afterwards."""
