"""Whether a distance keeps its contract and agrees with reference programs."""
