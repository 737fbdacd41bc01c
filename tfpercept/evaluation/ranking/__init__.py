"""Studies in which people rank pictures, and their analysis."""
