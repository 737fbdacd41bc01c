"""Bulk work on pictures, by the processes of a machine or by a cluster."""

import programs  # noqa: F401 silences TensorFlow before it is imported
