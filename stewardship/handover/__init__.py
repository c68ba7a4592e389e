"""Leave and hand-over: who has an officer's cases while they are away, and how they come back."""
