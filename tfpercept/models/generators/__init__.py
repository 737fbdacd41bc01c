"""Networks that make a picture from a short vector."""
