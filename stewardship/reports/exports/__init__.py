"""Tables taken out as Excel files."""
