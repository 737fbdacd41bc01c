"""Variational autoencoders under any distance."""

import math
from typing import Any

import keras
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.ops import divergences
from tfpercept.tasks import base, objectives

ACTIVE_NATS = 0.01
"""A latent whose mean KL over a batch is below this tells nothing."""
_RATE = 0.03  # of the logarithm of beta a step, while KL is off by as much
_FIRST = 1e-2  # of what a nat would cost if the KL were all of the distortion
_SETTLING = 2 / 3  # share of a calibration before beta counts


class Balance(keras.layers.Layer):
  """The weight of the KL, moved so that the KL comes to a target.

  Each step changes the logarithm of beta in proportion to how far the KL is
  off, relative to the target, at most by the target itself. After a settling
  time of two thirds, beta's geometric mean over the steps that are left is the
  outcome.

  Args:
    nats_per_latent: The target in nats, above 0.
    steps: The number of steps of the calibration, 1 or more.

  Raises:
    ValueError: if the target or the number of steps is not above 0.

  Source: the multiplier method of Rezende, Viola, "Taming VAEs", 2018, section
  3, with the constraint on the KL and not on the reconstruction.
  """

  def __init__(self, *, nats_per_latent: float, steps: int):
    if not nats_per_latent > 0 or steps < 1:
      raise ValueError(
        "a balance needs a target and steps above 0; got "
        f"nats_per_latent={nats_per_latent}, steps={steps}"
      )
    super().__init__(name="balance", dtype="float32")
    self.nats_per_latent, self.steps = float(nats_per_latent), int(steps)
    self._log_beta, self._total, self._nats, self._count = (
      self.add_weight(
        name=name,
        initializer="zeros",
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
      )
      for name in ("log_beta", "total", "nats", "count")
    )

  @property
  def outcome(self) -> tuple[float, float]:
    """Beta, and the nats per latent under it, once the calibration is over."""
    count = tf.maximum(self._count, 1.0)
    return float(tf.exp(self._total / count)), float(self._nats / count)

  def start(self, distortion: float, latent: int) -> None:
    """Sets the beta of the first step, low enough for latents to be used.

    A decoder that has learned to do without them does not come back to them.

    Args:
      distortion: The objective before training.
      latent: Number of latents.
    """
    fair = distortion / (self.nats_per_latent * latent)
    self._log_beta.assign(math.log(_FIRST * fair))

  def beta(self) -> tf.Tensor:
    """Returns the weight that is to be used in this step."""
    return tf.exp(self._log_beta)

  def move(self, kl_per_latent: tf.Tensor, step: tf.Tensor) -> None:
    """Moves beta after a step, whose mean KL is given in nats per latent."""
    error = kl_per_latent / self.nats_per_latent - 1.0
    self._log_beta.assign_add(_RATE * tf.clip_by_value(error, -1.0, 1.0))
    first = min(_SETTLING * self.steps, self.steps - 1)  # one step, at least
    is_settled = tf.cast(step, tf.float32) >= first
    counts = tf.cast(is_settled, tf.float32)
    self._total.assign_add(counts * self._log_beta)
    self._nats.assign_add(counts * kl_per_latent)
    self._count.assign_add(counts)


class Variational(base.Task):
  """Trains a VAE on the distance of its reconstructions plus weighted KL.

  For an image x, z drawn from q(z|x) and its reconstruction x_hat it is

      loss = distance(x, x_hat) + beta * w(step) * KL(q(z|x) || p(z)),

  averaged over the batch. With free nats, each latent's KL, averaged over the
  batch, counts as `max(KL, free_nats)`. The distance is the value per image
  that it returns: a mean over pixels for `mse`, a sum over blocks for Watson.
  The KL is in nats an image, summed over latents. So beta is what a nat costs
  in units of the distance; with `0.5 / variance * mse * pixels` as a Gaussian
  likelihood it would be 1.

  A batch is `(x, x)`; its terms are `loss`, `distortion`, `kl`, `beta` (with
  its warm-up) and `active_latents` (whose KL is above `ACTIVE_NATS`).

  Args:
    network: The VAE that is trained.
    objective: The distance of reconstructions.
    beta: Weight of the KL, or a `Balance` that looks for it.
    warmup: Steps over which w grows from 0 to 1 linearly; with a `Balance` it
      is not used.
    free_nats: Least KL of a latent, in nats, that is counted. What is below it
      is not penalized.
    seed: The seed of the noise, which follows from it and the step alone.

  Raises:
    ValueError: if a number is out of range.

  Source: Kingma, Welling, 2014, eq. 10; beta: Higgins et al., "beta-VAE", 2017,
  eq. 4; warm-up: Sonderby et al., "Ladder variational autoencoders", 2016,
  section 2.2; free nats: Kingma et al., "Improving variational inference with
  inverse autoregressive flow", 2016, eq. 15, a latent for a group.
  """

  def __init__(
    self,
    network: models.VAE,
    objective: distances.Distance,
    *,
    beta: float | Balance,
    warmup: int = 0,
    free_nats: float = 0.0,
    seed: int = 0,
  ):
    if not isinstance(beta, Balance) and not beta >= 0:
      raise ValueError(f"beta is 0 or more; got {beta}")
    if warmup < 0 or free_nats < 0:
      raise ValueError(
        f"warmup and free_nats are 0 or more; got {warmup}, {free_nats}"
      )
    super().__init__("variational", seed=seed)
    self.network = network
    self.objective = objective
    self.balance = beta if isinstance(beta, Balance) else None
    self._beta = beta
    self._warmup, self._free_nats = warmup, free_nats

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.network(x, training=training)

  def parts(self) -> dict[str, Any]:
    found = {"network": self.network, **objectives.parts(self.objective)}
    if self.balance is not None:
      found["balance"] = self.balance
    return found

  def terms(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    x, _ = batch
    beta = self._weight(step)
    mean, log_variance = self.network.encode(x)
    noise = tf.random.stateless_normal(tf.shape(mean), seed)
    x_hat = self.network.decode(mean + tf.exp(0.5 * log_variance) * noise)
    kl = tf.reduce_mean(
      divergences.normal_to_standard(mean, log_variance), axis=0
    )  # [latents]
    distortion = tf.reduce_mean(self.objective(x, x_hat))
    costly = tf.reduce_sum(tf.maximum(kl, self._free_nats))
    is_active = tf.cast(kl > ACTIVE_NATS, tf.float32)
    return {
      "loss": distortion + beta * costly,
      "distortion": distortion,
      "kl": tf.reduce_sum(kl),
      "active_latents": tf.reduce_sum(is_active),
      "beta": beta,
    }

  def after_update(self, terms: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    if self.balance is not None:
      self.balance.move(terms["kl"] / self.network.latent, step)

  def _weight(self, step: tf.Tensor) -> tf.Tensor:
    if self.balance is not None:
      return self.balance.beta()
    share = (tf.cast(step, tf.float32) + 1.0) / (self._warmup + 1.0)
    return self._beta * tf.minimum(share, 1.0)
