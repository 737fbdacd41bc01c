"""The fast path of Watson's model, in traced functions.

`distances/watson.py` holds the same mathematics in its plain form, which serves
eager calls, sizes unknown at tracing, and parameters that are trained. This
form is faster in these points:

- Powers are taken by logarithms, and thresholds are never formed, only their
  inverse. With l the masking by light, c that by contrast and E = exp(c - l),
  the smooth maximum s = c + (l - c) / (1 + E) has 1 / s = (1 + E) / (c E + l).
- XLA compiles this into one loop of vector code. Its arctangent would call libm
  for one number at a time, twenty times slower than the polynomial here.
- The gradient for the image is written by hand and starts from the summands
  p = (a + e)^b - e^b, where a = |d| / s is the difference d in units of its
  threshold. The slope of p in d is

      b (p + e^b) (a / (a + e)) / d,  a / (a + e) = 1 - e (p + e^b)^(-1 / b)

  This takes one logarithm and one exponential, where automatic differentiation
  goes back through all of the above.
- The gradient for the reference is left to automatic differentiation; a graph
  that does not need it never runs it.
- Sums over blocks stay outside of XLA, whose sums are slower.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import tensorflow as tf

from tfpercept.ops import numerics

# Abramowitz and Stegun 1964, 4.4.49: arctan(x) / x by powers of x^2, to 2e-8.
_ARCTANGENT = (
  1.0,
  -0.3333314528,
  0.1999355085,
  -0.1420889944,
  0.1065626393,
  -0.0752896400,
  0.0429096138,
  -0.0161657367,
  0.0028662257,
)
# A bound for c - l in E = exp(c - l). Beyond it s equals c in every digit. With
# it the product c E fits float32.
_MAX_EXPONENT = 60.0


def applies(image: tf.Tensor) -> bool:
  """Returns True while an image `[N, H, W, C]` is traced with only N unknown.

  Each size costs a compilation, which pays in training but not in eager calls.
  """
  return not tf.executing_eagerly() and None not in image.shape[1:]


class _Derived(NamedTuple):
  """Tensors that follow from the parameters of a model."""

  threshold: tf.Tensor
  offset: tf.Tensor
  rest: tf.Tensor
  least: tf.Tensor
  inverse_beta: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Model:
  """Parameters for P planes of K coefficients; no gradient goes into them.

  Attributes:
    sensitivity: Logarithms of thresholds before masking, `[P, K]`.
    exponent: Exponent of contrast masking, in (0, 1), `[P, 1]`.
    beta: Exponent of the power mean, positive, `[P, 1]`.
    epsilon: Small positive number that guards logarithms and powers, e above.
  """

  sensitivity: tf.Tensor
  exponent: tf.Tensor
  beta: tf.Tensor
  epsilon: float
  _derived: _Derived = dataclasses.field(init=False, repr=False, compare=False)

  def __post_init__(self) -> None:
    # Here and not in the compiled loop, which would repeat it for each number.
    rest = 1 - self.exponent
    derived = _Derived(
      threshold=tf.exp(self.sensitivity),
      offset=rest * self.sensitivity,
      rest=rest,
      least=tf.exp(self.beta * math.log(self.epsilon)),
      inverse_beta=1 / self.beta,
    )
    object.__setattr__(self, "_derived", derived)

  def cosine_sums(
    self, before: tf.Tensor, after: tf.Tensor, light: tf.Tensor
  ) -> tuple[tf.Tensor, ...]:
    """Returns the summands of the power mean, summed over blocks.

    Args:
      before: Coefficients of the references, `[N, h, w, P, K]`; h x w blocks.
      after: Coefficients of the images, the same shape.
      light: Logarithm of the factor of luminance masking, `[N, h, w, P, 1]`.

    Returns:
      One tensor `[N, P, K]`. All three arguments have gradients.
    """

    def maps(
      before: tf.Tensor, after: tf.Tensor, light: tf.Tensor, masking: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
      visible = self._visible(tf.abs(before), light, masking)
      return (self._summands(after - before, visible),)

    def slope(
      before: tf.Tensor,
      after: tf.Tensor,
      summands: tf.Tensor,
      weight: tf.Tensor,
    ) -> tf.Tensor | tuple[tf.Tensor, ...]:
      return weight * self._slope(after - before, summands)

    return _sums(maps, slope, before, after, light)

  def fourier_sums(
    self,
    before: tf.Tensor,
    after: tf.Tensor,
    light: tf.Tensor,
    damping: float,
    no_phase: float,
  ) -> tuple[tf.Tensor, ...]:
    """Returns the summands of amplitudes and the angles, summed over blocks.

    Args:
      before: Coefficients of the references, `[N, h, w, 2, P, K]`, real and
        imaginary part.
      after: Coefficients of the images, the same shape.
      light: Logarithm of the factor of luminance masking, `[N, h, w, P, 1]`.
      damping: Squared amplitude below which phases fade, or 0.
      no_phase: Product of two squared amplitudes up to which there is no phase;
        it is used only without damping.

    Returns:
      Two tensors `[N, P, K]`: summands of the power mean, and angles in [0,
      pi]. `before`, `after` and `light` have gradients.
    """
    turns = _Turns(damping, no_phase)

    def maps(
      before: tf.Tensor, after: tf.Tensor, light: tf.Tensor, masking: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
      before, after = tf.unstack(before, axis=3), tf.unstack(after, axis=3)
      was, now = self._amplitude(*before), self._amplitude(*after)
      visible = self._visible(was, light, masking)
      return self._summands(now - was, visible), turns.turn(*before, *after)

    def slope(
      before: tf.Tensor,
      after: tf.Tensor,
      summands: tf.Tensor,
      turn: tf.Tensor,
      weight: tf.Tensor,
      turn_weight: tf.Tensor,
    ) -> tf.Tensor | tuple[tf.Tensor, ...]:
      re, im = tf.unstack(before, axis=3)
      re_after, im_after = tf.unstack(after, axis=3)
      was, now = self._amplitude(re, im), self._amplitude(re_after, im_after)
      # The slope of an amplitude is (part + epsilon) / amplitude in the real
      # and in the imaginary part. The angle adds its own slopes.
      outward = weight * self._slope(now - was, summands) / now
      by_re, by_im = turns.slopes(re, im, re_after, im_after, turn)
      return (
        outward * (re_after + self.epsilon) + turn_weight * by_re,
        outward * (im_after + self.epsilon) + turn_weight * by_im,
      )

    return _sums(maps, slope, before, after, light)

  def _amplitude(self, re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
    # The authors' guard, inside the squares. It keeps the root from 0, where
    # its slope is infinite.
    return tf.sqrt(tf.square(re + self.epsilon) + tf.square(im + self.epsilon))

  def _visible(
    self, magnitude: tf.Tensor, light: tf.Tensor, masking: tf.Tensor
  ) -> tf.Tensor:
    """Returns the inverse of the just visible difference.

    Args:
      magnitude: Magnitudes of the reference's coefficients, `[N, h, w, P, K]`.
      light: Logarithm of the factor of luminance masking.
      masking: The factor itself, exp(light).
    """
    # Contrast masking c = m^w (t light)^(1 - w) as one sum of logarithms, and
    # luminance masking l = t light. See the top of the file for 1 / s.
    contrast = self.exponent * tf.math.log(magnitude + self.epsilon)
    contrast = tf.exp(
      contrast + self._derived.offset + self._derived.rest * light
    )
    masking = self._derived.threshold * masking
    lead = tf.exp(tf.minimum(contrast - masking, _MAX_EXPONENT))
    return (1 + lead) / (contrast * lead + masking)

  def _summands(self, difference: tf.Tensor, visible: tf.Tensor) -> tf.Tensor:
    visible = tf.abs(difference) * visible
    powers = tf.exp(self.beta * tf.math.log(visible + self.epsilon))
    # The difference of powers at 0 may be a rounding error; it has to be 0, so
    # that equal images have the value 0. NaN is not `<= 0` and stays.
    return tf.where(
      visible <= 0, tf.zeros_like(powers), powers - self._derived.least
    )

  def _slope(self, difference: tf.Tensor, summands: tf.Tensor) -> tf.Tensor:
    """Returns the slope of the summands in the difference.

    The formula is at the top of the file.
    """
    powers = summands + self._derived.least
    # Next to a difference of 0 the powers underflow to 0 in float32.
    flat = (difference == 0) | (powers <= 0)
    powers = tf.where(flat, tf.ones_like(powers), powers)
    # Without this a second derivative would divide by 0 in the unused branch.
    difference = tf.where(flat, tf.ones_like(difference), difference)
    guard = math.log(self.epsilon) - self._derived.inverse_beta * tf.math.log(
      powers
    )
    slope = self.beta * powers * (1 - tf.exp(guard)) / difference
    return tf.where(flat, tf.zeros_like(slope), slope)


@dataclasses.dataclass(frozen=True)
class _Turns:
  """Angles between coefficients, as `turn` of `distances/watson_dft.py`.

  Attributes:
    damping: Squared amplitude below which angles fade, or 0.
    no_phase: Product of two squared amplitudes up to which there is no phase.
  """

  damping: float
  no_phase: float

  def turn(
    self, re: tf.Tensor, im: tf.Tensor, re_after: tf.Tensor, im_after: tf.Tensor
  ) -> tf.Tensor:
    dot = re * re_after + im * im_after + self.damping
    cross = self._cross(re, im, re_after, im_after)
    undefined = self._undefined(re, im, re_after, im_after)
    angle = _angle(tf.where(undefined, tf.ones_like(dot), dot), cross)
    angle = tf.where(undefined, tf.zeros_like(angle), angle)
    if not self.damping:
      return angle
    power = _power(re, im) + _power(re_after, im_after)
    return angle * power / (power + self.damping)

  def slopes(
    self,
    re: tf.Tensor,
    im: tf.Tensor,
    re_after: tf.Tensor,
    im_after: tf.Tensor,
    turn: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the slopes in the real and in the imaginary part of `after`."""
    # Undamped, the slope of the angle is (-im, re) of `after` over its squared
    # length, with the sign of the turn, which is flat / cross. Damping adds the
    # share of the third coordinate and, by `spread`, that of the factor.
    cross = self._cross(re, im, re_after, im_after)
    undefined = self._undefined(re, im, re_after, im_after) | (cross == 0)
    power, power_after = _power(re, im), _power(re_after, im_after)
    scale = 1 / tf.where(
      undefined, tf.ones_like(cross), (power_after + self.damping) * cross
    )
    flat = _flat_cross(re, im, re_after, im_after)
    spread = 0.0
    if self.damping:
      both = power + power_after
      scale *= both / (both + self.damping)
      # Where both coefficients are 0 the quotient below would be 0 / 0.
      both = tf.where(undefined, tf.ones_like(both), both)
      spread = 2 * self.damping * turn / (both * (both + self.damping))
    none = tf.zeros_like(cross)
    by_re = self.damping * (re_after - re) - im_after * flat
    by_im = self.damping * (im_after - im) + re_after * flat
    return (
      tf.where(undefined, none, scale * by_re + spread * re_after),
      tf.where(undefined, none, scale * by_im + spread * im_after),
    )

  def _cross(
    self, re: tf.Tensor, im: tf.Tensor, re_after: tf.Tensor, im_after: tf.Tensor
  ) -> tf.Tensor:
    """Returns lengths times sine of the angle; exactly 0 between equal ones."""
    flat = _flat_cross(re, im, re_after, im_after)
    if not self.damping:
      return tf.abs(flat)
    square = tf.square(flat)
    square += self.damping * _power(re_after - re, im_after - im)
    return numerics.root(square)

  def _undefined(
    self, re: tf.Tensor, im: tf.Tensor, re_after: tf.Tensor, im_after: tf.Tensor
  ) -> tf.Tensor:
    if self.damping:
      return tf.zeros_like(re, tf.bool)
    # A comparison with NaN is False, so NaN counts as defined and stays NaN.
    return _power(re, im) * _power(re_after, im_after) <= self.no_phase


def _power(re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
  return tf.square(re) + tf.square(im)


def _flat_cross(
  re: tf.Tensor, im: tf.Tensor, re_after: tf.Tensor, im_after: tf.Tensor
) -> tf.Tensor:
  # With the difference as second factor, equal coefficients give exactly 0.
  return re * (im_after - im) - im * (re_after - re)


def _angle(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
  """Returns the angle in [0, pi] of (x, y) with y >= 0 and not both 0."""
  if x.dtype == tf.float64:  # the polynomial has the digits of float32 only
    return tf.atan2(y, x)
  length = tf.abs(x)
  # The polynomial holds on [0, 1]; symmetry gives the other octants.
  tangent = tf.minimum(length, y) / tf.maximum(length, y)
  square, series = tf.square(tangent), 0.0
  for coefficient in reversed(_ARCTANGENT):
    series = series * square + coefficient
  angle = series * tangent
  angle = tf.where(y > length, math.pi / 2 - angle, angle)
  return tf.where(x < 0, math.pi - angle, angle)


def _sums(
  maps: Callable[..., tuple[tf.Tensor, ...]],
  slope: Callable[..., Any],
  before: tf.Tensor,
  after: tf.Tensor,
  light: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
  """Sums maps over blocks, with a hand-written gradient in `after`.

  Args:
    maps: Function of `(before, after, light, exp(light))` that returns a tuple
      of maps `[N, h, w, P, K]`.
    slope: Function of `(before, after, *maps, *weights)` that returns the
      gradient in `after` of the sum of all maps times their weights
      `[N, 1, 1, P, K]`. If it is a tuple, it is stacked on axis 3.
    before: Coefficients of the references.
    after: Coefficients of the images.
    light: Logarithm of the factor of luminance masking, `[N, h, w, P, 1]`.

  Returns:
    One tensor `[N, P, K]` for each map.
  """

  @tf.custom_gradient
  def sums(
    before: tf.Tensor, after: tf.Tensor, light: tf.Tensor
  ) -> numerics.WithGradient:
    found = numerics.compiled(maps)(before, after, light, tf.exp(light))

    def gradient(*upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
      weights = [u[:, None, None] for u in upstream]
      by_after = numerics.compiled(slope)(before, after, *found, *weights)
      if isinstance(by_after, tuple):
        by_after = tf.stack(by_after, axis=3)
      with tf.GradientTape() as tape:
        tape.watch([before, light])
        plain = _totals(maps(before, after, light, tf.exp(light)))
      by_before, by_light = tape.gradient(plain, [before, light], upstream)
      return by_before, by_after, by_light

    return _totals(found), gradient

  return sums(before, after, light)


def _totals(maps: Iterable[tf.Tensor]) -> tuple[tf.Tensor, ...]:
  """Returns sums over blocks, one axis after the other.

  One long sum in float32 would lose digits.
  """
  return tuple(tf.reduce_sum(tf.reduce_sum(m, axis=1), axis=1) for m in maps)
