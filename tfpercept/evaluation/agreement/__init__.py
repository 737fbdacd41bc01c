"""Agreement of distances with the opinions of people."""
