"""The fast path of `nlpd`, in traced functions.

`distances/nlpd.py` holds the same mathematics in its plain form, which serves
eager calls and sizes unknown at tracing. This form is faster in these points:

- Both images follow each other in one batch, rows flattened: `[2N, H, W * C]`.
- Halving and doubling are banded matrices; `banded.py` applies them.
- The gradient is written by hand. With b = z / s and s = P|z| + sigma, where P
  pools the neighbors and is its own transpose, the slope of f(b) in z is

      p - sign(z) P[p b],   p = f'(b) / s

  Automatic differentiation keeps and reads many more maps. The gradient with
  respect to the other image is computed apart, so that a graph that does not
  need it never runs it.
- Powers are exponentials of logarithms, which XLA vectorizes.
- A constant added to x does not change the bands. The value of the first pixel
  is subtracted from each image, so that flat images have bands that are exactly
  0. Rounding errors there would grow under the roots of the distance.
- XLA compiles each step into a few loops over memory, and no more than a step.
  Padding stays outside, where it is a copy. `structure.py` says more on both.
  A new size costs some seconds of compilation, which pays in training.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfpercept.ops import banded, numerics, structure

# The blocks of `banded.columns` hold a zero for each pair of different
# channels, so their cost grows with the square of the number of channels.
MAX_CHANNELS = 4

# A mean first adds this many slices of rows element by element, which
# vectorizes, and then sums over the rows of the result.
_PARTS = 16

# Maps of fewer pixels are not worth the time that XLA takes to compile.
_SMALL = 1024

# The logarithm needs a positive number. This one to the power 2.4 is 1e-29,
# which vanishes beside `low`.
_DARK = 1e-12


@dataclasses.dataclass(frozen=True)
class Display:
  """The display and photoreceptors: x = (v^gamma (high - low) + low)^exponent.

  Without gamma it is x = high v.

  Attributes:
    gamma: Exponent of the display, or None.
    exponent: Exponent of the photoreceptors.
    low: Luminance of black, in cd/m^2.
    high: Luminance of white, in cd/m^2.
  """

  gamma: float | None
  exponent: float
  low: float
  high: float

  def show(self, images: tf.Tensor) -> tf.Tensor:
    """Returns x for images v in [0, 1]; values below 0 count as 0."""
    if self.gamma is None:
      return self.high * images
    return tf.exp(self.exponent * tf.math.log(self._light(images)))

  def slope(self, images: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Returns dx / dv, given v and x; 0 where v <= 0."""
    if self.gamma is None:
      return tf.fill(tf.shape(x), tf.constant(self.high, x.dtype))
    # By the chain rule from x = light^exponent and light = v^gamma (high - low)
    # + low, without a new power.
    light = self._light(images)
    by_light = self.exponent * x / light
    by_image = self.gamma * (light - self.low) / tf.maximum(images, _DARK)
    return tf.where(images > 0, by_light * by_image, tf.zeros_like(x))

  def _light(self, images: tf.Tensor) -> tf.Tensor:
    bright = tf.exp(self.gamma * tf.math.log(tf.maximum(images, _DARK)))
    return bright * (self.high - self.low) + self.low


def applies(image: tf.Tensor) -> bool:
  """Returns True for images that `mean_squares` takes.

  They are traced, with only N unknown, at most `MAX_CHANNELS` channels, and
  large enough for any of it to be compiled.
  """
  if not structure.applies(image):
    return False
  _, height, width, channels = image.shape
  return height * width >= _SMALL and channels <= MAX_CHANNELS


def mean_squares(
  reference: tf.Tensor,
  image: tf.Tensor,
  *,
  levels: int,
  display: Display,
  pool: Sequence[Sequence[float]],
  sigma: float,
  sigma_residual: float,
) -> tf.Tensor:
  """Returns the mean squared difference of the images' normalized bands.

  Args:
    reference: Images `[N, H, W, C]`, float32 or float64; only N may be unknown.
    image: Images of the same shape and dtype.
    levels: Number of bands including the residual, at most as many as the size
      allows.
    display: Transform that precedes the pyramid.
    pool: Weights P of the neighbors, 5x5, symmetric in both axes.
    sigma: Constant added to the pooled magnitudes of a band, positive.
    sigma_residual: Constant added to the magnitude of the residual, positive.

  Returns:
    `[N, C, levels]`, whose gradient is finite everywhere for both images.
  """
  channels = image.shape[-1]
  bands, residual = _parts(image.shape, levels, pool, sigma, sigma_residual)
  finest = (*bands, residual)[0]

  @tf.custom_gradient
  def pair(v: tf.Tensor, w: tf.Tensor) -> numerics.WithGradient:
    images = tf.concat([finest.flatten(v), finest.flatten(w)], axis=0)
    # Halves of a batch may differ by rounding, and roots are steep at 0.
    differ = tf.reduce_any(tf.not_equal(v, w), axis=[1, 2, 3])
    differ = tf.cast(differ, v.dtype)[:, None, None]
    # The offset is subtracted before the first level and added again to the
    # residual, the only level whose value depends on it.
    offset = display.show(images[:, :1, :channels])
    show = finest.compiled(lambda v, o: display.show(v) - o)
    x = shown = show(images, finest.spread(offset))
    values, saved = [], []
    for band in bands:
      x, z, s = band.split(x)
      values.append(band.compiled(band.mean_square)(z, s))
      saved.append((z, s))
    x += residual.spread(offset)
    values.append(residual.compiled(residual.mean_square)(x))

    def pull_back(upstream: tf.Tensor, half: int) -> tf.Tensor:
      upstream *= differ
      last = functools.partial(residual.slope, half=half)
      total = residual.compiled(last)(x, upstream[..., -1])
      for level, band in reversed(list(enumerate(bands))):
        total = band.pull_back(saved[level], upstream[..., level], total, half)
      ends = [_half(m, half) for m in (images, shown, finest.spread(offset))]
      step = finest.compiled(lambda g, v, x, o: g * display.slope(v, x + o))
      return finest.unflatten(step(total, *ends))

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
      return tuple(pull_back(upstream, half) for half in (0, 1))

    return tf.stack(values, axis=-1) * differ, gradient

  return pair(image, reference)


def _parts(
  shape: Sequence[int],
  levels: int,
  pool: Sequence[Sequence[float]],
  sigma: float,
  sigma_residual: float,
) -> tuple[list["_Band"], "_Residual"]:
  """Returns the bands for images `[N, H, W, C]`, and the residual."""
  _, height, width, channels = shape
  bands = []
  for _ in range(levels - 1):
    bands.append(_Band(height, width, channels, pool, sigma))
    height, width = (height + 1) // 2, (width + 1) // 2
  return bands, _Residual(height, width, channels, sigma_residual)


@dataclasses.dataclass(frozen=True)
class _Maps:
  """Maps of one size, those of the images before those of the references."""

  height: int
  width: int
  channels: int

  def flatten(self, images: tf.Tensor) -> tf.Tensor:
    return tf.reshape(images, [-1, self.height, self.width * self.channels])

  def unflatten(self, maps: tf.Tensor) -> tf.Tensor:
    return tf.reshape(maps, [-1, self.height, self.width, self.channels])

  def spread(self, numbers: tf.Tensor) -> tf.Tensor:
    """Repeats `[N, 1, C]` over the columns and returns `[N, 1, W * C]`."""
    return tf.tile(numbers, [1, 1, self.width])

  def compiled(
    self, step: Callable[..., tf.Tensor]
  ) -> Callable[..., tf.Tensor]:
    if self.height * self.width < _SMALL:
      return step
    return numerics.compiled(step)

  def _mean(self, squares: tf.Tensor) -> tf.Tensor:
    """Returns spatial means `[N, C]`; no sum in float32 is long."""
    rows = self.height // _PARTS
    total = tf.reduce_sum(squares[:, rows * _PARTS :], axis=1)
    if rows:
      parts = (squares[:, k * rows : (k + 1) * rows] for k in range(_PARTS))
      total += tf.reduce_sum(sum(parts), axis=1)
    total = tf.reshape(total, [-1, self.width, self.channels])
    return tf.reduce_sum(total, axis=1) / (self.height * self.width)

  def _slope_of_mean(
    self, upstream: tf.Tensor, normalized: tf.Tensor, half: int
  ) -> tf.Tensor:
    """Returns the slope in the normalized maps of one half, `[N, H, W * C]`."""
    share = 2 * upstream / (self.height * self.width)
    return self.spread(share[:, None]) * (
      _half(normalized, half) - _half(normalized, 1 - half)
    )


@dataclasses.dataclass(frozen=True)
class _Band(_Maps):
  """A level of the pyramid above the residual, for x of `height` x `width`."""

  pool: Sequence[Sequence[float]]
  sigma: float

  def split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns x of the next level, the band z, and its divisor s."""
    halving, doubling = banded.halving, banded.doubling
    rows = self.compiled(lambda x: banded.shrink_rows(x, halving(self.height)))
    halved = self._columns(tf.concat(rows(x), axis=1), halving(self.width))
    rows = self.compiled(
      lambda x, d: x - banded.grow_rows(d, doubling(self.height))
    )
    z = rows(x, _one_row_more(self._columns(halved, doubling(self.width))))
    s = self.compiled(lambda z: self._pooled(tf.abs(z)) + self.sigma)
    return halved, z, s(self._bordered(z))

  def mean_square(self, z: tf.Tensor, s: tf.Tensor) -> tf.Tensor:
    image, reference = tf.split(z / s, 2, axis=0)
    return self._mean(tf.square(image - reference))

  def pull_back(
    self,
    saved: tuple[tf.Tensor, tf.Tensor],
    upstream: tf.Tensor,
    coarser: tf.Tensor,
    half: int,
  ) -> tf.Tensor:
    """Returns the slope in x, from this level and from the coarser ones."""
    # By z = x - U D x and x' = D x for the next level, the slope in x is
    # by_z + D^T (by_x' - U^T by_z).
    halving, doubling = banded.halving, banded.doubling
    step = self.compiled(functools.partial(self._slopes, half=half))
    p, p_times_b = step(*saved, upstream)
    step = self.compiled(lambda p, z, pb: p - tf.sign(z) * self._pooled(pb))
    by_z = step(p, _half(saved[0], half), self._bordered(p_times_b))
    rows = self.compiled(
      lambda g: banded.shrink_rows(g, doubling(self.height).T)
    )
    halved = tf.concat(rows(by_z), axis=1)
    halved = coarser - self._columns(halved, doubling(self.width).T)
    halved = _one_row_more(self._columns(halved, halving(self.width).T))
    rows = self.compiled(
      lambda g, d: g + banded.grow_rows(d, halving(self.height).T)
    )
    return rows(by_z, halved)

  def _slopes(
    self, z: tf.Tensor, s: tf.Tensor, upstream: tf.Tensor, *, half: int
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns p and p b of one half; see the top of the file."""
    b = z / s
    p = self._slope_of_mean(upstream, b, half) / _half(s, half)
    return p, p * _half(b, half)

  def _columns(self, maps: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
    return self.compiled(lambda m: banded.columns(m, matrix, self.channels))(
      maps
    )

  def _bordered(self, maps: tf.Tensor) -> tf.Tensor:
    """Surrounds the maps with two rows and columns of zeros."""
    c = self.channels
    return tf.pad(maps, [[0, 0], [2, 2], [2 * c, 2 * c]])

  def _pooled(self, bordered: tf.Tensor) -> tf.Tensor:
    """Applies P to maps with a border of zeros."""
    # P holds few different weights. Slices of equal weight are added first, so
    # that there is one product for each weight and not for each of 25 taps.
    by_weight: dict[float, list[tf.Tensor]] = {}
    for i, weights in enumerate(self.pool):
      for j, weight in enumerate(weights):
        rows = slice(i, i + self.height)
        start = j * self.channels
        columns = slice(start, start + self.width * self.channels)
        by_weight.setdefault(weight, []).append(bordered[:, rows, columns])
    return sum(weight * sum(parts) for weight, parts in by_weight.items())


@dataclasses.dataclass(frozen=True)
class _Residual(_Maps):
  """The lowpass residual, which is the last level."""

  sigma: float

  def mean_square(self, x: tf.Tensor) -> tf.Tensor:
    image, reference = tf.split(x / (tf.abs(x) + self.sigma), 2, axis=0)
    return self._mean(tf.square(image - reference))

  def slope(self, x: tf.Tensor, upstream: tf.Tensor, *, half: int) -> tf.Tensor:
    # The slope of x / (|x| + sigma) is sigma / (|x| + sigma)^2.
    weight = 1 / (tf.abs(x) + self.sigma)
    by_b = self._slope_of_mean(upstream, x * weight, half)
    return by_b * self.sigma * tf.square(_half(weight, half))


def _half(maps: tf.Tensor, half: int) -> tf.Tensor:
  """Returns the maps of the images (0) or of the references (1)."""
  return tf.split(maps, 2, axis=0)[half]


def _one_row_more(maps: tf.Tensor) -> tf.Tensor:
  """Adds the row of padding that `banded.grow_rows` needs at either end."""
  return tf.pad(maps, [[0, 0], [1, 1], [0, 0]])
