"""Async clients of the WeChat platforms."""
