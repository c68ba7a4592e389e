"""Four eyes: a change that one person proposes and another one with the same right approves or refuses."""
