"""Coding tables and integer layers of a model, so that all machines code alike.

A file is read by the very numbers it was written with: tables of frequencies,
the hyper-synthesis in integers, and what each quality adds to scale indexes.
They are made once, when a network is saved (`model_writer`), and read ever
after. `layout` says which of them there are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs.bitstream import container, range_coder
from tfpercept.codecs.learned import integer_layers, layout, model_ids
from tfpercept.io import files, npz_reader
from tfpercept.ops import codec_constants

FILE = model_ids.CODING_FILE
MAX_LEVELS = 255 // container.STEPS
"""Files have a byte for the quality."""
_LARGEST_OFFSET = 1 << 15
_FAR_BITS = (16, 8)  # of the tables of both bytes


def load(
  model: files.PathLike, manifest: Mapping[str, Any]
) -> tuple[layout.Layout, dict[str, np.ndarray]]:
  """Returns what a model folder keeps to code with, and its layout.

  Args:
    model: A model folder, a run folder that holds one as `model/`, or the name
      of a model that comes with the package.
    manifest: Manifest of the model.

  Raises:
    ValueError: if the model codes no pictures, or the file is missing, damaged,
      or another model's.
  """
  if not model_ids.codes(manifest):
    raise ValueError(
      f"{model} holds a {manifest['model']} that codes no pictures; give a "
      "folder that trainers.compression wrote"
    )
  path = manifests.folder(model) / FILE
  if not path.is_file() or files.sha256(path) != manifest["files"][FILE]:
    raise ValueError(
      f"{path} is missing or is not what its manifest was written with; copy "
      "the whole model folder again"
    )
  kept = npz_reader.read(path)
  try:
    laid = layout.of_arrays(kept, model_ids.bitstream(manifest))
    check(kept, laid)
  except ValueError as error:
    raise ValueError(f"{path} is not what codes: {error}") from error
  return laid, kept


def check(kept: Mapping[str, np.ndarray], laid: layout.Layout) -> None:
  """Raises ValueError unless arrays are what codes.

  Whatever they say then, decoding neither overflows nor is inexact.

  Args:
    kept: Arrays of a model folder, by name.
    laid: Layout of the arrays.
  """
  check_levels(laid.levels)
  kinds = _kinds(laid) | integer_layers.kinds(laid.layers)
  for name, (shape, kind) in kinds.items():
    found = kept.get(name)
    if found is None or found.shape != shape or found.dtype != kind:
      got = "nothing" if found is None else f"{found.dtype} {found.shape}"
      raise ValueError(f"{name} is {np.dtype(kind)} {shape}; got {got}")
  for name in "zy" if laid.has_side_information else "y":
    offsets = kept[f"{name}_offsets"]
    _check_tables(
      name, kept.get(f"{name}_tables"), [codec_constants.PRECISION], offsets
    )
    if np.abs(offsets.astype(np.int64)).max() > _LARGEST_OFFSET:
      raise ValueError(f"{name}_offsets are beyond {_LARGEST_OFFSET}")
  octets = np.zeros(2, np.int32)
  _check_tables("far", kept.get("far_tables"), _FAR_BITS, octets, symbols=256)
  for name, layer in laid.layers.items():
    integer_layers.check(name, layer, kept)
  gains = (kept["log_gain"], kept["log_inverse"], kept["deviation"])
  if not all(np.isfinite(g).all() for g in gains) or gains[-1].min() <= 0:
    raise ValueError("gains and deviations are finite, and these above 0")


def _kinds(laid: layout.Layout) -> dict[str, tuple[tuple[int, ...], str]]:
  """Returns shapes and types of arrays, but for those of tables and layers."""
  latents, levels = laid.latents, laid.levels
  kinds = {
    "y_offsets": ((laid.tables,), "i4"),
    "log_gain": ((levels, latents), "f4"),
    "log_inverse": ((levels, latents), "f4"),
    "deviation": ((latents,), "f4"),
  }
  if laid.has_side_information:
    steps = container.STEPS * (levels - 1) + 1
    kinds |= {
      "z_offsets": ((laid.hyper_latents,), "i4"),
      "index_offsets": ((steps, latents), "i2"),
    }
  return kinds


def check_levels(levels: int) -> None:
  """Raises ValueError for more qualities than a file can say."""
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
  if lookup.dtype != "i4" or lookup.ndim != 1:
    raise ValueError(f"{name}_tables are no tables of frequencies")
  try:
    tables = range_coder.Tables(lookup)
  except ValueError as error:
    raise ValueError(f"{name}_tables: {error}") from error
  count = len(tables.last)
  found = lookup[tables.starts[:-1] + np.arange(count)]
  wanted = np.tile(bits, len(offsets) // len(bits))
  # All frequencies are above 0, and where one table follows another it falls.
  rises = np.diff(tables.ends) > 0
  rises[tables.starts[1:-1] - 1] = True
  good = np.array_equal(found, wanted) and rises.all() and tables.last.min() > 0
  if not good or (symbols and (tables.last + 1 != symbols).any()):
    raise ValueError(f"{name}_tables are no tables of frequencies")
