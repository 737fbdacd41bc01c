"""Decodes the learned codec's streams in plain NumPy.

It shares the container with the fast decoder, and nothing else: neither
TensorFlow nor its range coder. It says what a stream means, and reads it when
those are gone.
"""

import hashlib
import itertools
import json
import pathlib
from typing import Any, NamedTuple

import numpy as np

from tfpercept import files, npz_reader
from tfpercept.codecs import container, range_decoder
from tfpercept.codecs.base import CorruptStream

MAX_PIXELS = 2**24
"""Of a picture, by default: about a microsecond goes into each half pixel."""
_CODEC = 2
_STEPS = 16  # in a quality
_STRIDE, _HYPER_STRIDE = 16, 64  # pixels per latent, per hyper-latent
_ACTIVATION_LIMIT = 127
_MEAN_UNIT = np.float32(2.0**-6)
_SCALES = 64
_PEDESTAL = 2.0**-18  # of the roots that GDN keeps
_HIDDEN_WEIGHTS = 6  # kernel, bias, beta, gamma, scale and offset by quality
_STRIP, _HALO = 8, 2  # rows of latents; a pixel sees 2 beyond its own


class Latents(NamedTuple):
  """What a stream holds.

  Attributes:
    header: Of the stream.
    z: Hyper-latents, int32 `[h, w, hyper_latents]`.
    indexes: Numbers of the tables of `symbols`, int32 `[4h, 4w, latents]`.
    means: Float32, likewise, in the unit of `symbols`.
    symbols: Latents less their means, int32, likewise.
  """

  header: container.Header
  z: np.ndarray
  indexes: np.ndarray
  means: np.ndarray
  symbols: np.ndarray


class ReferenceDecoder:
  """Decodes what one model has encoded.

  Args:
    folder: A model folder of a mean-scale hyperprior: `manifest.json`,
      `weights.npz` and `coding.npz`.

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
    self._weights = [
      arrays[f"{i:03d}"].astype(np.float32)
      for i, name in enumerate(manifest["names"])
      if name.startswith("synthesis/")
    ]
    self._tables = {
      name: range_decoder.tables(self._coding[f"{name}_tables"])
      for name in ("z", "y", "far")
    }

  def decompress(
    self, data: bytes, *, max_pixels: int = MAX_PIXELS
  ) -> np.ndarray:
    """Returns the picture of a stream, uint8 `[H, W, 3]` or `[H, W, 1]`.

    Raises:
      CorruptStream: if the stream is damaged, of another model, or of a picture
        of more than `max_pixels`.
    """
    latents = self.latents(data, max_pixels=max_pixels)
    header, level = latents.header, latents.header.quality / _STEPS
    y_hat = latents.symbols.astype(np.float32) + latents.means
    y_hat *= np.exp(_at_level(self._coding["log_inverse"], level))
    picture = np.empty((header.height, header.width, 3), np.uint8)
    for top in range(0, len(y_hat), _STRIP):
      first = max(top - _HALO, 0)
      # What is not finite is found below; NumPy need not warn of it.
      with np.errstate(over="ignore", invalid="ignore"):
        x_hat = self._synthesis(y_hat[first : top + _STRIP + _HALO], level)
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

    Raises:
      CorruptStream: as `decompress`.
    """
    header, (z_string, *y_strings) = container.unpack(
      data,
      codec=_CODEC,
      model=self.identity,
      symbols=self._symbols,
      max_pixels=max_pixels,
    )
    step = header.quality - _STEPS
    if not 0 <= step < len(self._coding["index_offsets"]):
      raise CorruptStream(
        f"a quality of {header.quality}/{_STEPS}; the model has 1 to "
        f"{self._config['levels']}"
      )
    if not header.integer:
      raise CorruptStream(
        "a hyper-synthesis in floating point, not in integers"
      )
    channels = self._channels(header)
    z = self._read("z", z_string, channels)
    z += self._coding["z_offsets"][channels]
    hidden = z
    for name in ("hyper_0", "hyper_1"):
      sums = _upsampled(hidden, self._coding[f"{name}_kernel"].astype(np.int32))
      hidden = self._shifted(name, sums).clip(0, _ACTIVATION_LIMIT)
    indexes = self._last("indexes", hidden)
    indexes = indexes + self._coding["index_offsets"][step]
    indexes = indexes.clip(0, _SCALES - 1)
    log_gain = _at_level(self._coding["log_gain"], header.quality / _STEPS)
    unit = _MEAN_UNIT * self._coding["deviation"] * np.exp(log_gain)
    means = self._last("means", hidden).astype(np.float32) * unit
    symbols = self._with_far(indexes, *y_strings)
    symbols += self._coding["y_offsets"][indexes]
    return Latents(header, z, indexes, means, symbols)

  def _channels(self, header: container.Header) -> np.ndarray:
    """Returns the table of each hyper-latent, `[h, w, hyper_latents]`."""
    count = self._config["hyper_latents"]
    shape = (
      -(-header.height // _HYPER_STRIDE), -(-header.width // _HYPER_STRIDE),
      count,
    )  # fmt: skip
    return np.broadcast_to(np.arange(count, dtype=np.int32), shape)

  def _symbols(self, height: int, width: int) -> list[int]:
    """Returns how many symbols strings hold: z, y, beyond the tables of y."""
    count = -(-height // _HYPER_STRIDE) * -(-width // _HYPER_STRIDE)
    ratio = (_HYPER_STRIDE // _STRIDE) ** 2
    latents = count * ratio * self._config["latents"]
    return [count * self._config["hyper_latents"], latents, latents]

  def _read(self, name: str, string: bytes, indexes: np.ndarray) -> np.ndarray:
    """Returns int32 symbols, each by the table that its index names."""
    decoder = range_decoder.RangeDecoder(string, self._tables[name])
    values = np.fromiter(
      decoder.read(indexes.ravel().tolist()), np.int32, indexes.size
    )
    decoder.require_end()
    return values.reshape(indexes.shape)

  def _with_far(
    self, indexes: np.ndarray, string: bytes, far_string: bytes
  ) -> np.ndarray:
    """Returns the symbols of y, also those that no table has.

    The last symbol of a table stands for those, and for each of them the other
    string has a number, its high byte first: twice the distance from the
    nearest symbol, less 1, plus 1 if it is below. Numbers begin at 0.
    """
    symbols = self._read("y", string, indexes)
    last = np.array([len(table.ends) - 2 for table in self._tables["y"]])
    is_far = symbols == last[indexes]
    count = np.count_nonzero(is_far)
    octets = self._read("far", far_string, np.tile([0, 1], (count, 1)))
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

  def _last(self, name: str, hidden: np.ndarray) -> np.ndarray:
    """Convolves 3x3, the border padded with zeros."""
    kernel = self._coding[f"{name}_kernel"].astype(np.int32)
    height, width, _ = hidden.shape
    around = np.pad(hidden, ((1, 1), (1, 1), (0, 0)))
    sums = sum(
      around[i : i + height, j : j + width] @ kernel[i, j]
      for i, j in itertools.product(range(3), repeat=2)
    )
    return self._shifted(name, sums)

  def _synthesis(self, y_hat: np.ndarray, level: float) -> np.ndarray:
    """Returns float32 `[16 h, 16 w, 3]`, not clipped."""
    features = y_hat / self._coding["deviation"]
    *hidden, kernel, bias, linear, mean = self._weights
    for start in range(0, len(hidden), _HIDDEN_WEIGHTS):
      stage = hidden[start : start + _HIDDEN_WEIGHTS]
      features = _upsampled(features, stage[0]) + stage[1]
      features *= _inverse_norm(features, *stage[2:4])
      features *= 1 + _at_level(stage[4], level)
      features += _at_level(stage[5], level)
    height, width, _ = y_hat.shape
    blocks = (y_hat @ linear[0, 0] + mean).reshape(
      height, width, _STRIDE, _STRIDE, 3
    )
    straight = blocks.swapaxes(1, 2).reshape(
      height * _STRIDE, width * _STRIDE, 3
    )
    return straight + _upsampled(features, kernel) + bias


def _manifest(folder: pathlib.Path) -> dict[str, Any]:
  """Returns the manifest of a model folder whose files are as it says."""
  try:
    manifest = json.loads((folder / "manifest.json").read_text())
    if manifest["model"] != "mean_scale_hyperprior":
      raise ValueError(f"it is of a {manifest['model']}")
    sums = {"weights.npz": manifest["sha256"], **manifest["files"]}
    for name in ("weights.npz", "coding.npz"):
      if files.sha256(folder / name) != sums[name]:
        raise ValueError(f"{name} is not the one it was written with")
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise ValueError(
      f"{folder} is no whole model of the learned codec: {error!r}"
    ) from error
  return manifest


def _identity(manifest: dict[str, Any]) -> bytes:
  """Returns what streams name the model by."""
  kept = {key: manifest[key] for key in ("model", "config", "sha256", "files")}
  text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
  return hashlib.sha256(text.encode()).digest()[:8]


def _at_level(table: np.ndarray, level: float) -> np.ndarray:
  """Returns `[C]` of float32 `[levels, C]`, linear between whole levels.

  The first row is that of level 1.
  """
  low = min(int(level), len(table) - 1) - 1
  share = np.float32(level - 1 - low)
  return (1 - share) * table[low] + share * table[low + 1]


def _upsampled(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
  """Returns the transposed convolution of stride 2, `[2h, 2w, out]`.

  Each input adds its kernel around twice its place; of what that makes, the
  first row and column and the last two of each fall away.

  Args:
    x: `[h, w, in]`.
    kernel: `[5, 5, out, in]`.
  """
  height, width, _ = x.shape
  size = len(kernel)
  made = np.zeros(
    (2 * height + size - 2, 2 * width + size - 2, kernel.shape[2]), x.dtype
  )
  for i, j in itertools.product(range(size), repeat=2):
    made[i : i + 2 * height : 2, j : j + 2 * width : 2] += x @ kernel[i, j].T
  return made[1 : 2 * height + 1, 1 : 2 * width + 1]


def _inverse_norm(
  x: np.ndarray, beta: np.ndarray, gamma: np.ndarray
) -> np.ndarray:
  """Returns what the inverse GDN multiplies by, of the roots of its weights."""
  beta = np.maximum(beta, np.float32((1e-6 + _PEDESTAL) ** 0.5)) ** 2
  gamma = np.maximum(gamma, np.float32(_PEDESTAL**0.5)) ** 2
  pedestal = np.float32(_PEDESTAL)
  return np.abs(x) @ (gamma - pedestal) + (beta - pedestal)
