"""Rate-distortion training of codecs of short vectors."""

import abc

import keras
import tensorflow as tf

from tfpercept.models.compression import toy_codecs
from tfpercept.ops import numerics

_SHARP = 3.0  # where the rise of sharpness ends
_RISE = 4  # part of the steps that it takes


class Descent(keras.Model, abc.ABC):
  """Moves a codec so that `rate + weight * squared error` falls.

  `train_step` takes `x`, `[N, D]`, and logs, for this step alone, `loss`,
  `rate` in bits a vector, `distortion` as the sum of squared errors, and
  `gradient_norm`. XLA compiles it: networks this small cost little but calls.
  """

  def __init__(self, network: keras.Model, *, weight: float, name: str):
    if not weight > 0:
      raise ValueError(f"{name} needs a weight > 0; got {weight}")
    super().__init__(name=name)
    self.network = network
    self._weight = weight

  def compile(self, **options) -> None:
    eager = options.get("run_eagerly")
    jit_compile = numerics.may_compile() and not eager
    super().compile(jit_compile=jit_compile, **options)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.network(x)

  @abc.abstractmethod
  def coded(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns reconstructions and bits of this step, `[N, D]` and `[N]`."""

  def train_step(self, data: tf.Tensor) -> dict[str, tf.Tensor]:
    variables = self.network.trainable_variables
    with tf.GradientTape() as tape:
      x_hat, bits = self.coded(data)
      errors = tf.reduce_sum(tf.math.squared_difference(data, x_hat), axis=-1)
      logs = {
        "rate": tf.reduce_mean(bits),
        "distortion": tf.reduce_mean(errors),
      }
      logs["loss"] = logs["rate"] + self._weight * logs["distortion"]
    gradients = tape.gradient(logs["loss"], variables)
    self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return {**logs, "gradient_norm": tf.linalg.global_norm(gradients)}


class TransformCoding(Descent):
  """Trains a transform codec with soft rounding and noise.

  The sharpness of soft rounding rises from 0 to 3 over the first quarter of the
  steps, and is learned from there.

  Args:
    network: What is trained.
    weight: What a summed squared error of 1 costs in bits.
    steps: Of the training.
    seed: Of the noise, which follows from it and the step alone.

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
    super().__init__(network, weight=weight, name="transform_coding")
    self._rise, self._seed = max(steps // _RISE, 1), seed

  def coded(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    step = tf.cast(self.optimizer.iterations, tf.int32)
    # The batch was drawn with (seed, step) itself.
    seed = tf.random.experimental.stateless_fold_in(
      tf.stack([self._seed, step]), 1
    )
    rising = _SHARP * tf.cast(step, tf.float32) / self._rise
    sharpness = tf.where(step < self._rise, rising, self.network.sharpness())
    return self.network.noisy(x, sharpness=sharpness, seed=seed)


class VectorQuantization(Descent):
  """Trains codebook and probabilities on the entries that vectors take.

  Args:
    network: What is trained.
    weight: What a summed squared error of 1 costs in bits.
  """

  def __init__(self, network: toy_codecs.ToyVectorQuantizer, *, weight: float):
    super().__init__(network, weight=weight, name="vector_quantization")

  def coded(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    found = self.network.code(x)
    return found.x_hat, found.bits
