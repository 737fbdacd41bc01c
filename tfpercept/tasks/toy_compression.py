"""Rate-distortion training of codecs of short vectors."""

import abc
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models.compression import toy_codecs
from tfpercept.ops import numerics
from tfpercept.tasks import base

_SHARP = 3.0  # where the rise of sharpness ends
_RISE = 4  # part of the steps that it takes


class Descent(base.Task):
  """Moves a codec so that `rate + weight * squared error` falls.

  A batch is `x`, `[N, D]`; its terms are `loss`, `rate` in bits a vector and
  `distortion`, the sum of squared errors. XLA compiles the step: networks this
  small cost little but calls.

  Args:
    network: The codec that is trained.
    weight: The bits that a summed squared error of 1 costs, above 0.
    name: The name of the Keras model.
    seed: The seed of the noise, which follows from it and the step alone.
  """

  def __init__(
    self, network: keras.Model, *, weight: float, name: str, seed: int = 0
  ):
    if not weight > 0:
      raise ValueError(f"{name} needs a weight > 0; got {weight}")
    super().__init__(name, seed=seed)
    self.network = network
    self._weight = weight

  def compile(self, optimizer: base.Optimizers, **options: Any) -> None:
    eager = options.get("run_eagerly")
    jit_compile = numerics.may_compile() and not eager
    super().compile(optimizer, jit_compile=jit_compile, **options)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.network(x)

  def parts(self) -> dict[str, Any]:
    return {"network": self.network}

  def terms(
    self, batch: tf.Tensor, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    x_hat, bits = self.coded(batch, seed=seed, step=step)
    errors = tf.reduce_sum(tf.math.squared_difference(batch, x_hat), axis=-1)
    rate, distortion = tf.reduce_mean(bits), tf.reduce_mean(errors)
    loss = rate + self._weight * distortion
    return {"loss": loss, "rate": rate, "distortion": distortion}

  @abc.abstractmethod
  def coded(
    self, x: tf.Tensor, *, seed: tf.Tensor, step: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Codes vectors as in a step of training.

    Args:
      x: Float32 `[N, D]`.
      seed: Int32 `[2]`, the seed of noise.
      step: Scalar int32, the number of steps before this one.

    Returns:
      Reconstructions `[N, D]` and bits `[N]`.
    """


class TransformCoding(Descent):
  """Trains a transform codec with soft rounding and noise.

  The sharpness of soft rounding rises from 0 to 3 over the first quarter of the
  steps, and is learned from there.

  Args:
    network: The codec that is trained.
    weight: The bits that a summed squared error of 1 costs, above 0.
    steps: The number of steps of the training.
    seed: The seed of the noise, which follows from it and the step alone.

  Source: Agustsson, Theis, "Universally quantized neural compression", 2020,
  section 4.
  """

  def __init__(
    self,
    network: toy_codecs.ToyTransformCodec,
    *,
    weight: float,
    steps: int,
    seed: int = 0,
  ):
    super().__init__(network, weight=weight, name="transform_coding", seed=seed)
    self._rise = max(steps // _RISE, 1)

  def coded(
    self, x: tf.Tensor, *, seed: tf.Tensor, step: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    # The batch was drawn with the seed itself.
    seed = tf.random.experimental.stateless_fold_in(seed, 1)
    rising = _SHARP * tf.cast(step, tf.float32) / self._rise
    sharpness = tf.where(step < self._rise, rising, self.network.sharpness())
    return self.network.noisy(x, sharpness=sharpness, seed=seed)


class VectorQuantization(Descent):
  """Trains codebook and probabilities on the entries that vectors take.

  Args:
    network: The codec that is trained.
    weight: The bits that a summed squared error of 1 costs, above 0.
  """

  def __init__(self, network: toy_codecs.ToyVectorQuantizer, *, weight: float):
    super().__init__(network, weight=weight, name="vector_quantization")

  def coded(
    self, x: tf.Tensor, *, seed: tf.Tensor, step: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    found = self.network.code(x)
    return found.x_hat, found.bits
