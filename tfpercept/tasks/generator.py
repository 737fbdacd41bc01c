"""Generators of small pictures against a critic of whole pictures."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances
from tfpercept.models.generators import base as generators
from tfpercept.models.generators import vae_gan
from tfpercept.ops import divergences
from tfpercept.tasks import adversarial, averaging, base, objectives

DECAY = 0.995
"""Share of the averaged weights that a step keeps."""


class _Generator(adversarial.Adversarial):
  """Both tasks: a generator, its averages, and its critic.

  Args:
    name: The name of the Keras model.
    network: The generator that is trained.
    critic: The critic; None for none.
    decay: The share of averaged weights that a step keeps.
    **options: Further arguments of `Adversarial`.
  """

  def __init__(
    self,
    name: str,
    network: generators.LatentGenerator,
    critic: keras.Model | None,
    *,
    decay: float = DECAY,
    **options: Any,
  ):
    super().__init__(name, critic, **options)
    self.network = network
    self.averages = averaging.Averages(network.trainable_variables, decay)

  def call(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.network(z, training=training)

  def generator_parts(self) -> dict[str, Any]:
    return {"network": self.network, "averages": self.averages}

  def generator_variables(self) -> Sequence[tf.Variable]:
    return self.network.trainable_variables

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    super().after_update(terms, step)
    self.averages.update(self.network.trainable_variables, step)

  @contextlib.contextmanager
  def averaged(self) -> Iterator[None]:
    """Lets the network have its averaged weights for a while."""
    variables = self.network.weights  # statistics, too, which are calibrated
    kept = [variable.numpy() for variable in variables]
    try:
      self.averages.assign_to(self.network.trainable_variables)
      self.network.calibrate()
      yield
    finally:
      for variable, value in zip(variables, kept, strict=True):
        variable.assign(value)


class GAN(_Generator):
  """Trains a generator of pictures from noise.

  A batch is `(x, x)`, of which the critic sees the pictures, and as many
  generated ones. `loss` is the generator's loss in the game; further terms are
  those of `adversarial.Adversarial`.

  Args:
    network: The generator that is trained.
    critic: The critic, called with pictures and no condition.
    decay: The share of averaged weights that a step keeps, in [0, 1).
    **options: Further arguments of `adversarial.Adversarial`.

  Raises:
    ValueError: if an argument is out of range.

  Source: Goodfellow et al., "Generative adversarial nets", 2014, section 3;
  Radford, Metz, Chintala, 2016, section 4.
  """

  def __init__(
    self,
    network: generators.LatentGenerator,
    critic: keras.Model,
    **options: Any,
  ):
    super().__init__("gan", network, critic, **options)

  def generated(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> adversarial.Generated:
    del step
    x, _ = batch
    unit = tf.random.stateless_normal([tf.shape(x)[0], self.network.latent],
                                      seed)  # fmt: skip
    fake = self.network.decode(
      unit * self.network.deviations, 0.0, training=True
    )
    return adversarial.Generated(x, fake, None, {"loss": tf.zeros([])})


class Refinement(_Generator):
  """Trains a generator on pictures whose latents it is given, quantized.

  The latents of a batch are those that `network.encode` gives, rounded to one
  of the generator's quantizer steps, another one in each training step. They
  get no gradient: an encoder that is given, such as the KLT, stays as it is.
  The loss is

      distance(x, x_hat) + weight * adversarial,

  and the critic sees the linear picture of the latents beside each picture.

  Args:
    network: A generator with an encoder and a linear part, `basis`.
    objective: The distance of pictures and their reconstructions.
    critic: The critic, called with pictures and a condition of as many
      channels; None for none.
    decay: The share of averaged weights that a step keeps, in [0, 1).
    **options: Further arguments of `adversarial.Adversarial`.

  Raises:
    ValueError: if an argument is out of range.
  """

  def __init__(
    self,
    network: generators.LatentGenerator,
    objective: distances.Distance,
    critic: keras.Model | None,
    **options: Any,
  ):
    super().__init__("refinement", network, critic, **options)
    self.objective = objective

  def generator_parts(self) -> dict[str, Any]:
    return {**super().generator_parts(), **objectives.parts(self.objective)}

  def generated(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> adversarial.Generated:
    del step
    x, _ = batch
    steps = tf.constant(self.network.quantizer_steps)
    place = tf.random.stateless_uniform(
      [], seed, maxval=len(self.network.quantizer_steps), dtype=tf.int32
    )
    size = steps[place]
    z = tf.stop_gradient(tf.round(self.network.encode(x) / size) * size)
    x_hat = self.network.decode(z, size, training=True)
    linear = self.network.basis.expand(z)
    distortion = tf.reduce_mean(
      self.objective(x, tf.clip_by_value(x_hat, -0.5, 1.5))
    )
    terms = {
      "loss": distortion,
      "distortion": distortion,
      "mse": tf.reduce_mean(tf.square(x - x_hat)),
      "linear_mse": tf.reduce_mean(tf.square(x - linear)),
    }
    return adversarial.Generated(x, x_hat, linear, terms)


class Encoding(base.Task):
  """Trains the encoder of a generator that stays as it is.

  For a picture x and z drawn from q(z|x) the loss is

      distance(x, G(z)) + beta * KL(q(z|x) || p(z)),

  with the KL in nats a latent. A batch is `(x, x)`; the terms are `loss`,
  `distortion` and `kl`.

  Args:
    network: The generator and the encoder.
    objective: The distance of pictures and their reconstructions.
    beta: The weight of the KL, 0 or more.
    seed: The seed of the noise.

  Raises:
    ValueError: if `beta` is below 0.

  Source: Santurkar, Budden, Shavit, "Generative compression", 2018, section 3.
  """

  def __init__(
    self,
    network: vae_gan.VAEGAN,
    objective: distances.Distance,
    *,
    beta: float,
    seed: int = 0,
  ):
    if not beta >= 0:
      raise ValueError(f"beta is 0 or more; got {beta}")
    super().__init__("encoding", seed=seed)
    self.network, self.objective, self._beta = network, objective, beta

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    del training
    return self.network.decode(self.network.encode(x), 0.0)

  def parts(self) -> dict[str, Any]:
    # The generator is not saved: it is that of the start.
    found = {"encoder": self.network.encoder}
    return {**found, **objectives.parts(self.objective)}

  def terms(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    del step
    x, _ = batch
    mean, log_variance = self.network.posterior(x)
    noise = tf.random.stateless_normal(tf.shape(mean), seed)
    x_hat = self.network.decode(mean + tf.exp(0.5 * log_variance) * noise, 0.0)
    distortion = tf.reduce_mean(self.objective(x, x_hat))
    kl = tf.reduce_mean(divergences.normal_to_standard(mean, log_variance))
    return {
      "loss": distortion + self._beta * kl, "distortion": distortion, "kl": kl
    }  # fmt: skip

  def averaged(self) -> contextlib.AbstractContextManager[None]:
    """Does nothing, as there are no averaged weights."""
    return contextlib.nullcontext()
