"""Return visits and telephone tasks."""
