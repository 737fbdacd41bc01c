"""What goes wrong with the posterior of a VAE, noticed and named."""

import keras
import tensorflow as tf
from absl import logging

from tfpercept import models
from tfpercept.ops import divergences
from tfpercept.tasks import variational

MAX_NATS = 50.0
"""Of a latent; 72 bits tell apart more than float32 can."""


class PosteriorError(ArithmeticError):
  """The latents of a VAE carry more than numbers can hold."""


def is_collapsed(network: models.VAE, x: tf.Tensor) -> bool:
  """Whether no latent tells anything of a batch of images.

  The decoder then paints their mean whatever the latents are.
  """
  kl = divergences.normal_to_standard(*network.encode(x))
  active = tf.reduce_mean(kl, axis=0) > variational.ACTIVE_NATS
  return not bool(tf.reduce_any(active))


class Guard(keras.callbacks.Callback):
  """Looks at the KL of a `tasks.variational.Variational` at every interval.

  Args:
    latent: Length of the latent vector.
    warmup: Steps before a collapse is spoken of.
  """

  def __init__(self, latent: int, *, warmup: int):
    super().__init__()
    self._latent, self._warmup = latent, warmup

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    step = int(self.model.optimizer.iterations.numpy())
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
