"""The machine that a report was made on."""

import os
import platform

import tensorflow as tf


def facts() -> dict[str, str]:
  """Returns facts on this machine for readers: no name and no path."""
  gpus = len(tf.config.list_physical_devices("GPU"))
  return {
    "Machine": f"{platform.machine()}, {os.cpu_count()} cores, {gpus} GPUs",
    "Software": f"TensorFlow {tf.__version__}, "
    f"Python {platform.python_version()}",
  }
