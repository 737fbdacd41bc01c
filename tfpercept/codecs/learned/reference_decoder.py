"""Decodes the learned codec's streams in plain NumPy.

It shares the container with the fast decoder, and nothing else: neither
TensorFlow nor its range coder. Of lossless streams, which hold no latents, both
have the same reader. It says what a stream means, and reads it when
those are gone. The arrays of a model folder state what its network codes with;
the name of the network is not asked for.
"""

import hashlib
import itertools
import json
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import container, range_decoder
from tfpercept.codecs.learned import reference_transforms as transforms
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.io import files, npz_reader

MAX_PIXELS = 2**24
"""Default of the most pixels of a picture; half a pixel takes about a
microsecond."""
_FACTORIZED, _HYPERPRIOR, _CHANNEL_WISE, _HIFIC = 1, 2, 3, 4  # codec ids
_STRIDE = transforms.STRIDE
_RATIO = 4  # latents per hyper-latent
_ACTIVATION_LIMIT = 127
_MEAN_UNIT = np.float32(2.0**-6)
_SCALES = 64
_CONTEXT_LIMIT = 15  # of symbols where others follow from them
_STRIP, _HALO = 8, 2  # rows; a pixel sees 2 beyond its own, 1 more per block


class Latents(NamedTuple):
  """The latents of a stream.

  Attributes:
    header: Header of the stream.
    z: Hyper-latents, int32 `[h/4, w/4, hyper_latents]`; None if there are none.
    indexes: Numbers of the coding tables of `symbols`, int32 `[h, w, latents]`.
    means: Means in the unit of `symbols`, float32 of the same shape.
    symbols: Latents less their means, int32 of the same shape.
  """

  header: container.Header
  z: np.ndarray | None
  indexes: np.ndarray
  means: np.ndarray
  symbols: np.ndarray


class ReferenceDecoder:
  """Decodes the streams of one model.

  Args:
    folder: A model folder of the learned codec: `manifest.json`, `weights.npz`
      and `coding.npz`.

  Raises:
    ValueError: if there is no such model, or its files are not those that its
      manifest names.
  """

  def __init__(self, folder: files.PathLike):
    folder = pathlib.Path(folder)
    manifest = _manifest(folder)
    self.identity = _identity(manifest)
    self._config = manifest["config"]
    self._coding = npz_reader.read(folder / "coding.npz")
    arrays = npz_reader.read(folder / "weights.npz")
    self._weights = {
      name.removeprefix("synthesis/"): arrays[f"{i:03d}"].astype(np.float32)
      for i, name in enumerate(manifest["names"])
      if name.startswith("synthesis/")
    }
    self._tables = {
      name: range_decoder.tables(self._coding[f"{name}_tables"])
      for name in ("z", "y", "far")
      if f"{name}_tables" in self._coding
    }
    self._latents = len(self._coding["deviation"])
    self._hyper_latents = len(self._coding.get("z_offsets", ()))
    self._slices = _slices(self._coding)
    if not self._hyper_latents:
      self._codec = _FACTORIZED
    elif len(self._slices) > 1:
      self._codec = _CHANNEL_WISE
    else:
      self._codec = _HIFIC if self._is_generator else _HYPERPRIOR

  def decompress(
    self, data: bytes, *, max_pixels: int = MAX_PIXELS
  ) -> np.ndarray:
    """Returns the picture of a stream, uint8 `[H, W, 3]` or `[H, W, 1]`.

    Args:
      data: Whole stream.
      max_pixels: Most pixels of a picture that is decoded.

    Raises:
      CorruptStream: if the stream is damaged, of another model, or of a picture
        of more than `max_pixels`.
    """
    if lossless_codec.is_lossless(data):
      return lossless_codec.Lossless(max_pixels=max_pixels).decompress(data)
    latents = self.latents(data, max_pixels=max_pixels)
    header, level = latents.header, self._level(latents.header)
    y_hat = latents.symbols.astype(np.float32) + latents.means
    y_hat *= np.exp(transforms.at_level(self._coding["log_inverse"], level))
    picture = np.empty((header.height, header.width, 3), np.uint8)
    blocks = self._config["blocks"]
    halo = 3 + 2 * blocks if self._is_generator else _HALO + blocks
    for top in range(0, len(y_hat), _STRIP):
      first = max(top - halo, 0)
      # What is not finite is found below; NumPy need not warn of it.
      with np.errstate(over="ignore", invalid="ignore"):
        x_hat = self._synthesis(y_hat[first : top + _STRIP + halo], level)
      x_hat = x_hat[(top - first) * _STRIDE :, : header.width]
      rows = picture[top * _STRIDE : (top + _STRIP) * _STRIDE]
      if not np.isfinite(x_hat[: len(rows)]).all():
        raise CorruptStream("the latents are no picture's: not all is finite")
      rows[:] = np.round(x_hat[: len(rows)].clip(0, 1) * np.float32(255))
    if header.grey:
      total = picture.sum(axis=-1, keepdims=True, dtype=np.uint16)
      return ((total + 1) // 3).astype(np.uint8)
    return picture

  def latents(self, data: bytes, *, max_pixels: int = MAX_PIXELS) -> Latents:
    """Returns the latents of a stream, the same on every machine.

    Args:
      data: Whole stream.
      max_pixels: Most pixels of a picture that is decoded.

    Raises:
      CorruptStream: as `decompress`.
    """
    header, strings = container.unpack(
      data,
      codec=self._codec,
      model=self.identity,
      symbols=self._symbols,
      max_pixels=max_pixels,
    )
    level = self._level(header)
    if header.integer != ("z" in self._tables):
      raise CorruptStream(
        "a hyper-synthesis in "
        + ("integers" if header.integer else "floating point")
        + ", which the model has not"
      )
    shape = (*self._size(header.height, header.width), self._latents)
    if "z" not in self._tables:
      channels = np.arange(shape[-1], dtype=np.int32)
      indexes, means = np.broadcast_to(channels, shape), np.zeros(shape, "f4")
      symbols = self._read_y(indexes, means, strings)
      return Latents(header, None, indexes, means, symbols)
    z = self._read_z(strings[0], shape)
    indexes, means = self._told(z, level)
    symbols = self._read_y(indexes, means, strings[1:])
    return Latents(header, z, indexes, means, symbols)

  def _level(self, header: container.Header) -> float:
    """Returns the quality; raises CorruptStream if the model has it not."""
    levels = len(self._coding["log_gain"])
    if levels == 1 and header.quality == 0:
      return 1.0
    level = header.quality / container.STEPS
    if levels == 1 or not 1 <= level <= levels:
      raise CorruptStream(
        f"a quality of {header.quality}/{container.STEPS}; the model has "
        + (f"1 to {levels}" if levels > 1 else "one rate, which is 0")
      )
    return level

  def _size(self, height: int, width: int) -> tuple[int, int]:
    """Returns rows and columns of the latents of a picture."""
    ratio = _RATIO if "z" in self._tables else 1
    stride = ratio * _STRIDE
    return ratio * -(-height // stride), ratio * -(-width // stride)

  def _symbols(self, height: int, width: int) -> list[int]:
    """Returns how many symbols strings hold: z, y, beyond the tables of y."""
    rows, columns = self._size(height, width)
    latents = rows * columns * self._latents
    if "z" not in self._tables:
      return [latents, latents]
    count = rows * columns // _RATIO**2 * self._hyper_latents
    return [count, latents, latents]

  def _read_z(self, string: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Returns hyper-latents, each coded by the table of its channel."""
    count = self._hyper_latents
    channels = np.broadcast_to(
      np.arange(count, dtype=np.int32),
      (shape[0] // _RATIO, shape[1] // _RATIO, count),
    )
    decoder = range_decoder.RangeDecoder(string, self._tables["z"])
    z = _read(decoder, channels) + self._coding["z_offsets"][channels]
    decoder.require_end()
    return z

  def _told(self, z: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns what hyper-latents tell of indexes, not clipped, and of means."""
    hidden = z
    for name in ("hyper_0", "hyper_1"):
      kernel = self._coding[f"{name}_kernel"].astype(np.int32)
      sums = transforms.upsampled(hidden, kernel)
      hidden = self._shifted(name, sums).clip(0, _ACTIVATION_LIMIT)
    step = round(container.STEPS * (level - 1))
    indexes = self._convolved("indexes", hidden)
    indexes = indexes + self._coding["index_offsets"][step]
    if "means_kernel" not in self._coding:
      return indexes, np.zeros(indexes.shape, np.float32)
    log_gain = transforms.at_level(self._coding["log_gain"], level)
    unit = _MEAN_UNIT * self._coding["deviation"] * np.exp(log_gain)
    means = self._convolved("means", hidden).astype(np.float32) * unit
    return indexes, means

  def _read_y(
    self, indexes: np.ndarray, means: np.ndarray, strings: list[bytes]
  ) -> np.ndarray:
    """Returns the symbols of y, slice by slice.

    Args:
      indexes: Indexes that side information tells, int32 `[h, w, latents]`.
        Those of a slice are clipped after the part that earlier slices tell is
        added, here and to means.
      means: Means that side information tells, float32 of the same shape.
      strings: The string of symbols and that of escape symbols.
    """
    near, far = (
      range_decoder.RangeDecoder(string, self._tables[name])
      for string, name in zip(strings, ("y", "far"), strict=True)
    )
    symbols = np.zeros(indexes.shape, np.int32)
    for i, channels in enumerate(self._slices):
      if i:
        known = symbols[..., : channels.start]
        hidden = self._convolved(
          f"context{i}_hidden", known.clip(-_CONTEXT_LIMIT, _CONTEXT_LIMIT)
        ).clip(0, _ACTIVATION_LIMIT)
        indexes[..., channels] += self._convolved(f"context{i}_indexes", hidden)
        shift = self._convolved(f"context{i}_means", hidden)
        means[..., channels] += shift.astype(np.float32) * _MEAN_UNIT
      if "z" in self._tables:
        indexes[..., channels] = indexes[..., channels].clip(0, _SCALES - 1)
      own = indexes[..., channels]
      symbols[..., channels] = self._with_far(own, near, far)
      symbols[..., channels] += self._coding["y_offsets"][own]
    near.require_end()
    far.require_end()
    return symbols

  def _with_far(
    self,
    indexes: np.ndarray,
    near: range_decoder.RangeDecoder,
    far: range_decoder.RangeDecoder,
  ) -> np.ndarray:
    """Returns symbols, also those that no table has.

    The last symbol of a table stands for those, and for each of them the other
    string has a number, its high byte first: twice the distance from the
    nearest symbol, less 1, plus 1 if it is below. Numbers begin at 0.
    """
    symbols = _read(near, indexes)
    last = np.array([len(table.ends) - 2 for table in self._tables["y"]])
    is_far = symbols == last[indexes]
    count = np.count_nonzero(is_far)
    octets = _read(far, np.tile([0, 1], (count, 1)))
    numbers = 256 * octets[:, 0] + octets[:, 1]
    beyond = numbers // 2
    above = last[indexes[is_far]] + beyond
    symbols[is_far] = np.where(numbers % 2, -1 - beyond, above)
    return symbols

  def _shifted(self, name: str, sums: np.ndarray) -> np.ndarray:
    """Adds the bias and divides by a power of two, rounding half up."""
    shift = self._coding[f"{name}_shift"].astype(np.int32)
    half = (1 << shift) >> 1
    return (sums + self._coding[f"{name}_bias"] + half) >> shift

  def _convolved(self, name: str, x: np.ndarray) -> np.ndarray:
    """Returns the output of a layer, zeros around the border."""
    kernel = self._coding[f"{name}_kernel"].astype(np.int32)
    return self._shifted(name, transforms.convolved(x, kernel))

  def _synthesis(self, y_hat: np.ndarray, level: float) -> np.ndarray:
    """Returns float32 `[16 h, 16 w, 3]`, not clipped."""
    blocks, deviation = self._config["blocks"], self._coding["deviation"]
    if self._is_generator:
      return transforms.generator(
        y_hat, deviation, self._weights, blocks=blocks
      )
    return transforms.synthesis(
      y_hat, deviation, level, self._weights, blocks=blocks
    )

  @property
  def _is_generator(self) -> bool:
    """Whether the synthesis is a generator, which its weights tell."""
    return "head/kernel" in self._weights


def _read(
  decoder: range_decoder.RangeDecoder, indexes: np.ndarray
) -> np.ndarray:
  """Returns int32 symbols, each by the table that its index names."""
  values = decoder.read(indexes.ravel().tolist())
  return np.fromiter(values, np.int32, indexes.size).reshape(indexes.shape)


def _slices(coding: Mapping[str, np.ndarray]) -> list[slice]:
  """Returns the channels of each slice, by the contexts that are kept.

  The first slice has no context, and what the others leave of the channels.
  """
  counts: list[int] = []
  while (name := f"context{len(counts) + 1}_indexes_bias") in coding:
    counts.append(len(coding[name]))
  ends = np.cumsum([len(coding["deviation"]) - sum(counts), *counts])
  return [slice(*pair) for pair in itertools.pairwise([0, *ends.tolist()])]


def _manifest(folder: pathlib.Path) -> dict[str, Any]:
  """Returns the manifest of a model folder whose files are as it says."""
  kind = "a network"
  try:
    manifest = json.loads((folder / "manifest.json").read_text())
    kind = f"a {manifest['model']}"
    sums = {"weights.npz": manifest["sha256"], **manifest["files"]}
    for name in ("weights.npz", "coding.npz"):
      if files.sha256(folder / name) != sums[name]:
        raise ValueError(f"{name} is not the one it was written with")
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise ValueError(
      f"{folder}, of {kind}, is no whole model of the learned codec: {error!r}"
    ) from error
  return manifest


def _identity(manifest: dict[str, Any]) -> bytes:
  """Returns the 8 bytes that name the model in streams."""
  kept = {key: manifest[key] for key in ("model", "config", "sha256", "files")}
  text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
  return hashlib.sha256(text.encode()).digest()[:8]
