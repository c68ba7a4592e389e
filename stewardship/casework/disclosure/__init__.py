"""Who may be told what: one table, a legal basis per row."""
