"""One engine for every promise: log, pure function, stored clock."""
