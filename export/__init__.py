"""Writes trained networks in the formats that servers and devices read."""
