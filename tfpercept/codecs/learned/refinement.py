"""Choosing the symbols of one picture better than rounding does.

A network is trained for all pictures; here each picture has its own. Decoders
need nothing new.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.models.compression import (
  entropy_coding,
  transform_codec,
  transforms,
)

PIXELS = 1 << 19
"""About what is refined at a time."""
_CHANGED = 0.7  # of the symbols that gain, as neighbours do not both have to
_LEAST = 0.1  # bits that a change gains, or it is noise of the estimate
_PROBE = 0.5  # of a symbol: how far off the curvature is measured
_FLATTEST = 0.3  # of the mean curvature, as estimates are noisy
_DISTRUST = 2.0  # what the curvature is multiplied by after a round in vain


class Refinement:
  """Changes symbols by 1 where rate plus lambda times distance falls.

  With g the gradient of lambda times the distance and c half its curvature, a
  change d of a symbol s is expected to cost

      bits(s + d) - bits(s) + g d + c d^2.

  Each round computes g anew and changes most of the symbols for which -1 or 1
  gains something, drawn at random but the same each time. c is measured once,
  for each place, as the mean over channels. A round that did not gain as a
  whole is taken back, and c is trusted less.

  Args:
    network: Trained network whose entropy model states `can_refine`.
    objective: Distance that the network was trained for.
    lmbda: Weights of that distance at the smallest and the largest quality.
    rounds: Number of rounds.

  Source: Yang, Bamler, Mandt, "Improving inference for neural image
  compression", 2020, section 3.1, with a quadratic model in place of their
  annealing, after Karczewicz, Ye, Chong, "Rate distortion optimized
  quantization", VCEG-AH21, 2008.
  """

  def __init__(
    self,
    network: transform_codec.TransformCodec,
    objective: distances.Distance,
    *,
    lmbda: tuple[float, float],
    rounds: int,
  ):
    self._network, self._objective = network, objective
    self._ends, self._rounds = lmbda, rounds
    self._unit = transform_codec.unit_of(objective.spec)
    self._bits = tf.function(entropy_coding.normal_bits, reduce_retracing=True)
    self._slope = tf.function(self._slope_of, reduce_retracing=True)
    self._round = tf.function(_round, reduce_retracing=True)

  def __call__(
    self,
    picture: np.ndarray,
    y: np.ndarray,
    rows: slice,
    coded: tuple[np.ndarray, np.ndarray, np.ndarray],
    inverse: np.ndarray,
    quality: float,
  ) -> np.ndarray:
    """Returns better symbols for some rows of latents.

    A picture smaller than the distance takes is left as it is.

    Args:
      picture: Picture, uint8 `[H, W, 3]`, not padded.
      y: Latents of the picture, float32 `[1, h, w, C]`, not scaled.
      rows: Rows of `y` to choose symbols for.
      coded: Symbols of those rows and indexes of their scales, int32, and their
        means, float32 in the unit of symbols.
      inverse: Gains from that unit back to `y`, `[C]`.
      quality: Quality of the picture.
    """
    count = max(PIXELS // (y.shape[2] * transforms.STRIDE**2), 1)
    parts = []
    for top in range(rows.start, rows.stop, count):
      part = slice(top, min(top + count, rows.stop))
      own = slice(part.start - rows.start, part.stop - rows.start)
      mine = tuple(values[:, own] for values in coded)
      parts.append(
        self._refined(
          _around(picture, y, part, self._network.halo),
          mine,
          (tf.constant(inverse), tf.constant([quality], tf.float32)),
        )
        if part.start * transforms.STRIDE < picture.shape[0]
        else mine[0]  # padding
      )
    return np.concatenate(parts, axis=1)

  def _refined(
    self,
    around: tuple[tf.Tensor, ...],
    coded: tuple[tf.Tensor, ...],
    scaling: tuple[tf.Tensor, tf.Tensor],
  ) -> tf.Tensor:
    pixels, *_ = around
    try:
      self._objective.validate(*pixels.shape[1:3])
    except ValueError:
      return coded[0]
    symbols, index, mean = coded
    index = tf.cast(index, tf.float32)
    best = tf.cast(symbols, tf.float32)
    given = (mean, around, scaling)
    bend = self._bend(best, given)
    lowest, slope = self._valued(best, index, given)
    for number in range(self._rounds):
      tried = self._round(best, index, slope, bend, tf.constant(number))
      total, slope_there = self._valued(tried, index, given)
      if total < lowest:
        best, lowest, slope = tried, total, slope_there
      else:
        bend *= _DISTRUST
    return tf.cast(best, tf.int32)

  def _bend(self, symbols: tf.Tensor, given: tuple) -> tf.Tensor:
    """Returns c, float32 `[1, rows, columns, 1]`, by Hutchinson's estimate."""
    # With random signs s, the mean of s (H s) is the diagonal of the Hessian H;
    # H s is the difference of two gradients.
    sign = tf.sign(tf.random.stateless_normal(tf.shape(symbols), [0, 0]))
    (_, low), (_, high) = (
      self._slope(symbols + d * sign, *given) for d in (-_PROBE, _PROBE)
    )
    local = tf.reduce_mean(sign * (high - low), axis=-1, keepdims=True)
    local *= 0.5 / (2 * _PROBE)
    mean = tf.maximum(tf.reduce_mean(local), 0.0)
    return tf.maximum(local, _FLATTEST * mean)

  def _valued(
    self, symbols: tf.Tensor, index: tf.Tensor, given: tuple
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns bits plus lambda times the distance, and the slope of that."""
    cost, slope = self._slope(symbols, *given)
    return cost + tf.reduce_sum(self._bits(symbols, index)), slope

  def _cost_of(
    self,
    symbols: tf.Tensor,
    mean: tf.Tensor,
    around: tuple[tf.Tensor, ...],
    scaling: tuple[tf.Tensor, tf.Tensor],
  ) -> tf.Tensor:
    """Returns lambda times the distance, in bits."""
    pixels, above, below = around
    inverse, quality = scaling
    y_hat = (symbols + mean) * inverse
    y_hat = tf.concat([above, y_hat, below], axis=1)
    x_hat = self._network.reconstruct(y_hat, quality)
    top = tf.shape(above)[1] * transforms.STRIDE
    height, width = tf.shape(pixels)[1], tf.shape(pixels)[2]
    x_hat = x_hat[:, top : top + height, :width]
    lmbda = transform_codec.lambda_of(quality, self._ends, self._network.levels)
    distance = self._unit * self._objective(pixels, x_hat)
    return tf.reduce_sum(lmbda * distance) * tf.cast(height * width, tf.float32)

  def _slope_of(
    self, symbols: tf.Tensor, *given: Any
  ) -> tuple[tf.Tensor, tf.Tensor]:
    with tf.GradientTape() as tape:
      tape.watch(symbols)
      cost = self._cost_of(symbols, *given)
    return cost, tape.gradient(cost, symbols)


def of_model(
  network: transform_codec.TransformCodec,
  manifest: Mapping[str, Any],
  *,
  rounds: int,
) -> Refinement:
  """Returns the refinement for a model's own objective.

  Args:
    network: Network of the model.
    manifest: Manifest of the model.
    rounds: Number of rounds, above 0.

  Raises:
    ValueError: if the model does not name its objective, or that needs weights
      that are not here.
  """
  objective = manifest.get("objective", "mse")
  settings = manifest.get("training", {}).get("settings", {})
  lmbda = settings.get("lmbda") or network.ends
  return Refinement(
    network, distances.get(objective), lmbda=tuple(lmbda), rounds=rounds
  )


def _around(
  picture: np.ndarray, y: np.ndarray, rows: slice, halo: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns the pixels of rows of latents, and latents above and below them."""
  height = min(rows.stop * transforms.STRIDE, picture.shape[0])
  top = rows.start * transforms.STRIDE
  pixels = picture[None, top:height] / np.float32(255)
  above = y[:, max(rows.start - halo, 0) : rows.start]
  below = y[:, rows.stop : rows.stop + halo]
  return tf.constant(pixels), tf.constant(above), tf.constant(below)


def _round(
  symbols: tf.Tensor,
  index: tf.Tensor,
  slope: tf.Tensor,
  bend: tf.Tensor,
  number: tf.Tensor,
) -> tf.Tensor:
  """Returns the symbols after one round."""
  bits = entropy_coding.normal_bits(symbols, index)
  best, change = tf.zeros_like(symbols), tf.zeros_like(symbols)
  for d in (-1.0, 1.0):
    cost = (
      entropy_coding.normal_bits(symbols + d, index) - bits + slope * d + bend
    )
    is_best = cost < best
    best = tf.where(is_best, cost, best)
    change = tf.where(is_best, d, change)
  drawn = tf.random.stateless_uniform(tf.shape(symbols), tf.stack([1, number]))
  taken = (best < -_LEAST) & (drawn < _CHANGED)
  return symbols + tf.where(taken, change, 0.0)
