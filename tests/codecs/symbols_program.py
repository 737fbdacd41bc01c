"""Reads streams under the settings of its process, and says what they hold.

    python -m tests.codecs.symbols_program MODEL STREAMS.npz PICTURES OUT.json

For each stream it writes a digest of the symbols; as a control, digests of the
indexes and means that the same hyper-synthesis would give in floating point;
and, of the streams that have one in the folder PICTURES, how far its picture is
from that `.npy`.

TFPERCEPT_TEST_DECODER=xla has XLA compile the hyper-synthesis, `numpy` uses the
reference decoder, which also tells the scale indexes of each stream.
"""

import functools
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfpercept import codecs, models, weights
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  hyper_synthesis,
  reference_decoder,
  selftest,
)
from tfpercept.models.compression import entropy_coding

KIND = "TFPERCEPT_TEST_DECODER"


def main(model: str, streams: str, pictures: str, out: str) -> None:
  told = _reference(model) if _kind() == "numpy" else _fast(model)
  found = {}
  with np.load(streams) as file:
    for name in file.files:
      kept = pathlib.Path(pictures, f"{name}.npy")
      found[name], decompress = told(file[name].tobytes())
      if kept.is_file():
        found[name] |= _difference(np.load(kept), decompress())
  pathlib.Path(out).write_text(json.dumps(found))


def _kind() -> str:
  return os.environ.get(KIND, "")


def _difference(expected: np.ndarray, found: np.ndarray) -> dict[str, float]:
  difference = np.abs(expected.astype(np.int16) - found)
  return {"levels": int(difference.max()), "share": np.mean(difference > 0)}


def _fast(model: str) -> Callable:
  if _kind() == "xla":
    for name in ("hidden", "indexes", "means"):
      method = getattr(hyper_synthesis.HyperSynthesis, name)
      compiled = tf.function(method, jit_compile=True)
      setattr(hyper_synthesis.HyperSynthesis, name, compiled)
  codec = codecs.get(f"hyperprior(model={model!r}, check=False)")
  network = models.load(model, dtype="float32")[0]
  control = functools.partial(_in_floats, network)
  if _kind() == "xla":
    control = tf.function(control, jit_compile=True)

  def told(stream: bytes):
    symbols = codec.symbols(stream)
    step = container.read_header(stream).header.quality
    quality = tf.constant([step / container.STEPS])
    index, mean = control(tf.cast(symbols["z"], tf.float32), quality)
    found = {
      "symbols": selftest.digest(symbols),
      "float_indexes": hashlib.sha256(index.numpy().tobytes()).hexdigest(),
      "float_means": hashlib.sha256(mean.numpy().tobytes()).hexdigest(),
    }
    return found, lambda: codec.decompress(stream)

  return told


def _reference(model: str) -> Callable:
  decoder = reference_decoder.ReferenceDecoder(weights.find(model))

  def told(stream: bytes):
    latents = decoder.latents(stream)
    symbols = {"z": latents.z[None], "y": latents.symbols[None]}
    found = {
      "symbols": selftest.digest(symbols),
      "scales": np.unique(latents.indexes).tolist(),
    }
    return found, lambda: decoder.decompress(stream)

  return told


def _in_floats(
  network: keras.Model, x: tf.Tensor, quality: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Rounds only the indexes, as a codec of floating-point networks does."""
  synthesis = network.hyper_synthesis
  for layer in synthesis.hidden:
    shape = (1, 2 * x.shape[1], 2 * x.shape[2], layer.width)
    x = tf.nn.conv2d_transpose(x, layer.kernel, shape, 2) + layer.bias
    x = tf.clip_by_value(x, 0.0, 127 / 16)
  index, mean = (
    tf.nn.conv2d(x, last.kernel, 1, "SAME") + last.bias
    for last in (synthesis.indexes, synthesis.means)
  )
  log_gain, _ = network.log_gains(quality)
  index = tf.round(index + log_gain / entropy_coding.LOG_STEP)
  index = tf.clip_by_value(index, 0, entropy_coding.SCALES - 1)
  return tf.cast(index, tf.int32), mean


if __name__ == "__main__":
  main(*sys.argv[1:])
