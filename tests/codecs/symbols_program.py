"""Reads streams under the settings of its process, and says what they hold.

    python -m tests.codecs.symbols_program MODEL STREAMS.npz OUT.json

For each stream it writes a digest of the symbols, the picture, and, as a
control, a digest of the scale indexes that the same hyper-synthesis would give
in floating point. Where TFPERCEPT_TEST_JIT is set, XLA compiles the
hyper-synthesis.
"""

import hashlib
import json
import os
import sys

import numpy as np
import tensorflow as tf

from tfpercept import codecs, models
from tfpercept.codecs import selftest


def main(model: str, streams: str, out: str) -> None:
  codec = codecs.get(f"hyperprior(model={model!r}, check=False)")
  if os.environ.get("TFPERCEPT_TEST_JIT"):
    for name in ("hidden", "indexes", "means"):
      eager = getattr(codec._hyper, name)
      setattr(codec._hyper, name, tf.function(eager, jit_compile=True))
  network = models.load(model, dtype="float32")[0]
  with np.load(streams) as file:
    found = [_told(codec, network, file[name].tobytes()) for name in file.files]
  with open(out, "w") as file:
    json.dump(found, file)


def _told(codec, network, stream: bytes) -> dict[str, object]:
  symbols = codec.symbols(stream)
  index = _float_indexes(network.hyper_synthesis, symbols["z"])
  return {
    "symbols": selftest.digest(symbols),
    "float_indexes": hashlib.sha256(index.numpy().tobytes()).hexdigest(),
    "picture": codec.decompress(stream).tolist(),
  }


def _float_indexes(synthesis, z: np.ndarray) -> tf.Tensor:
  """Rounds only what comes out, as a codec of floating-point networks does."""
  x = tf.cast(z, tf.float32)
  for layer in synthesis.hidden:
    shape = (1, 2 * x.shape[1], 2 * x.shape[2], layer.width)
    x = tf.nn.conv2d_transpose(x, layer.kernel, shape, 2) + layer.bias
    x = tf.clip_by_value(x, 0.0, 127 / 16)
  last = synthesis.indexes
  x = tf.nn.conv2d(x, last.kernel, 1, "SAME") + last.bias
  return tf.cast(tf.round(x), tf.int32)


if __name__ == "__main__":
  main(*sys.argv[1:])
