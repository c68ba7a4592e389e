"""Figures that a unit is led by, each with the rows behind it; who looked at what."""
