"""Bits of latents, their coding tables, and the range coder.

The one place that uses TensorFlow Compression.
"""

import functools
import math
import types
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept.models.compression import densities
from tfpercept.ops import codec_constants, numerics

SCALES = codec_constants.SCALES
SMALLEST, LARGEST = 0.11, 256.0
LOG_STEP = (math.log(LARGEST) - math.log(SMALLEST)) / (SCALES - 1)
"""Between one scale and the next, in natural logarithms."""
PRECISION = codec_constants.PRECISION
_REACH = 3.1  # deviations; one value in 500 beyond is written otherwise
_BEYOND = 2.0**-12  # of the mass of a density, likewise
_WIDEST = 1023  # magnitude of a value that has a symbol of its own
# Frequencies of the two bytes of a number beyond the tables, most of which are
# below 256.
FAR_LOOKUP = np.concatenate(
  [
    [PRECISION, 0],
    np.arange((1 << PRECISION) - 8 * 255, (1 << PRECISION) + 1, 8),
    [8],
    np.arange(257),
  ]
).astype(np.int32)
_FAR_OFFSETS = np.zeros([2], np.int32)
_FAREST = (1 << 15) - 1


def _tfc() -> types.ModuleType:
  """Imports TensorFlow Compression, which `import tfpercept` does without."""
  try:
    import tensorflow_compression
  except ImportError as error:
    raise ValueError(
      "learned codecs need TensorFlow Compression, which has releases for "
      "TensorFlow 2.14 and Python up to 3.11: pip install "
      "'tfpercept[compression]'"
    ) from error
  return tensorflow_compression


def scale(index: tf.Tensor) -> tf.Tensor:
  """Returns the scale of an index, which need not be whole or in range.

  Source: Ballé et al., 2018, section 3; the 64 scales are those of the authors'
  program.
  """
  return tf.exp(log_scale(index))


def log_scale(index: tf.Tensor) -> tf.Tensor:
  """Returns the natural logarithm of the scale of an index."""
  index = numerics.at_least(numerics.at_most(index, SCALES - 1.0), 0.0)
  return math.log(SMALLEST) + LOG_STEP * index


def index_of(scale: np.ndarray) -> np.ndarray:
  """Returns the index of a scale, not rounded and not clipped."""
  return (np.log(scale) - math.log(SMALLEST)) / LOG_STEP


def normal_bits(noisy: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
  """Returns the bits of latents with noise, less their means, one by one.

  Coding tables and the choice of symbols follow from these very values, so they
  stay as they are. Training takes `densities.noisy_normal_bits`, which differs
  by rounding and is faster.

  Args:
    noisy: Latents less their means, plus noise of unit width, float32.
    index: Indexes of their scales, float32 of the same shape, not whole.

  Source: Ballé et al., 2018, eq. 10: a normal convolved with a unit box.
  """
  prior = _tfc().NoisyNormal(loc=0.0, scale=scale(index))
  return prior.log_prob(noisy) / -math.log(2.0)


class Tables(NamedTuple):
  """Cumulative frequencies of symbols, as the range coder takes them.

  Attributes:
    lookup: Int32 `[T]`. For each distribution in turn the bits of its
      frequencies, then the cumulative ones from 0 to 2^bits. The bits are never
      negative, which would make TensorFlow Compression read what no table has
      by itself: a forged string can keep it at that for ever.
    offsets: Int32 `[K]`, the value of the first symbol of each distribution.
  """

  lookup: np.ndarray
  offsets: np.ndarray

  @property
  def last(self) -> np.ndarray:
    """The last symbol of each distribution, int32 `[K]`."""
    # A table ends where its cumulative frequencies reach their sum.
    ends = np.flatnonzero(self.lookup == 1 << PRECISION)
    return np.diff(ends, prepend=-1).astype(np.int32) - 3


@functools.cache
def normal_tables() -> Tables:
  """Returns the tables of normals of mean 0, one for each of `SCALES`.

  The last symbol of each is the escape symbol, for all values that have none.
  """
  ranges, masses = [], []
  for index in range(SCALES):
    reach = math.ceil(_REACH * float(scale(tf.constant(float(index)))))
    values = tf.range(-reach, reach + 1, dtype=tf.float32)
    bits = normal_bits(values, tf.fill(values.shape, float(index)))
    ranges.append(-reach)
    mass = 2.0 ** -bits.numpy().astype(np.float64)
    masses.append(np.append(mass, max(1.0 - mass.sum(), 0.0)))
  return _tables(ranges, masses)


def factorized_tables(
  density: densities.FactorizedDensity, channels: int, *, limit: int
) -> Tables:
  """Returns the table of each channel of a density, of all values in a limit.

  There are no escape symbols: hyper-latents are clipped to the limit.

  Args:
    density: Trained density of hyper-latents.
    channels: Number of channels of the density.
    limit: Largest magnitude of a symbol.
  """
  mass = _masses(density, channels, limit)
  return _tables([-limit] * channels, list(mass))


def reaching_tables(
  density: densities.FactorizedDensity, channels: int
) -> Tables:
  """Returns the table of each channel of a density, for `FarEncoder`.

  The last symbol of each is the escape symbol, for all values that have none.

  Args:
    density: Trained density of latents.
    channels: Number of channels of the density.
  """
  ranges, masses = [], []
  for mass in _masses(density, channels, _WIDEST):
    sums = np.cumsum(mass)
    low, high = np.searchsorted(sums, [_BEYOND / 2, 1 - _BEYOND / 2])
    # A density that is wider than all values has the more beyond.
    own = mass[min(low, _WIDEST) : max(high, _WIDEST) + 1]
    ranges.append(min(low, _WIDEST) - _WIDEST)
    masses.append(np.append(own, max(1.0 - own.sum(), 0.0)))
  return _tables(ranges, masses)


def _masses(
  density: densities.FactorizedDensity, channels: int, limit: int
) -> np.ndarray:
  """Returns the mass of each value from -limit on, float64 `[channels, n]`."""
  values = np.arange(-limit, limit + 1, dtype=np.float32)
  every = np.repeat(values[:, None], channels, axis=1)
  bits = density.bits(tf.constant(every)).numpy().astype(np.float64)
  return 2.0**-bits.T


def _tables(offsets: list[int], masses: list[np.ndarray]) -> Tables:
  lookup = []
  for mass in masses:
    pmf = tf.constant(mass, tf.float32)
    cdf = _tfc().pmf_to_quantized_cdf(pmf, precision=PRECISION)
    lookup += [[PRECISION], cdf.numpy()]
  return Tables(
    np.concatenate(lookup).astype(np.int32), np.array(offsets, np.int32)
  )


class Encoder:
  """Writes symbols, strip by strip, into one string.

  Args:
    tables: Coding tables.
  """

  def __init__(self, tables: Tables):
    self._offsets = tf.constant(tables.offsets)
    self._handle = _tfc().create_range_encoder(
      shape=[], lookup=tf.constant(tables.lookup)
    )

  def write(self, table: tf.Tensor, symbols: tf.Tensor) -> None:
    """Writes int32 symbols, each by the table of that number."""
    self.append(table, symbols - tf.gather(self._offsets, table))

  def append(self, table: tf.Tensor, places: tf.Tensor) -> None:
    """Writes the symbols at int32 places of their tables, which begin at 0."""
    self._handle = _tfc().entropy_encode_index(self._handle, table, places)

  def finish(self) -> tf.Tensor:
    """Returns the string."""
    return _tfc().entropy_encode_finalize(self._handle)


class Decoder:
  """Reads symbols, strip by strip, from a string.

  Args:
    tables: Coding tables that the symbols were written with.
    string: String that `Encoder.finish` returned.
  """

  def __init__(self, tables: Tables, string: tf.Tensor):
    self._offsets = tf.constant(tables.offsets)
    self._handle = _tfc().create_range_decoder(
      string, lookup=tf.constant(tables.lookup)
    )

  def read(self, table: tf.Tensor) -> tf.Tensor:
    """Returns as many int32 symbols as there are numbers of tables."""
    return self.take(table) + tf.gather(self._offsets, table)

  def take(self, table: tf.Tensor) -> tf.Tensor:
    """Returns the places of so many symbols in their tables, int32."""
    self._handle, places = _tfc().entropy_decode_index(
      self._handle, table, shape=tf.shape(table), Tdecoded=tf.int32
    )
    return places

  def finish(self) -> tf.Tensor:
    """Returns whether the string ended where it should have."""
    return _tfc().entropy_decode_finalize(self._handle)


class FarEncoder:
  """Writes symbols into one string, and escaped values into another.

  A value that no symbol of its table stands for is written as the escape
  symbol, the last one, and as a number in the second string.

  A number is twice the distance from the nearest value that has a symbol, less
  1, plus 1 if it lies below; it fills two bytes, and values beyond it are
  written as the farthest.

  Args:
    tables: Coding tables; the last symbol of each is the escape symbol.
    far_lookup: Two coding tables of the bytes of numbers, as `FAR_LOOKUP`.
  """

  def __init__(self, tables: Tables, far_lookup: np.ndarray):
    self._near = Encoder(tables)
    self._far = Encoder(Tables(far_lookup, _FAR_OFFSETS))
    self._offsets = tf.constant(tables.offsets)
    self._last = tf.constant(tables.last)

  def write(self, table: tf.Tensor, symbols: tf.Tensor) -> None:
    """Writes int32 symbols, each by the table of that number."""
    places, octets = _split(table, symbols, self._offsets, self._last)
    self._near.append(table, places)
    self._far.write(_far_index(tf.shape(octets)[0]), octets)

  def finish(self) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the string of symbols and that of numbers."""
    return self._near.finish(), self._far.finish()


class FarDecoder:
  """Reads what `FarEncoder` wrote.

  Args:
    tables: Coding tables that the symbols were written with.
    far_lookup: Coding tables that the numbers were written with.
    string: String of symbols.
    far_string: String of numbers.
  """

  def __init__(
    self,
    tables: Tables,
    far_lookup: np.ndarray,
    string: tf.Tensor,
    far_string: tf.Tensor,
  ):
    self._near = Decoder(tables, string)
    self._far = Decoder(Tables(far_lookup, _FAR_OFFSETS), far_string)
    self._offsets = tf.constant(tables.offsets)
    self._last = tf.constant(tables.last)

  def read(self, table: tf.Tensor) -> tf.Tensor:
    """Returns as many int32 symbols as there are numbers of tables."""
    symbols = self._near.take(table)
    last = tf.gather(self._last, table)
    places = tf.where(symbols == last)
    octets = self._far.read(_far_index(tf.shape(places)[0]))
    numbers = 256 * octets[:, 0] + octets[:, 1]
    beyond, below = numbers // 2, numbers % 2 > 0
    values = tf.where(below, -1 - beyond, beyond + tf.gather_nd(last, places))
    symbols = tf.tensor_scatter_nd_update(symbols, places, values)
    return symbols + tf.gather(self._offsets, table)

  def finish(self) -> tf.Tensor:
    """Returns whether both strings ended where they should have."""
    return self._near.finish() & self._far.finish()


@tf.function(reduce_retracing=True)  # half of the seconds otherwise
def _split(
  table: tf.Tensor, symbols: tf.Tensor, offsets: tf.Tensor, last: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns places in tables, and the numbers of values that are escaped.

  Args:
    table: Numbers of the tables, int32 `[...]`.
    symbols: Values, int32 of the same shape.
    offsets: Offset of each table, int32 `[K]`.
    last: Place of the escape symbol in each table, int32 `[K]`.

  Returns:
    Int32 `[...]`, and the two bytes of each number, int32 `[F, 2]`.
  """
  places = tf.reshape(symbols - tf.gather(offsets, table), [-1])
  last = tf.reshape(tf.gather(last, table), [-1])
  far = tf.where((places < 0) | (places >= last))
  values, ends = tf.gather_nd(places, far), tf.gather_nd(last, far)
  places = tf.tensor_scatter_nd_update(places, far, ends)
  below = values < 0
  beyond = tf.where(below, -1 - values, values - ends)
  numbers = 2 * tf.minimum(beyond, _FAREST) + tf.cast(below, tf.int32)
  octets = tf.stack([numbers // 256, numbers % 256], axis=-1)
  return tf.reshape(places, tf.shape(table)), octets


def _far_index(count: tf.Tensor) -> tf.Tensor:
  """Returns the tables of the two bytes of numbers, int32 `[count, 2]`."""
  return tf.tile(tf.constant([[0, 1]]), [count, 1])
