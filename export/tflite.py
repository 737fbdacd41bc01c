"""Exports a trained network for devices, in three precisions.

    python -m export.tflite --run=runs/a --out=exported/srcnn_tflite

writes the .tflite files, a table of their size, speed and error on photographs,
and a manifest, after a fresh process has run each file and answered as the Keras
network does.
"""

import dataclasses
import json
import os
import pathlib
import sys
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from export import fresh, manifest, signatures
from tfpercept import distances, files

_TIMED = "timed"
_SIDE = 256


@dataclasses.dataclass(frozen=True)
class Precision:
  """How weights are stored.

  Attributes:
    optimizations: As `tf.lite.TFLiteConverter` has them.
    types: Types that weights may be stored in.
    tolerance: Most that outputs may differ from Keras on the example.
  """

  optimizations: tuple[tf.lite.Optimize, ...]
  types: tuple[tf.DType, ...]
  tolerance: float


PRECISIONS = {
  "float32": Precision((), (), 1e-5),
  "float16": Precision((tf.lite.Optimize.DEFAULT,), (tf.float16,), 5e-3),
  "int8": Precision((tf.lite.Optimize.DEFAULT,), (), 5e-2),
}
