"""Learned compression: rate plus lambda times any distance."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.models.compression import transform_codec
from tfpercept.tasks import averaging, base, objectives, quantizers, spread


class Losses(NamedTuple):
  """The losses of pictures, and their parts.

  Attributes:
    loss: The weighted sum `[N]`, whose mean is lowered.
    bpp: Bits per pixel `[N]` by the name of the latents.
    distortion: Distances `[N]`, in the unit that lambda is for.
    x_hat: Reconstructions `[N, H, W, 3]`, not clipped.
  """

  loss: tf.Tensor
  bpp: dict[str, tf.Tensor]
  distortion: tf.Tensor
  x_hat: tf.Tensor


class Compression(base.Task):
  """Trains a codec for all its qualities at once.

  The qualities of a batch divide the range from 1 to `levels` into equal parts,
  and each picture's q is drawn evenly from its part; its loss is

      (bpp + lambda(q) distance(x, x_hat)) / gain(q)

  with gain the square root of lambda over its geometric mean, so that no
  rate outweighs the others. bpp is the estimated bits of a picture over its
  pixels. The distance of `mse` is that of 8-bit values, 255^2 times larger.

  A batch is `(x, x)`; its terms are `loss`, `bpp`, the parts of it that the
  network tells apart (`bpp_y` and `bpp_z`) and `distortion`.

  Args:
    network: The codec that is trained.
    objective: The distance.
    lmbda: Weights of the distance at the smallest and the largest quality; the
      network's own by default, which are for squared errors.
    quantizer: The rounding of latents, one of `quantizers.QUANTIZERS`.
    clip: The norm, above 0, that gradients are cut to, all together.
    decay: The decay of averages of the weights (`averaging.Averages`), which
      the task then keeps as `averages`; None for no averages.
    seed: The seed of qualities and noise, which follow from it and the step
      alone.

  Raises:
    ValueError: if `lmbda`, `quantizer` or `decay` is invalid, or if `lmbda` is
      missing for a distance other than `mse`.

  Source: Ballé, Minnen, Singh, Hwang, Johnston, 2018, eq. 4; one network for
  many rates: Cui et al., 2021, section 3.3.
  """

  def __init__(
    self,
    network: keras.Model,
    objective: distances.Distance,
    *,
    lmbda: Sequence[float] | None = None,
    quantizer: str = "mixed",
    clip: float = 1.0,
    decay: float | None = None,
    seed: int = 0,
  ):
    super().__init__("compression", seed=seed)
    self.network = network
    self.objective = objective
    self._unit = transform_codec.unit_of(objective.spec)
    if lmbda is None and objective.spec != "mse":
      raise ValueError(
        f"lmbda is of squared errors unless it is given, and {objective.spec} "
        "has another unit; give two numbers, such as 3 and 200 for ms_ssim"
      )
    self._ends = tuple(lmbda or network.ends)
    if len(self._ends) != 2 or not 0 < self._ends[0] <= self._ends[1]:
      raise ValueError(
        f"lmbda is two numbers above 0, the smaller one first; got {self._ends}"
      )
    self._quantizer = quantizers.get(quantizer)
    self._clip = clip
    self.averages = None
    if decay is not None:
      self.averages = averaging.Averages(network.trainable_variables, decay)

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    middle = tf.fill([tf.shape(x)[0]], 0.5 * (1.0 + self.network.levels))
    return self.network(x, middle, quantizers.Rounding()).x_hat

  def parts(self) -> dict[str, Any]:
    found = {"network": self.network, **objectives.parts(self.objective)}
    if self.averages is not None:
      found["averages"] = self.averages
    return found

  def moves(self) -> dict[str, base.Move]:
    variables = self.network.trainable_variables
    return {"network": base.Move(variables, clip=self._clip)}

  def terms(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    x, _ = batch
    qualities, noise = tf.unstack(
      tf.random.experimental.stateless_split(seed, num=2)
    )
    quality = self._qualities(tf.shape(x)[0], qualities)
    found = self.loss_of(x, quality, self._quantizer(noise))
    terms = {
      "loss": tf.reduce_mean(found.loss),
      "bpp": tf.reduce_mean(tf.add_n(list(found.bpp.values()))),
      "distortion": tf.reduce_mean(found.distortion),
    }
    if len(found.bpp) > 1:
      parts = found.bpp.items()
      terms |= {f"bpp_{name}": tf.reduce_mean(b) for name, b in parts}
    return terms

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    if self.averages is not None:
      self.averages.update(self.network.trainable_variables, step)

  def _qualities(self, count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws qualities `[count]`, each from its own part of the range."""
    share = spread.drawn(count, seed) / tf.cast(count, tf.float32)
    return 1.0 + (float(self.network.levels) - 1.0) * share

  def loss_of(
    self,
    x: tf.Tensor,
    quality: tf.Tensor,
    quantizer: transform_codec.Quantizer,
    *,
    network: keras.Model | None = None,
  ) -> Losses:
    """Codes pictures without bytes and weighs rate and distortion.

    Args:
      x: Float32 `[N, H, W, 3]` in [0, 1], sides multiples of the stride.
      quality: Float32 `[N]`.
      quantizer: The rounding of latents.
      network: A network in place of the one that is trained.
    """
    coded = (network or self.network)(x, quality, quantizer)
    pixels = tf.cast(tf.shape(x)[1] * tf.shape(x)[2], tf.float32)
    bpp = {name: b / pixels for name, b in coded.bits.items()}
    distortion = self._unit * self.objective(x, coded.x_hat)
    lmbda, gain = self._weights(quality)
    total = tf.add_n(list(bpp.values()))
    loss = (total + lmbda * distortion) / gain
    return Losses(loss, bpp, distortion, coded.x_hat)

  def _weights(self, quality: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns lambda and what losses are divided by, for each quality."""
    lmbda = transform_codec.lambda_of(quality, self._ends, self.network.levels)
    return lmbda, tf.sqrt(lmbda / math.sqrt(math.prod(self._ends)))
