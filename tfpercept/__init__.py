"""Perceptual distances for Keras, and what makes them useful."""

from tfpercept import distances, losses, metrics

__all__ = ["__version__", "distances", "losses", "metrics"]
__version__ = "0.1.0"
