"""What a codec keeps beside its weights, so that all machines code alike.

A file is read by the very numbers it was written with: tables of frequencies,
the hyper-synthesis in integers, and what each quality adds to scale indexes.
They are made once, when a network is saved, and read ever after.
"""

import itertools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import files, npz_reader
from tfpercept.models import entropy, hyper_transforms, integer

FILE = "coding.npz"
STEPS = 16
"""Qualities in files are in units of a sixteenth."""


def arrays(network: keras.Model) -> dict[str, np.ndarray]:
  """Returns all of it for a trained network.

  Raises:
    ValueError: if a sum of its hyper-synthesis might be inexact in float32.
  """
  made = {}
  limit = hyper_transforms.SYMBOL_LIMIT
  for name, tables in (
    ("y", entropy.normal_tables()),
    (
      "z",
      entropy.factorized_tables(
        network.prior, network.get_config()["hyper_latents"], limit=limit
      ),
    ),
  ):
    made[f"{name}_tables"], made[f"{name}_offsets"] = tables
  for name, layer in _layers(network.hyper_synthesis):
    made |= {f"{name}_{k}": v for k, v in _integers(name, layer).items()}
  levels = network.levels
  qualities = tf.range(0, STEPS * (levels - 1) + 1, dtype=tf.float32) / STEPS
  log_gain, _ = network.log_gains(1.0 + qualities)
  offsets = log_gain.numpy()[:, 0, 0] / entropy.LOG_STEP
  whole = tf.range(1, levels + 1, dtype=tf.float32)
  ends = [gain.numpy()[:, 0, 0] for gain in network.log_gains(whole)]
  return {
    **made,
    "far_tables": entropy.FAR_LOOKUP,
    "index_offsets": np.round(offsets).astype(np.int16),
    "log_gain": ends[0],
    "log_inverse": ends[1],
    "deviation": network.deviation.numpy(),
  }


def load(
  folder: files.PathLike, manifest: Mapping[str, Any]
) -> dict[str, np.ndarray]:
  """Returns what `arrays` made of a network, from a model folder.

  Args:
    folder: A model folder, or a run folder that holds one as `model/`.
    manifest: Of the model.

  Raises:
    ValueError: if it is missing, damaged, or another network's.
  """
  folder = pathlib.Path(folder)
  if not (folder / FILE).is_file():
    folder = folder / "model"
  path = folder / FILE
  expected = manifest.get("files", {}).get(FILE)
  if not path.is_file() or files.sha256(path) != expected:
    raise ValueError(
      f"{path} is missing or is not what its manifest was written with; copy "
      "the whole model folder again"
    )
  kept = npz_reader.read(path)
  _check(kept, manifest["config"], path)
  return kept


def _check(
  kept: Mapping[str, np.ndarray], config: Mapping[str, Any], path: pathlib.Path
) -> None:
  """Raises ValueError if arrays are not of a network's shapes and kinds."""
  latents, hyper = config["latents"], config["hyper_latents"]
  width, levels = config["hyper_width"], config["levels"]
  shapes = {
    "y_offsets": (entropy.SCALES,),
    "z_offsets": (hyper,),
    "hyper_0_kernel": (5, 5, width, hyper),
    "hyper_1_kernel": (5, 5, width, width),
    "indexes_kernel": (3, 3, width, latents),
    "means_kernel": (3, 3, width, latents),
    "index_offsets": (STEPS * (levels - 1) + 1, latents),
    "log_gain": (levels, latents),
    "log_inverse": (levels, latents),
    "deviation": (latents,),
  }
  for name, end in (
    ("hyper_0", width),
    ("hyper_1", width),
    ("indexes", latents),
    ("means", latents),
  ):
    shapes[f"{name}_bias"] = shapes[f"{name}_shift"] = (end,)
  for name, shape in shapes.items():
    if name not in kept or kept[name].shape != shape:
      got = kept[name].shape if name in kept else "nothing"
      raise ValueError(f"{path} has {got} for {name}, which is {shape}")
  for name in ("y", "z"):
    _check_tables(kept[f"{name}_tables"], len(kept[f"{name}_offsets"]), path)


def _check_tables(lookup: np.ndarray, count: int, path: pathlib.Path) -> None:
  """Raises ValueError if tables are not as the range coder needs them."""
  ends = np.flatnonzero(lookup == 1 << entropy.PRECISION) + 1
  good = lookup.ndim == 1 and len(ends) == count and ends[-1] == len(lookup)
  for table in np.split(lookup, ends[:-1]) if good else ():
    rises = np.all(np.diff(table[1:]) > 0)
    good &= len(table) > 3 and [*table[:2]] == [entropy.PRECISION, 0] and rises
  if not good:
    raise ValueError(f"{path} has tables of frequencies that are none")


def _layers(
  synthesis: hyper_transforms.HyperSynthesis,
) -> Iterator[tuple[str, integer.IntegerConvolution]]:
  for i, layer in enumerate(synthesis.hidden):
    yield f"hyper_{i}", layer
  yield "indexes", synthesis.indexes
  if synthesis.means is not None:
    yield "means", synthesis.means


def _integers(
  name: str, layer: integer.IntegerConvolution
) -> dict[str, np.ndarray]:
  """Returns the integers of a layer, once no sum of theirs can be inexact."""
  kernel, bias, exponents = (value.numpy() for value in layer.integers())
  shift = exponents + layer.input_bits - layer.output_bits
  if shift.min() < 0:
    raise ValueError(
      f"{name} has weights of {np.abs(kernel).max():g} units, which are too "
      "large to be rounded to the units of its output"
    )
  sums = _largest_sums(kernel, layer.upsample) * integer.ACTIVATION_LIMIT
  sums += np.abs(bias) + 2.0 ** np.maximum(shift - 1, 0)
  if sums.max() >= integer.EXACT:
    raise ValueError(
      f"a sum of {name} might reach {sums.max():.0f}, and from {integer.EXACT} "
      "on float32 is not exact; train with a smaller hyper_width"
    )
  return {
    "kernel": kernel.astype(np.int8),
    "bias": bias.astype(np.int32),
    "shift": shift.astype(np.int8),
  }


def _largest_sums(kernel: np.ndarray, upsample: int) -> np.ndarray:
  """Returns the largest sum of magnitudes that meets in an output, `[out]`."""
  kernel = np.abs(kernel.astype(np.float64))
  if upsample == 1:
    return kernel.sum(axis=(0, 1, 2))
  phases = itertools.product(range(upsample), repeat=2)
  return np.max(
    [kernel[i::upsample, j::upsample].sum(axis=(0, 1, 3)) for i, j in phases],
    axis=0,
  )


class HyperSynthesis:
  """The hyper-synthesis in integers, as `arrays` keeps it.

  Args:
    kept: Of `arrays`.
  """

  def __init__(self, kept: Mapping[str, np.ndarray]):
    self._parts = {}
    for name in ("hyper_0", "hyper_1", "indexes", "means"):
      kernel, bias = (
        tf.constant(kept[f"{name}_{part}"].astype(np.float32))
        for part in ("kernel", "bias")
      )
      shift = kept[f"{name}_shift"].astype(np.float32)
      half = np.where(shift > 0, 2.0 ** (shift - 1), 0).astype(np.float32)
      self._parts[name] = (kernel, bias + half, tf.constant(2.0**-shift))

  def hidden(self, z: tf.Tensor) -> tf.Tensor:
    """Returns what indexes and means are made of, `[N, 4h, 4w, C]`.

    Args:
      z: Whole numbers in float32, `[N, h, w, hyper_latents]`.
    """
    for name in ("hyper_0", "hyper_1"):
      kernel, bias, scale = self._parts[name]
      shape = tf.shape(z)
      size = [shape[0], 2 * shape[1], 2 * shape[2], kernel.shape[2]]
      sums = tf.nn.conv2d_transpose(z, kernel, size, 2) + bias
      z = tf.clip_by_value(
        tf.floor(sums * scale), 0.0, float(integer.ACTIVATION_LIMIT)
      )
    return z

  def indexes(self, hidden: tf.Tensor) -> tf.Tensor:
    """Returns whole numbers in float32, not clipped."""
    return self._last("indexes", hidden)

  def means(self, hidden: tf.Tensor) -> tf.Tensor:
    """Returns means in units of the latents' deviations."""
    return self._last("means", hidden) * 2.0**-hyper_transforms.MEAN_BITS

  def _last(self, name: str, hidden: tf.Tensor) -> tf.Tensor:
    kernel, bias, scale = self._parts[name]
    sums = tf.nn.conv2d(hidden, kernel, 1, "SAME") + bias
    return tf.floor(sums * scale)
