"""Compression in which a generator makes up what bits do not tell (HiFiC)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.models.compression import transform_codec
from tfpercept.tasks import (
  adversarial,
  averaging,
  objectives,
  quantizers,
  rate_control,
)

K_M = 0.075 * 2.0**-5
"""Weight of squared errors of 8-bit values in the paper."""
K_P = 1.0
"""Weight of the perceptual distance in the paper."""
BETA = 0.15
"""Weight of the adversarial part in the paper."""


class Weights(NamedTuple):
  """The weights of the parts of the loss, 0 or more.

  Attributes:
    mse: Weight k_M of squared errors of 8-bit values.
    perceptual: Weight k_P of the perceptual distance.
    adversarial: Weight beta of the generator's loss in the game.
  """

  mse: float = K_M
  perceptual: float = K_P
  adversarial: float = BETA


PUBLISHED = Weights()


class GenerativeCompression(adversarial.Adversarial):
  """Trains a codec of one rate, without a critic or against one.

  The generator, which here is the whole codec, lowers

      w(R) R + k_M MSE + k_P d(x, x_hat) + beta G

  with R the estimated bits per pixel, w from a `RateControl` that looks at the
  rate of quantized latents, MSE of 8-bit values, d any distance and G its loss
  in the game. Without a critic the last part is missing: the paper's first
  stage. The critic sees pictures beside the decoded latents, divided by their
  deviations; no gradient passes from it to them.

  A batch is `(x, x)`. Terms beside those of `Adversarial` are `bpp`, that of
  noisy latents, `bpp_quantized`, `rate_weight`, `mse`, of 8-bit values, and
  `perceptual`.

  Args:
    network: The codec that is trained; its middle quality is, if it has many.
    objective: The perceptual distance.
    control: The weight of the rate.
    critic: The critic, a `PatchCritic` of as many latents, or None.
    space: Function from pictures `[N, H, W, 3]` to what the critic judges of
      them; the pictures themselves by default.
    weights: The weights of the parts of the loss.
    game: The argument of that name of `Adversarial`.
    warm_up: The argument of that name of `Adversarial`.
    in_turns: The argument of that name of `Adversarial`.
    quantizer: The rounding of latents, one of `quantizers.QUANTIZERS`.
    clip: The argument of that name of `Adversarial`.
    decay: The decay of averages of the codec's weights (`averaging.Averages`),
      which the task then keeps as `averages`; None for no averages.
    seed: The seed of the noise, which follows from it and the step alone.

  Raises:
    ValueError: if an argument is out of range.

  Source: Mentzer, Toderici, Tschannen, Agustsson, "High-fidelity generative
  image compression", 2020, eq. 6 and 7.
  """

  def __init__(
    self,
    network: keras.Model,
    objective: distances.Distance,
    control: rate_control.RateControl,
    critic: keras.Model | None = None,
    *,
    space: Callable[[tf.Tensor], tf.Tensor] | None = None,
    weights: Weights = PUBLISHED,
    game: str = "non_saturating",
    warm_up: int = 0,
    in_turns: bool = False,
    quantizer: str = "mixed",
    clip: float | None = 1.0,
    decay: float | None = None,
    seed: int = 0,
  ):
    super().__init__(
      "generative_compression",
      critic,
      game=game,
      weight=weights.adversarial if critic is not None else 0.0,
      warm_up=warm_up,
      in_turns=in_turns,
      clip=clip,
      seed=seed,
    )
    if min(weights) < 0:
      raise ValueError(f"weights are 0 or more; got {weights}")
    self.network, self.objective = network, objective
    self._control, self._space = control, space or tf.identity
    self._weights = weights
    self._quantizer = quantizers.get(quantizer)
    self.averages = None
    if decay is not None:
      self.averages = averaging.Averages(network.trainable_variables, decay)

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.network(x, self._quality(x), quantizers.Rounding()).x_hat

  def generator_parts(self) -> dict[str, Any]:
    found = {"network": self.network, **objectives.parts(self.objective)}
    if self._control.variables:
      found["rate_control"] = self._control.variables
    if self.averages is not None:
      found["averages"] = self.averages
    return found

  def generator_variables(self) -> Sequence[tf.Variable]:
    return self.network.trainable_variables

  def generated(
    self, batch: Any, *, seed: tf.Tensor, step: tf.Tensor
  ) -> adversarial.Generated:
    x, _ = batch
    quality, pixels = self._quality(x), _pixels(x)
    network: transform_codec.TransformCodec = self.network
    y = network.analysis(x, quality)
    bits, y_hat = network.code(y, quality, self._quantizer(seed))
    x_hat = network.reconstruct(y_hat, quality)
    whole, _ = network.code(tf.stop_gradient(y), quality, quantizers.Rounding())
    terms = {
      "bpp": tf.reduce_mean(tf.add_n(list(bits.values()))) / pixels,
      "bpp_quantized": tf.stop_gradient(
        tf.reduce_mean(tf.add_n(list(whole.values()))) / pixels
      ),
      "mse": 255.0**2 * tf.reduce_mean(tf.math.squared_difference(x, x_hat)),
      "perceptual": tf.reduce_mean(self.objective(x, x_hat)),
    }
    terms["rate_weight"] = self._control.weight(terms["bpp_quantized"], step)
    terms["loss"] = (
      terms["rate_weight"] * terms["bpp"]
      + self._weights.mse * terms["mse"]
      + self._weights.perceptual * terms["perceptual"]
    )
    if self.critic is None:
      return adversarial.Generated(x, x_hat, None, terms)
    return adversarial.Generated(
      self._space(x), self._space(x_hat), y_hat / network.deviation, terms
    )

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    super().after_update(terms, step)
    if self.averages is not None:
      self.averages.update(self.network.trainable_variables, step)
    # While the codec is frozen its rate does not answer to its weight.
    bpp = tf.where(
      step < self._warm_up, self._control.target(step), terms["bpp_quantized"]
    )
    self._control.update(bpp, step)

  def _quality(self, x: tf.Tensor) -> tf.Tensor:
    return tf.fill([tf.shape(x)[0]], 0.5 * (1.0 + self.network.levels))


def _pixels(x: tf.Tensor) -> tf.Tensor:
  """Returns the number of pixels of a picture, a float scalar."""
  return tf.cast(tf.shape(x)[1] * tf.shape(x)[2], tf.float32)
