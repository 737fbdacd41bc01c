"""Codecs with trained networks: entropy coding, transforms, exact decoding."""
