"""Writes trained networks in the formats that servers and devices read."""

import programs  # noqa: F401 silences TensorFlow before it is imported
