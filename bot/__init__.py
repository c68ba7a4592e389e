"""What the platforms send us: verify, decrypt, parse, de-duplicate. It decides nothing."""
