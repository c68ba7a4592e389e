"""What waits for an officer, of every kind, in one order: the most urgent first."""
