"""Cases of the four kinds and their stages."""
