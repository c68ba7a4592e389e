"""Message templates on their way: drafted, submitted to the platform, approved, used."""
