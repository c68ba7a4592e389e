"""The monthly report as an official document."""
