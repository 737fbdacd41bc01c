"""The Laplacian pyramid of Burt and Adelson.

Level by level a picture is smoothed and halved. The band of a level is the
picture less its prediction from the halved one. The last band is the lowpass
residual. Pixel 0 stays pixel 0 at all levels: a halved picture holds the pixels
of the smoothed one at even places.
"""

import tensorflow as tf

from tfpercept.ops import checks

# Burt and Adelson 1983, equation 3, with a = 0.4.
TAPS = (0.05, 0.25, 0.4, 0.25, 0.05)

# Pixels of padding: two for the taps of `reduce`, and two more so that it gives
# the one place beyond either border that `expand` needs. A reflection that does
# not repeat the border takes these from at least five pixels.
_REACH = 4


def laplacian(
  images: tf.Tensor, levels: int, *, padding: str = "reflect"
) -> list[tf.Tensor]:
  """Splits images into bands.

  Args:
    images: Images `[N, H, W, C]`; sizes may be unknown until the graph runs.
    levels: Number of bands including the lowpass residual, at least 1.
    padding: Treatment of borders. `"reflect"` keeps sizes and needs sides of at
      least `min_side(levels)`. `"valid"` drops at each level the four pixels at
      each border that lack neighbors.

  Returns:
    The bands, finest first. With `"reflect"`, band k is
    `[N, ceil(H / 2^k), ceil(W / 2^k), C]`.
  """
  bands = []
  for _ in range(levels - 1):
    band, images = _split(images, padding)
    bands.append(band)
  return [*bands, images]


def min_side(levels: int) -> int:
  """Returns the smallest side of an image that has this many levels."""
  return 1 if levels == 1 else _REACH * 2 ** (levels - 2) + 1


def max_levels(side: int) -> int:
  """Returns the largest number of levels for images with this smallest side."""
  levels = 1
  while min_side(levels + 1) <= side:
    levels += 1
  return levels


def _split(images: tf.Tensor, padding: str) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the band of one level, and the images of the next."""
  if padding == "valid":
    padded = images
    images = images[:, _REACH:-_REACH, _REACH:-_REACH]
    halved = inner = reduce(padded)
  else:
    border = [_REACH, _REACH]
    padded = tf.pad(images, [[0, 0], border, border, [0, 0]], "REFLECT")
    halved = reduce(padded)  # with one more on each side, for `expand`
    inner = halved[:, 1:-1, 1:-1]
  shape = tf.shape(images)
  band = images - expand(halved, shape[1], shape[2])
  return checks.of_shape(band, images.shape), inner


def reduce(images: tf.Tensor) -> tf.Tensor:
  """Smooths without padding and keeps every second place, from the first.

  Args:
    images: Images `[N, H, W, C]` with both sides at least 5.

  Returns:
    `[N, ceil((H - 4) / 2), ceil((W - 4) / 2), C]`.
  """
  channels = images.shape[-1] or tf.shape(images)[-1]
  taps = tf.constant(TAPS, images.dtype)
  window = tf.tile(
    (taps[:, None] * taps)[:, :, None, None], [1, 1, channels, 1]
  )
  return tf.nn.depthwise_conv2d(images, window, [1, 2, 2, 1], "VALID")


def expand(
  halved: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor
) -> tf.Tensor:
  """Doubles images, interpolating by `TAPS`.

  Args:
    halved: Images `[N, h, w, C]`, with one place more on each side than lies in
      the picture.
    height: Height of the result, up to `2 * (h - 2)`.
    width: Width of the result, up to `2 * (w - 2)`.

  Returns:
    `[N, height, width, C]`.
  """
  return _double(_double(halved, 1)[:, :height], 2)[:, :, :width]


def _double(x: tf.Tensor, axis: int) -> tf.Tensor:
  """Doubles one axis, whose first and last places lie outside the result.

  Even places see three of the halved ones, odd places two. Zeros stand between
  the halved places, so each tap counts twice to keep the mean.
  """
  before, here, after = (
    x[(slice(None),) * axis + (part,)]
    for part in (slice(None, -2), slice(1, -1), slice(2, None))
  )
  outer, odd, center = (2 * tap for tap in TAPS[:3])
  even_places = outer * (before + after) + center * here
  odd_places = odd * (here + after)
  pairs = tf.stack([even_places, odd_places], axis=axis + 1)
  shape = tf.unstack(tf.shape(here))
  shape[axis] *= 2
  static = here.shape.as_list()
  if static[axis] is not None:
    static[axis] *= 2
  # Sides that are known are given as such, so that no op has to assert them.
  known = [
    side if side is not None else shape[i] for i, side in enumerate(static)
  ]
  return checks.of_shape(tf.reshape(pairs, known), tf.TensorShape(static))
