"""Measurements of pictures, distances and networks, and their tables."""
