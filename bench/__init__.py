"""Measurements against bare baselines."""
