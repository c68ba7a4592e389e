"""The platforms' rules as pure functions and small state, without HTTP."""
