"""CIE L*a*b* of sRGB images, and color differences in it.

Primaries (ITU-R BT.709, to six digits) and white (illuminant D65, 2 degree
observer) are those of scikit-image; the curve of L*a*b* has exact constants.
L is in [0, 100]; a and b of what sRGB can show lie within about [-108, 99].
"""

import math

import tensorflow as tf

from tfpercept.ops import numerics

# Rows give X, Y, Z of linear R, G, B.
_XYZ = (
  (0.412453, 0.357580, 0.180423),
  (0.212671, 0.715160, 0.072169),
  (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)

# Below this chroma (or the geometric mean of two) a hue is rounding error.
_GRAY = 1e-3


def srgb_to_linear(image: tf.Tensor) -> tf.Tensor:
  """Undoes the transfer curve of sRGB (IEC 61966-2-1), same shape.

  Values in [0, 1] stay there. Negative ones lie on the linear part.
  """
  # Both branches of `where` pass a gradient, so the power never sees a base
  # whose slope is not finite.
  steep = tf.pow((tf.maximum(image, 0.04045) + 0.055) / 1.055, 2.4)
  return tf.where(image > 0.04045, steep, image / 12.92)


def rgb_to_xyz(image: tf.Tensor) -> tf.Tensor:
  """Converts sRGB `[..., 3]` in [0, 1] to CIE XYZ, the Y of white being 1."""
  matrix = tf.constant(_XYZ, image.dtype)
  return tf.linalg.matmul(srgb_to_linear(image), matrix, transpose_b=True)


def rgb_to_lab(image: tf.Tensor) -> tf.Tensor:
  """Converts sRGB `[..., 3]` in [0, 1] to CIE L*a*b* (CIE 15:2004, 8.2.1)."""
  ratio = rgb_to_xyz(image) / tf.constant(_WHITE, image.dtype)
  # The cube root is steep near 0; below `edge` its tangent there takes over.
  edge = (6 / 29) ** 3
  root = tf.pow(tf.maximum(ratio, edge), 1 / 3)
  line = ratio / (3 * (6 / 29) ** 2) + 4 / 29
  x, y, z = tf.unstack(tf.where(ratio > edge, root, line), axis=-1)
  return tf.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def cie76(lab1: tf.Tensor, lab2: tf.Tensor) -> tf.Tensor:
  """Returns the Euclidean distance `[...]` of colors `[..., 3]` in L*a*b*.

  Its slope is 0 where they are equal.
  """
  squares = tf.math.squared_difference(lab1, lab2)
  return numerics.power(tf.reduce_sum(squares, axis=-1), 0.5)


def ciede2000(lab1: tf.Tensor, lab2: tf.Tensor) -> tf.Tensor:
  """Returns the CIEDE2000 difference `[...]` of colors `[..., 3]` in L*a*b*.

  Slopes are finite everywhere, and 0 where the colors are equal. The formula
  itself jumps where two hues are opposite.

  Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula:
  implementation notes, supplementary test data, and mathematical
  observations", 2005, equations 2 to 22, with kL = kC = kH = 1. Differences of
  hue come from cross and dot product, not from two angles, so that nearly equal
  colors keep their digits.
  """
  l1, a1, b1 = tf.unstack(lab1, axis=-1)
  l2, a2, b2 = tf.unstack(lab2, axis=-1)
  # Equations 2 to 6: a is stretched where there is little chroma.
  mean = (_length(a1, b1) + _length(a2, b2)) / 2
  stretch = 1.5 - _saturation(mean) / 2
  a1, a2 = stretch * a1, stretch * a2
  c1, c2 = _length(a1, b1), _length(a2, b2)
  # Equations 8 to 14.
  lightness = l2 - l1
  chroma = c2 - c1
  between = _angle(a1, b1, a2, b2)
  arc = 2 * numerics.power(c1 * c2, 0.5, floor=1e-6) * tf.sin(between / 2)
  # Next to gray the hue has no meaning. There the same square is computed from
  # the dot product, which has a slope that leads out of gray.
  arc_square = tf.where(
    c1 * c2 > _GRAY**2, tf.square(arc), 2 * (c1 * c2 - a1 * a2 - b1 * b2)
  )
  hue = _mean_hue(a1, b1, a2, b2, between)
  # Equations 15 to 22.
  off_gray = tf.square((l1 + l2) / 2 - 50)
  lightness /= 1 + 0.015 * off_gray * tf.math.rsqrt(20 + off_gray)
  mean = (c1 + c2) / 2
  chroma /= 1 + 0.045 * mean
  weight = 1 + 0.015 * mean * _hue_weight(hue)
  squares = tf.square(lightness) + tf.square(chroma)
  squares += arc_square / tf.square(weight)
  squares += _rotation(hue, mean) * chroma * arc / weight
  # The quadratic form is positive definite; rounding alone can go below 0.
  return numerics.power(tf.nn.relu(squares), 0.5)


def _length(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
  return numerics.power(tf.square(a) + tf.square(b), 0.5)


def _saturation(chroma: tf.Tensor) -> tf.Tensor:
  """Returns sqrt(C^7 / (C^7 + 25^7)), with slope 0 at 0."""
  ratio = tf.pow(chroma / 25, 3.5)
  return ratio * tf.math.rsqrt(tf.square(ratio) + 1)


def _angle(
  a1: tf.Tensor, b1: tf.Tensor, a2: tf.Tensor, b2: tf.Tensor
) -> tf.Tensor:
  """Returns the angle between two hues, in [-pi, pi]; 0 next to gray."""
  cross, dot = a1 * (b2 - b1) - b1 * (a2 - a1), a1 * a2 + b1 * b2
  colorful = tf.square(cross) + tf.square(dot) > _GRAY**4
  angle = tf.atan2(tf.where(colorful, cross, 0.0), tf.where(colorful, dot, 1.0))
  # Hues that are opposite to within rounding get the sign that the difference
  # of their angles in [0, 2 pi) has, which is how equation 10 decides.
  opposite = colorful & (dot < 0) & (tf.abs(cross) < -1e-6 * dot)
  second_is_larger = (b1 > b2) | ((b1 == b2) & (a1 > a2))
  half_turn = tf.constant(math.pi, angle.dtype)
  half_turn = tf.where(second_is_larger, half_turn, -half_turn)
  return tf.where(opposite, half_turn, angle)


def _mean_hue(
  a1: tf.Tensor, b1: tf.Tensor, a2: tf.Tensor, b2: tf.Tensor, between: tf.Tensor
) -> tf.Tensor:
  """Returns the hue half way between both, in radians (equation 14).

  It starts from the more colorful of the two, whose hue has more digits.
  """
  square1, square2 = (
    tf.square(a) + tf.square(b) for a, b in ((a1, b1), (a2, b2))
  )
  first = square1 >= square2
  colorful = tf.maximum(square1, square2) > _GRAY**2
  a = tf.where(colorful, tf.where(first, a1, a2), 1.0)
  b = tf.where(colorful, tf.where(first, b1, b2), 0.0)
  return tf.atan2(b, a) + tf.where(first, between, -between) / 2


def _hue_weight(hue: tf.Tensor) -> tf.Tensor:
  """Returns T of equation 15."""
  return (
    1
    - 0.17 * tf.cos(hue - math.radians(30))
    + 0.24 * tf.cos(2 * hue)
    + 0.32 * tf.cos(3 * hue + math.radians(6))
    - 0.20 * tf.cos(4 * hue - math.radians(63))
  )


def _rotation(hue: tf.Tensor, chroma: tf.Tensor) -> tf.Tensor:
  """Returns R_T of equations 16, 17 and 21.

  It lets chroma and hue interact where colors are blue.
  """
  degrees = tf.math.floormod(hue, 2 * math.pi) * (180 / math.pi)
  turn = math.radians(30) * tf.exp(-tf.square((degrees - 275) / 25))
  return -2 * tf.sin(2 * turn) * _saturation(chroma)
