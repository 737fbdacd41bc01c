"""Densities of latents, and the tables that they are coded with.

The one place that uses TensorFlow Compression.
"""

import functools
import math
import types
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfpercept.models import densities
from tfpercept.ops import numerics

SCALES = 64
"""Number of scales that latents are coded with."""
SMALLEST, LARGEST = 0.11, 256.0
LOG_STEP = (math.log(LARGEST) - math.log(SMALLEST)) / (SCALES - 1)
"""Between one scale and the next, in natural logarithms."""
PRECISION = 16
"""Of the coder's probabilities, in bits."""
_REACH = 3.1  # deviations; one value in 500 beyond is written otherwise
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
  index = numerics.at_least(numerics.at_most(index, SCALES - 1.0), 0.0)
  return tf.exp(math.log(SMALLEST) + LOG_STEP * index)


def index_of(scale: np.ndarray) -> np.ndarray:
  """Returns the index of a scale, not rounded and not clipped."""
  return (np.log(scale) - math.log(SMALLEST)) / LOG_STEP


def normal_bits(noisy: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
  """Returns the bits of latents with noise, less their means, one by one.

  Args:
    noisy: Float32; the latent less its mean, plus noise of unit width.
    index: Of the scale, of the same shape.

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
    ends = np.flatnonzero(self.lookup == 1 << PRECISION)
    return np.diff(ends, prepend=-1).astype(np.int32) - 3


@functools.cache
def normal_tables() -> Tables:
  """Returns the tables of normals of mean 0, one for each of `SCALES`.

  The last symbol of each stands for all values that have none.
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

  Args:
    density: Of hyper-latents.
    channels: How many.
    limit: Largest magnitude of a symbol.
  """
  values = np.arange(-limit, limit + 1, dtype=np.float32)
  every = np.repeat(values[:, None], channels, axis=1)
  mass = 2.0 ** -density.bits(tf.constant(every)).numpy().astype(np.float64)
  return _tables([-limit] * channels, list(mass.T))


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
    tables: What they are coded with.
  """

  def __init__(self, tables: Tables):
    self._offsets = tf.constant(tables.offsets)
    self._handle = _tfc().create_range_encoder(
      shape=[], lookup=tf.constant(tables.lookup)
    )

  def write(self, table: tf.Tensor, symbols: tf.Tensor) -> None:
    """Writes int32 symbols, each by the table of that number."""
    self._handle = _tfc().entropy_encode_index(
      self._handle, table, symbols - tf.gather(self._offsets, table)
    )

  def finish(self) -> tf.Tensor:
    """Returns the string."""
    return _tfc().entropy_encode_finalize(self._handle)


class Decoder:
  """Reads symbols, strip by strip, from a string.

  Args:
    tables: What they were coded with.
    string: As `Encoder.finish` returned it.
  """

  def __init__(self, tables: Tables, string: tf.Tensor):
    self._offsets = tf.constant(tables.offsets)
    self._handle = _tfc().create_range_decoder(
      string, lookup=tf.constant(tables.lookup)
    )

  def read(self, table: tf.Tensor) -> tf.Tensor:
    """Returns as many int32 symbols as there are numbers of tables."""
    self._handle, values = _tfc().entropy_decode_index(
      self._handle, table, shape=tf.shape(table), Tdecoded=tf.int32
    )
    return values + tf.gather(self._offsets, table)

  def finish(self) -> tf.Tensor:
    """Returns whether the string ended where it should have."""
    return _tfc().entropy_decode_finalize(self._handle)


class FarEncoder:
  """Writes symbols into one string, and numbers for those beyond its tables.

  A number is twice the distance from the nearest value that has a symbol, less
  1, plus 1 if it lies below; it fills two bytes, and values beyond it are
  written as the farthest.

  Args:
    tables: What symbols are coded with; the last of each stands for others.
  """

  def __init__(self, tables: Tables):
    self._near = Encoder(Tables(tables.lookup, np.zeros_like(tables.offsets)))
    self._far = Encoder(_far_tables())
    self._offsets = tf.constant(tables.offsets)
    self._last = tf.constant(tables.last)

  def write(self, table: tf.Tensor, symbols: tf.Tensor) -> None:
    """Writes int32 symbols, each by the table of that number."""
    symbols -= tf.gather(self._offsets, table)
    last = tf.gather(self._last, table)
    is_far = (symbols < 0) | (symbols >= last)
    self._near.write(table, tf.where(is_far, last, symbols))
    values = tf.boolean_mask(symbols, is_far)
    below = values < 0
    beyond = tf.where(
      below, -1 - values, values - tf.boolean_mask(last, is_far)
    )
    numbers = 2 * tf.minimum(beyond, _FAREST) + tf.cast(below, tf.int32)
    octets = tf.stack([numbers // 256, numbers % 256], axis=-1)
    self._far.write(_far_index(tf.shape(numbers)[0]), octets)

  def finish(self) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the string of symbols and that of numbers."""
    return self._near.finish(), self._far.finish()


class FarDecoder:
  """Reads what `FarEncoder` wrote.

  Args:
    tables: What symbols were coded with.
    string: Of symbols.
    far_string: Of numbers.
  """

  def __init__(self, tables: Tables, string: tf.Tensor, far_string: tf.Tensor):
    near = Tables(tables.lookup, np.zeros_like(tables.offsets))
    self._near = Decoder(near, string)
    self._far = Decoder(_far_tables(), far_string)
    self._offsets = tf.constant(tables.offsets)
    self._last = tf.constant(tables.last)

  def read(self, table: tf.Tensor) -> tf.Tensor:
    """Returns as many int32 symbols as there are numbers of tables."""
    symbols = self._near.read(table)
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


def _far_tables() -> Tables:
  return Tables(FAR_LOOKUP, np.zeros([2], np.int32))


def _far_index(count: tf.Tensor) -> tf.Tensor:
  """Returns the tables of the two bytes of numbers, int32 `[count, 2]`."""
  return tf.tile(tf.constant([[0, 1]]), [count, 1])
