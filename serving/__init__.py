"""Servers for exported models."""

import programs  # noqa: F401 silences TensorFlow before it is imported
