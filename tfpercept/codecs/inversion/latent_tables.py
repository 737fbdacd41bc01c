"""Integer coding tables of a generator's latents, and how they are chosen.

Each latent of each quality has one table of a fixed set. A table holds whole
frequencies, made once when a model is written and read ever after, so that all
machines read a file alike.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs.bitstream import container, range_coder
from tfpercept.io import files, npz_reader

FILE = "coding.npz"
MAX_SYMBOL = 255
"""Latents are rounded to so many steps on either side of 0, at most."""
MAX_LATENTS = 4096
MAX_LEVELS = 255 // container.STEPS
PRICE = math.log(2) / 6
"""Squared steps for a bit: that of 2 ln 2 times a twelfth of a squared step."""
_BITS = range_coder.PRECISION
_SCALES = np.exp(np.linspace(np.log(0.06), np.log(64.0), 40))
_KINDS = ("normal", "laplace")
_FINE = 64  # points of a step that a density is summed over


@dataclasses.dataclass(frozen=True)
class Coding:
  """What codes the latents of a model.

  Attributes:
    tables: Coding tables.
    offsets: Value of the first symbol of each table, int32.
    indexes: Number of the table of each latent at each quality, int32
      `[levels, latents]`.
    steps: Quantizer step of each quality, float32 `[levels]`, coarsest first.
  """

  tables: range_coder.Tables
  offsets: np.ndarray
  indexes: np.ndarray
  steps: np.ndarray

  def limits(self, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the least and the largest symbol of each latent at a quality."""
    which = self.indexes[level]
    least = self.offsets[which]
    return least, least + self.tables.last[which]

  def bits(self, symbols: np.ndarray, level: int) -> np.ndarray:
    """Returns the bits of symbols, float64 of their shape `[..., latents]`.

    Args:
      symbols: Symbols within their limits, int32 `[..., latents]`.
      level: Place of the quality, from 0 on.
    """
    which = self.indexes[level]
    at = self.tables.starts[which] + symbols - self.offsets[which]
    share = self.tables.ends[at + 1] - self.tables.ends[at]
    return _BITS - np.log2(share)

  def economical(self, values: np.ndarray, level: int) -> np.ndarray:
    """Returns symbols of values that weigh errors against bits.

    Each value is rounded to the nearest whole number or to the one before it
    towards 0. Of both that is taken whose squared error plus `PRICE` times its
    bits is less. `PRICE` is the slope of the rate-distortion function of fine
    uniform quantizers, on which an error and its bits are worth the same.

    Args:
      values: Latents in quantizer steps, float32 `[..., latents]`.
      level: Place of the quality, from 0 on.

    Returns:
      Symbols within their limits, int32 of the same shape.

    Source: Sullivan, "Efficient scalar quantization of exponential and
    Laplacian random variables", 1996, section IV.
    """
    limits = self.limits(level)
    nearest = np.clip(np.round(values), *limits)
    shorter = np.sign(nearest) * np.maximum(np.abs(nearest) - 1, 0)
    costs = [
      np.square(values - found)
      + PRICE * self.bits(found.astype(np.int32), level)
      for found in (nearest, shorter)
    ]
    best = np.where(costs[1] < costs[0], shorter, nearest)
    return best.astype(np.int32)

  def write(self, symbols: np.ndarray, level: int) -> bytes:
    """Returns the string of symbols at a quality.

    Args:
      symbols: Symbols within their limits, int32, of one latent vector after
        the other.
      level: Place of the quality, from 0 on.
    """
    which = self._which(len(symbols) // self.indexes.shape[1], level)
    encoder = range_coder.RangeEncoder(self.tables)
    encoder.write(which, symbols - self.offsets[which])
    return encoder.finish()

  def read(self, string: bytes, count: int, level: int) -> np.ndarray:
    """Returns the symbols of a string.

    Args:
      string: String that `write` returned, or any other.
      count: Number of latent vectors.
      level: Place of the quality, from 0 on.

    Returns:
      Int32, one latent vector after the other.

    Raises:
      CorruptStream: if the string does not end where its symbols do.
    """
    which = self._which(count, level)
    # A container holds one zero byte in place of an empty string.
    decoder = range_coder.RangeDecoder(
      b"" if string == b"\0" else string, self.tables
    )
    symbols = decoder.read(which) + self.offsets[which]
    decoder.require_end()
    return symbols

  def _which(self, count: int, level: int) -> np.ndarray:
    return np.tile(self.indexes[level], count)


def make(latents: np.ndarray, steps: np.ndarray) -> dict[str, np.ndarray]:
  """Returns the arrays that a model folder keeps.

  Args:
    latents: Latents of training pictures, float32 `[N, L]`; of each the table
      that codes them shortest is taken.
    steps: Quantizer steps, float32 `[levels]`, coarsest first.
  """
  tables, offsets = [], []
  for kind in _KINDS:
    for scale in _SCALES:
      frequencies, offset = _frequencies(kind, scale)
      tables += [_BITS, 0, *np.cumsum(frequencies).tolist()]
      offsets.append(offset)
  kept = {
    "tables": np.array(tables, np.int32),
    "offsets": np.array(offsets, np.int32),
    "steps": np.asarray(steps, np.float32),
  }
  made = range_coder.Tables(kept["tables"])
  indexes = [_best(latents / step, made, kept["offsets"]) for step in steps]
  return {**kept, "indexes": np.stack(indexes).astype(np.int32)}


def _frequencies(kind: str, scale: float) -> tuple[np.ndarray, int]:
  """Returns whole frequencies that sum to 2^16, and the first symbol.

  Args:
    kind: One of `_KINDS`.
    scale: Standard deviation in quantizer steps.
  """
  reach = int(np.clip(np.ceil(6 * scale), 1, MAX_SYMBOL))
  at = (np.arange(-reach * _FINE - _FINE // 2, reach * _FINE + _FINE // 2)
        + 0.5) / (_FINE * scale)  # fmt: skip
  if kind == "normal":
    density = np.exp(-0.5 * at**2)
  else:
    density = np.exp(-np.sqrt(2.0) * np.abs(at))
  share = density.reshape(-1, _FINE).sum(axis=1)
  whole = np.maximum(np.floor(share / share.sum() * 2**_BITS), 1).astype(int)
  whole[reach] += 2**_BITS - whole.sum()  # the most likely takes the rest
  return whole, -reach


def _best(
  symbols: np.ndarray, tables: range_coder.Tables, offsets: np.ndarray
) -> np.ndarray:
  """Returns for each latent the table that codes its symbols shortest."""
  symbols = np.round(symbols).astype(np.int32)  # [N, L]
  best = np.zeros(symbols.shape[1], np.int32)
  least = np.full(symbols.shape[1], np.inf)
  for number, (start, last) in enumerate(
    zip(tables.starts, tables.last, strict=False)
  ):
    beyond = np.abs(symbols) > -offsets[number]
    places = np.clip(symbols - offsets[number], 0, last)
    ends = tables.ends[start : start + last + 2]
    cost = (_BITS - np.log2(np.diff(ends)))[places]
    total = np.where(beyond, cost + _BITS, cost).sum(axis=0)
    better = total < least
    best[better], least[better] = number, total[better]
  return best


def load(model: files.PathLike, manifest: Mapping[str, Any]) -> Coding:
  """Returns what codes the latents of a model.

  Args:
    model: A model folder, a run folder that holds one as `model/`, or the name
      of a model that comes with the package.
    manifest: Manifest of the model.

  Raises:
    ValueError: if the file is missing, damaged or another model's.
  """
  path = manifests.folder(model) / FILE
  wanted = manifest.get("files", {}).get(FILE)
  if not path.is_file() or files.sha256(path) != wanted:
    raise ValueError(
      f"{path} is missing or is not what its manifest was written with; copy "
      "the whole model folder again"
    )
  try:
    return checked(npz_reader.read(path))
  except ValueError as error:
    raise ValueError(f"{path} is not what codes: {error}") from error


def checked(kept: Mapping[str, np.ndarray]) -> Coding:
  """Returns the arrays of a model folder, once they are found to code.

  Raises:
    ValueError: if they are of another kind.
  """
  kinds = {"tables": ("i4", 1), "offsets": ("i4", 1), "steps": ("f4", 1),
           "indexes": ("i4", 2)}  # fmt: skip
  for name, (kind, rank) in kinds.items():
    found = kept.get(name)
    if found is None or found.dtype != kind or found.ndim != rank:
      raise ValueError(f"{name} should be {np.dtype(kind)} of rank {rank}")
  tables = range_coder.Tables(kept["tables"])
  count = len(tables.last)
  rises = np.diff(tables.ends) > 0
  rises[tables.starts[1:-1] - 1] = True  # where one table follows another
  offsets, indexes = kept["offsets"], kept["indexes"]
  if not rises.all() or offsets.shape != (count,):
    raise ValueError("tables have frequencies above 0, and an offset each")
  if np.abs(offsets).max() > MAX_SYMBOL or tables.last.max() > 2 * MAX_SYMBOL:
    raise ValueError(f"symbols lie within {MAX_SYMBOL}")
  levels, latents = indexes.shape
  if not 1 <= latents <= MAX_LATENTS or not 1 <= levels <= MAX_LEVELS:
    raise ValueError(
      f"there are 1 to {MAX_LATENTS} latents and 1 to {MAX_LEVELS} qualities; "
      f"got {latents}, {levels}"
    )
  if indexes.min() < 0 or indexes.max() >= count:
    raise ValueError(f"tables have numbers from 0 to {count - 1}")
  steps = kept["steps"]
  if steps.shape != (levels,) or not np.isfinite(steps).all():
    raise ValueError("each quality has one finite quantizer step")
  if steps.min() <= 0:
    raise ValueError("quantizer steps are above 0")
  return Coding(tables, offsets, indexes, steps)
