"""A posterior of a VAE that collapses or blows up, noticed and named."""

import keras
import tensorflow as tf
from absl import logging

from tfpercept import models
from tfpercept.ops import divergences
from tfpercept.tasks import variational

MAX_NATS = 50.0
"""Nats of a latent: these 72 bits tell apart more than float32 can."""
_DEAF = 1e-3  # of the variance of images over a batch


class PosteriorError(ArithmeticError):
  """The latents of a VAE carry more than numbers can hold."""


def is_collapsed(network: models.VAE, x: tf.Tensor) -> bool:
  """Whether reconstructions of a batch do not depend on its images.

  So it is when no latent tells anything of them, or when the decoder paints the
  same whatever the latents are.
  """
  mean, log_variance = network.encode(x)
  kl = tf.reduce_mean(divergences.normal_to_standard(mean, log_variance), 0)
  says_nothing = not bool(tf.reduce_any(kl > variational.ACTIVE_NATS))
  spread, spread_hat = (
    float(tf.reduce_mean(tf.math.reduce_variance(t, axis=0)))
    for t in (x, network.decode(mean))
  )
  return says_nothing or spread_hat < _DEAF * spread


class Guard(keras.callbacks.Callback):
  """Looks at the KL of a `tasks.variational.Variational` at every interval.

  It is one of the `guards` of `training.fit`.

  Args:
    latent: Length of the latent vector.
    warmup: Steps before a collapse is spoken of.
  """

  def __init__(self, latent: int, *, warmup: int):
    super().__init__()
    self._latent, self._warmup = latent, warmup

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    step = int(self.model.step.numpy())
    nats = logs["kl"] / self._latent
    if nats > MAX_NATS:
      raise PosteriorError(
        f"the posterior blew up: at step {step} the KL is {nats:.3g} nats per "
        f"latent, more than {MAX_NATS:g}. Train with a larger --beta, or a "
        "lower --learning_rate, in a new --out."
      )
    if step > self._warmup and logs["active_latents"] < 1:
      logging.warning(
        "the posterior collapsed: at step %d no latent tells anything of the "
        "images (%.2g nats in all, beta %.3g). Train with a smaller --beta, "
        "--beta=auto, --kl_warmup or --free_nats in a new --out.",
        step,
        logs["kl"],
        logs["beta"],
      )
