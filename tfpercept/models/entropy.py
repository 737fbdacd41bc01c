"""Densities of latents, and the tables that they are coded with.

The one place that uses TensorFlow Compression.
"""

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
_RARE = 2.0**-16  # a smaller mass gets no symbol of its own


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
    lookup: Int32 `[T]`. For each distribution in turn minus the bits of its
      frequencies, then the cumulative ones from 0 to 2^bits. The minus says
      that the last symbol stands for all that has none; a number follows it.
    offsets: Int32 `[K]`, the value of the first symbol of each distribution.
  """

  lookup: np.ndarray
  offsets: np.ndarray


def normal_tables() -> Tables:
  """Returns the tables of normals of mean 0, one for each of `SCALES`."""
  ranges, masses = [], []
  for index in range(SCALES):
    reach = math.ceil(_REACH * float(scale(tf.constant(float(index)))))
    values = tf.range(-reach, reach + 1, dtype=tf.float32)
    bits = normal_bits(values, tf.fill(values.shape, float(index)))
    ranges.append(-reach)
    masses.append(2.0 ** -bits.numpy().astype(np.float64))
  return _tables(ranges, masses)


def factorized_tables(
  density: densities.FactorizedDensity, channels: int, *, limit: int
) -> Tables:
  """Returns the table of each channel of a density, of symbols within a limit.

  Args:
    density: Of hyper-latents.
    channels: How many.
    limit: Largest magnitude of a symbol.
  """
  values = np.arange(-limit, limit + 1, dtype=np.float32)
  every = np.repeat(values[:, None], channels, axis=1)
  mass = 2.0 ** -density.bits(tf.constant(every)).numpy().astype(np.float64)
  ranges, masses = [], []
  for channel in mass.T:
    likely = np.flatnonzero(channel > _RARE)
    first, last = (likely[0], likely[-1]) if likely.size else (limit, limit)
    ranges.append(int(values[first]))
    masses.append(channel[first : last + 1])
  return _tables(ranges, masses)


def _tables(offsets: list[int], masses: list[np.ndarray]) -> Tables:
  lookup = []
  for mass in masses:
    rest = max(1.0 - mass.sum(), 0.0)
    pmf = tf.constant(np.append(mass, rest), tf.float32)
    cdf = _tfc().pmf_to_quantized_cdf(pmf, precision=PRECISION)
    lookup += [[-PRECISION], cdf.numpy()]
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
