"""The domain, in wings of features; a feature imports only what stands before it in docs/architecture.md."""
