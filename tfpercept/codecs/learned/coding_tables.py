"""Coding tables and integer layers of a model, so that all machines code alike.

A file is read by the very numbers it was written with: tables of frequencies,
the hyper-synthesis in integers, and what each quality adds to scale indexes.
They are made once, when a network is saved, and read ever after. The entropy
model of the network says which of them there are.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.codecs.bitstream import container, range_decoder
from tfpercept.codecs.learned import integer_layers, model_ids
from tfpercept.io import files, npz_reader
from tfpercept.models.compression import (
  entropy_coding,
  entropy_model,
  transform_codec,
)

FILE = model_ids.CODING_FILE
MAX_LEVELS = 255 // container.STEPS
"""Files have a byte for the quality."""
_LARGEST_OFFSET = 1 << 15
_FAR_BITS = (16, 8)  # of the tables of both bytes


def arrays(network: transform_codec.TransformCodec) -> dict[str, np.ndarray]:
  """Returns all arrays that a codec keeps of a trained network, by name.

  Args:
    network: Built network.

  Raises:
    ValueError: if a sum of an integer layer might be inexact in float32, or the
      network has more than `MAX_LEVELS`.
  """
  model, levels = network.entropy_model, network.levels
  _check_levels(levels)
  made = {}
  for name, tables in model.tables().items():
    made[f"{name}_tables"], made[f"{name}_offsets"] = tables
  for name, (layer, _) in model.integer_layers.items():
    made |= integer_layers.arrays(name, layer)
  for name, shape in integer_layers.shapes(model).items():
    integer_layers.check(name, shape, made)
  if model.has_side_information:
    made["index_offsets"] = _index_offsets(network)
  whole = tf.range(1, levels + 1, dtype=tf.float32)
  ends = [gain.numpy()[:, 0, 0] for gain in network.log_gains(whole)]
  return {
    **made,
    "far_tables": entropy_coding.FAR_LOOKUP,
    "log_gain": ends[0],
    "log_inverse": ends[1],
    "deviation": network.deviation.numpy(),
  }


def _index_offsets(network: transform_codec.TransformCodec) -> np.ndarray:
  """Returns what each quality adds to indexes, int16 `[steps, latents]`.

  Scales are equally spaced in logarithms, so a gain moves an index by its own
  logarithm over that spacing. Rounded once here, it is the same everywhere.
  """
  steps = tf.range(
    0, container.STEPS * (network.levels - 1) + 1, dtype=tf.float32
  )
  log_gain, _ = network.log_gains(1.0 + steps / container.STEPS)
  offsets = log_gain.numpy()[:, 0, 0] / entropy_coding.LOG_STEP
  return np.round(offsets).astype(np.int16)


def load(
  folder: files.PathLike,
  manifest: Mapping[str, Any],
  network: transform_codec.TransformCodec,
) -> dict[str, np.ndarray]:
  """Returns the arrays that `arrays` made of a network, from a model folder.

  Args:
    folder: A model folder, or a run folder that holds one as `model/`.
    manifest: Manifest of the model.
    network: Built network of the model.

  Raises:
    ValueError: if the file is missing, damaged, or another network's.
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
  try:
    _check(kept, network)
  except ValueError as error:
    raise ValueError(f"{path} is not what codes: {error}") from error
  return kept


def _check(
  kept: Mapping[str, np.ndarray], network: transform_codec.TransformCodec
) -> None:
  """Raises ValueError unless arrays are what a network codes with.

  Whatever they say then, decoding neither overflows nor is inexact.
  """
  model = network.entropy_model
  _check_levels(network.levels)
  layers = integer_layers.shapes(model)
  kinds = _kinds(model, network.levels) | integer_layers.kinds(layers)
  for name, (shape, kind) in kinds.items():
    found = kept.get(name)
    if found is None or found.shape != shape or found.dtype != kind:
      got = "nothing" if found is None else f"{found.dtype} {found.shape}"
      raise ValueError(f"{name} is {np.dtype(kind)} {shape}; got {got}")
  for name in ("y", "z") if model.has_side_information else ("y",):
    offsets = kept[f"{name}_offsets"]
    _check_tables(
      name, kept.get(f"{name}_tables"), [entropy_coding.PRECISION], offsets
    )
    if np.abs(offsets.astype(np.int64)).max() > _LARGEST_OFFSET:
      raise ValueError(f"{name}_offsets are beyond {_LARGEST_OFFSET}")
  octets = np.zeros(2, np.int32)
  _check_tables("far", kept.get("far_tables"), _FAR_BITS, octets, symbols=256)
  for name, layer in layers.items():
    integer_layers.check(name, layer, kept)
  gains = (kept["log_gain"], kept["log_inverse"], kept["deviation"])
  if not all(np.isfinite(g).all() for g in gains) or gains[-1].min() <= 0:
    raise ValueError("gains and deviations are finite, and these above 0")


def _kinds(
  model: entropy_model.EntropyModel, levels: int
) -> dict[str, tuple[tuple[int, ...], str]]:
  """Returns shapes and types of arrays, but for those of tables and layers."""
  latents = model.latents
  kinds = {
    "y_offsets": ((model.table_count,), "i4"),
    "log_gain": ((levels, latents), "f4"),
    "log_inverse": ((levels, latents), "f4"),
    "deviation": ((latents,), "f4"),
  }
  if model.has_side_information:
    steps = container.STEPS * (levels - 1) + 1
    kinds |= {
      "z_offsets": ((model.hyper_latents,), "i4"),
      "index_offsets": ((steps, latents), "i2"),
    }
  return kinds


def _check_levels(levels: int) -> None:
  if levels > MAX_LEVELS:
    raise ValueError(
      f"a file has room for qualities up to {MAX_LEVELS}; the network has "
      f"{levels}"
    )


def _check_tables(
  name: str,
  lookup: np.ndarray | None,
  bits: Sequence[int],
  offsets: np.ndarray,
  *,
  symbols: int | None = None,
) -> None:
  """Raises ValueError if tables are not as the range coder needs them.

  Args:
    name: Name of the symbols that they code.
    lookup: Cumulative frequencies, as in `entropy_coding.Tables`.
    bits: Bits of the frequencies of each table in turn; one number for all
      tables.
    offsets: Offsets of the tables, as many as there should be tables.
    symbols: Number of symbols in each table, 2 or more, if it is known.
  """
  if lookup is None:
    raise ValueError(f"{name}_tables are missing")
  try:
    tables = range_decoder.tables(np.asarray(lookup, np.int32).ravel())
  except ValueError as error:
    raise ValueError(f"{name}_tables: {error}") from error
  wanted = list(bits) * (len(offsets) // len(bits))
  good = [table.bits for table in tables] == wanted and lookup.dtype == "i4"
  for table in tables if good else ():
    good &= min(np.diff(table.ends)) > 0 and len(table.ends) > 2
    good &= symbols is None or len(table.ends) == symbols + 1
  if not good:
    raise ValueError(f"{name}_tables are no tables of frequencies")
