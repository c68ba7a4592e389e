"""The invented city's past: some months of settled matters, so that figures over time have something to show."""
