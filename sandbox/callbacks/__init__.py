"""What the platforms send to the product: messages and events, signed and encrypted, with their tries."""
