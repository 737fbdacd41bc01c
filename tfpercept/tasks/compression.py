"""Learned compression: rate plus lambda times any distance."""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.models import transform_codec
from tfpercept.tasks import quantisers, replicas


class Compression(keras.Model):
  """Trains a codec for all its qualities at once.

  The qualities of a batch divide the range from 1 to `levels` into equal parts,
  and each picture's q is drawn evenly from its part; its loss is

      (bpp + lambda(q) distance(x, x_hat)) / gain(q)

  with gain the square root of lambda over its geometric mean, so that no
  rate outweighs the others. bpp is the estimated bits of a picture over its
  pixels. The distance of `mse` is that of 8-bit values, 255^2 times larger.

  `train_step` takes `(x, x)` and logs `loss`, `bpp`, what the network tells
  apart of that (`bpp_z`, ...), `distortion` and `gradient_norm`.

  Args:
    network: What is trained.
    objective: The distance.
    lmbda: Weight of the distance at the smallest and the largest quality;
      the network's own by default, which are of squared errors.
    quantiser: How latents are rounded, one of `quantisers.QUANTISERS`.
    clip: Norm that gradients are cut to, all together.
    seed: Of qualities and noise, which follow from it and the step alone.

  Raises:
    ValueError: if `lmbda` or `quantiser` is none, or the first is missing for
      a distance other than `mse`.

  Source: Ballé, Minnen, Singh, Hwang, Johnston, 2018, eq. 4; one network for
  many rates: Cui et al., 2021, section 3.3.
  """

  def __init__(
    self,
    network: keras.Model,
    objective: distances.Distance,
    *,
    lmbda: Sequence[float] | None = None,
    quantiser: str = "mixed",
    clip: float = 1.0,
    seed: int = 0,
  ):
    super().__init__(name="compression")
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
    if quantiser not in quantisers.QUANTISERS:
      raise ValueError(
        f"a quantiser is one of {', '.join(quantisers.QUANTISERS)}; got "
        f"{quantiser!r}"
      )
    self._quantiser = quantisers.QUANTISERS[quantiser]
    self._clip, self._seed = clip, seed
    # Logs are the same on all replicas; by default Keras adds them up.
    self.distribute_reduction_method = "first"

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    middle = tf.fill([tf.shape(x)[0]], 0.5 * (1.0 + self.network.levels))
    return self.network(x, middle, quantisers.Rounding()).x_hat

  def train_step(
    self, data: tuple[tf.Tensor, tf.Tensor]
  ) -> dict[str, tf.Tensor]:
    x, _ = data
    step = tf.cast(self.optimizer.iterations, tf.int32)
    seed = tf.stack([self._seed, 8 * step])
    levels = float(self.network.levels)
    count = tf.shape(x)[0]
    share = tf.random.stateless_uniform([count], tf.add(seed, [0, 2]))
    share = (tf.range(tf.cast(count, tf.float32)) + share) / tf.cast(
      count, tf.float32
    )
    quality = 1.0 + (levels - 1.0) * share
    lmbda, gain = self._weights(quality)
    variables = self.network.trainable_variables
    pixels = tf.cast(tf.shape(x)[1] * tf.shape(x)[2], tf.float32)
    with tf.GradientTape() as tape:
      coded = self.network(x, quality, self._quantiser(seed))
      bpp = {name: b / pixels for name, b in coded.bits.items()}
      total = tf.add_n(list(bpp.values()))
      distortion = self._unit * self.objective(x, coded.x_hat)
      loss = tf.reduce_mean((total + lmbda * distortion) / gain)
    gradients = tape.gradient(loss, variables)
    logs = {
      "loss": loss,
      "bpp": tf.reduce_mean(total),
      "distortion": tf.reduce_mean(distortion),
    }
    if len(bpp) > 1:
      logs |= {f"bpp_{name}": tf.reduce_mean(b) for name, b in bpp.items()}
    logs, gradients = replicas.mean((logs, gradients))
    gradients, logs["gradient_norm"] = tf.clip_by_global_norm(
      gradients, self._clip
    )
    self.optimizer.apply_gradients(
      zip(gradients, variables, strict=True), skip_gradients_aggregation=True
    )
    return logs

  def _weights(self, quality: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns lambda and what losses are divided by, for each quality."""
    lmbda = transform_codec.lambda_of(quality, self._ends, self.network.levels)
    return lmbda, tf.sqrt(lmbda / math.sqrt(math.prod(self._ends)))
