"""Means, powers and products that keep their digits and finite slopes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

WithGradient: TypeAlias = tuple[
  tf.Tensor | tuple[tf.Tensor, ...], Callable[..., Any]
]
"""The answer of a `tf.custom_gradient`: a value and its gradient function."""


def complement_of_product(
  deficits: tf.Tensor, exponents: Sequence[float], floor: float = 1e-6
) -> tf.Tensor:
  """Returns 1 - prod_j max(1 - deficits_j, floor) ^ exponents_j.

  The slope of r^w is infinite at r = 0; below `floor` it is 0 here instead.
  Factors near 1 lose no digits: the product is never formed and subtracted.

  Args:
    deficits: Difference of each factor from 1, `[..., J]`.
    exponents: J non-negative exponents.
    floor: Smallest factor; smaller and negative ones count as `floor`.

  Returns:
    Values `[...]`, in [0, 1] where the deficits are non-negative.
  """
  # log1p and expm1 keep the digits of small deficits, which 1 - deficit and
  # 1 - product would round away.
  deficits = tf.minimum(deficits, 1 - floor)
  exponents = tf.constant(exponents, deficits.dtype)
  logs = tf.reduce_sum(exponents * tf.math.log1p(-deficits), axis=-1)
  return -tf.math.expm1(logs)


def spatial_mean(maps: tf.Tensor) -> tf.Tensor:
  """Returns the mean `[N, C]` of `[N, H, W, C]` over space.

  It takes one axis after the other. A sum over both at once adds the pixels in
  sequence; in float32 it errs by up to a percent where all terms are alike.
  """
  return tf.reduce_mean(tf.reduce_mean(maps, axis=1), axis=1)


def nan_mark(image: tf.Tensor) -> tf.Tensor:
  """Returns `[N, 1, 1, 1]`: 0 for a finite image, else NaN or infinity.

  The caller adds it to features of the image. Otherwise they could hide a NaN:
  in a graph TensorFlow fuses a convolution with the ReLU after it, which then
  turns NaN into 0 on a CPU.
  """
  total = tf.reduce_sum(image, axis=[1, 2, 3], keepdims=True)
  return tf.where(tf.math.is_finite(total), tf.zeros_like(total), total)


def power(base: tf.Tensor, exponent: float, floor: float = 1e-15) -> tf.Tensor:
  """Returns `base ** exponent` with finite derivatives at 0, and 0 there.

  For an exponent below 1, whose slope is infinite at 0: the value is that of
  `base * (base + floor) ** (exponent - 1)`, whose slope is at most
  `floor ** (exponent - 1)`. It is too small by `(1 - exponent) * floor / base`
  of itself, which float32 does not see above 1e7 times the floor.

  Args:
    base: Tensor of any shape, not negative.
    exponent: Exponent in (0, 1].
    floor: Base below which the slope stops growing, positive.
  """

  @tf.custom_gradient
  def guarded(base: tf.Tensor) -> WithGradient:
    def gradient(upstream: tf.Tensor) -> tf.Tensor:
      # Differentiated as it stands, this has no power below exponent - 2, which
      # float32 can hold; the slope of a product of base and power has.
      share = (exponent * base + floor) / (base + floor)
      return upstream * share * tf.pow(base + floor, exponent - 1)

    return base * tf.pow(base + floor, exponent - 1), gradient

  return guarded(base)


def convex_power(
  base: tf.Tensor, exponent: float, floor: float = 1e-15
) -> tf.Tensor:
  """Returns `base ** exponent` for exponents in (1, 2).

  The slope is 0 at 0, and its own slope, which is infinite there, is at most
  about `floor ** (exponent - 2)` here.

  Args:
    base: Tensor of any shape, not negative.
    exponent: Exponent in (1, 2).
    floor: Base below which the second derivative stops growing, positive.
  """

  @tf.custom_gradient
  def guarded(base: tf.Tensor) -> WithGradient:
    def gradient(upstream: tf.Tensor) -> tf.Tensor:
      slope = exponent * base * tf.pow(base + floor, exponent - 2)
      return upstream * slope

    return tf.pow(base, exponent), gradient

  return guarded(base)


def root(square: tf.Tensor) -> tf.Tensor:
  """Returns the square root, whose slope at 0 is 0 here and not infinite."""
  # The root never sees a 0, since `where` multiplies the infinite slope of an
  # unused branch by 0, which is NaN. NaN is not `<= 0` and stays.
  is_zero = square <= 0
  found = tf.sqrt(tf.where(is_zero, tf.ones_like(square), square))
  return tf.where(is_zero, tf.zeros_like(found), found)


def compiled(step: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
  """Returns the step compiled by XLA, for tensors of known shapes.

  While a debugging switch of TensorFlow is on, it returns the step itself.
  """
  if not may_compile():
    return step
  return tf.function(step, autograph=False, jit_compile=True)


def may_compile() -> bool:
  """Returns False while a debugging switch of TensorFlow forbids XLA.

  `tf.debugging.enable_check_numerics` and similar switches put an op behind
  every other that XLA does not know. `tf.config.run_functions_eagerly` asks for
  no graphs.
  """
  if tf.config.functions_run_eagerly():
    return False
  # No public call tells whether ops are instrumented. A graph of two ops that
  # has more than two shows it.
  with tf.Graph().as_default() as graph:
    tf.raw_ops.Sqrt(x=tf.raw_ops.Placeholder(dtype=tf.float32, shape=[]))
    return len(graph.get_operations()) == 2


def at_least(x: tf.Tensor, bound: float) -> tf.Tensor:
  """Returns max(x, bound), with a gradient that can raise x over the bound.

  Below the bound the true gradient is 0, and x would stay there. Here it passes
  if a step of descent would raise x.
  """
  return _at_least(x, tf.constant(bound, x.dtype))


def at_most(x: tf.Tensor, bound: float) -> tf.Tensor:
  """Returns min(x, bound), with a gradient that can lower x below the bound."""
  return -at_least(-x, -bound)


@tf.custom_gradient
def _at_least(x: tf.Tensor, bound: tf.Tensor) -> WithGradient:
  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    passes = tf.logical_or(x >= bound, upstream < 0)
    return tf.where(passes, upstream, tf.zeros_like(upstream)), None

  return tf.maximum(x, bound), gradient


def rounded(x: tf.Tensor) -> tf.Tensor:
  """Returns the nearest whole numbers, with the gradient of x itself."""
  return x + tf.stop_gradient(tf.round(x) - x)
