"""The event log: every change of state, reveal and read, sealed in a chain."""
