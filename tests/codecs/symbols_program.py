"""Reads streams under the settings of its process, and says what they hold.

    python -m tests.codecs.symbols_program MODEL STREAMS.npz PICTURES OUT.json

For each stream it writes a digest of the symbols, and, of the streams that have
one in the folder PICTURES, how far its picture is from that `.npy`.

TFPERCEPT_TEST_DECODER says what decodes. `numpy`, the default, is the codec
with its engine in NumPy, in a process without TensorFlow. `tensorflow` is the
engine in TensorFlow, with integer layers as exported graphs have them, and
`xla` the same compiled by XLA; both write digests of the indexes and means that
the same hyper-synthesis would give in floating point, as a control. `reference`
is the reference decoder, which also tells the scale indexes of each stream.
"""

import functools
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Callable

import numpy as np

KIND = "TFPERCEPT_TEST_DECODER"


def main(model: str, streams: str, pictures: str, out: str) -> None:
  made = {"": _light, "numpy": _light, "reference": _reference}
  told = made.get(_kind(), _graph)(model)
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


def _light(model: str) -> Callable:
  sys.argv[0] = "tfpercept"  # so that the package imports no TensorFlow
  from tfpercept.codecs.learned import learned_codec, selftest

  codec = learned_codec.Hyperprior(model=model, check=False, engine="numpy")
  assert "tensorflow" not in sys.modules

  def told(stream: bytes):
    found = {"symbols": selftest.digest(codec.symbols(stream))}
    return found, lambda: codec.decompress(stream)

  return told


def _graph(model: str) -> Callable:
  import tensorflow as tf

  from export.signatures import graph_arithmetic
  from tfpercept import models
  from tfpercept.codecs.bitstream import container
  from tfpercept.codecs.learned import arithmetic, learned_codec, selftest

  is_compiled = _kind() == "xla"
  of_graphs = graph_arithmetic.TensorFlow().layer
  if is_compiled:
    of_graphs = tf.function(of_graphs, jit_compile=True)
  arithmetic.NumPy.layer = lambda self, *arguments, **options: of_graphs(
    *arguments, **options
  ).numpy()
  codec = learned_codec.Hyperprior(
    model=model, check=False, engine="tensorflow"
  )
  network = models.load(model, dtype="float32")[0]
  control = functools.partial(_in_floats, network)
  if is_compiled:
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
  from tfpercept import weights
  from tfpercept.codecs.learned import reference_decoder, selftest

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


def _in_floats(network, x, quality):
  """Rounds only the indexes, as a codec of floating-point networks does.

  Args:
    network: Network of the model.
    x: Hyper-latents, float32 `[1, h, w, C]`.
    quality: Quality, float32 `[1]`.

  Returns:
    Indexes, int32, and means, float32, `[1, 4h, 4w, latents]` each.
  """
  import tensorflow as tf

  from tfpercept.models.compression import entropy_coding

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
