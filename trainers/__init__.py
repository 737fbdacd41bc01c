"""Training programs: `python -m trainers.srcnn --help`."""

import programs  # noqa: F401 silences TensorFlow before it is imported
