"""What goes wrong with the posterior of a VAE, noticed and named."""

import keras
from absl import logging

MAX_NATS = 50.0
"""Of a latent; 72 bits tell apart more than float32 can."""


class PosteriorError(ArithmeticError):
  """The latents of a VAE carry more than numbers can hold."""


class PosteriorGuard(keras.callbacks.Callback):
  """Looks at the KL of a `tasks.variational.Variational` at every interval.

  Args:
    latent: Length of the latent vector.
    warmup: Steps before a collapse is spoken of.

  Attributes:
    collapsed: Whether at the end of the last interval no latent told anything
      of the images: the decoder then paints their mean.
  """

  def __init__(self, latent: int, *, warmup: int):
    super().__init__()
    self._latent, self._warmup = latent, warmup
    self.collapsed = False

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    step = int(self.model.optimizer.iterations.numpy())
    nats = logs["kl"] / self._latent
    if nats > MAX_NATS:
      raise PosteriorError(
        f"the posterior blew up: at step {step} the KL is {nats:.3g} nats per "
        f"latent, more than {MAX_NATS:g}. Train with a larger --beta, or a "
        "lower --learning_rate, in a new --out."
      )
    self.collapsed = step > self._warmup and logs["active_latents"] < 1
    if self.collapsed:
      logging.warning(
        "the posterior collapsed: at step %d no latent tells anything of the "
        "images (%.2g nats in all, beta %.3g). Train with a smaller --beta, "
        "--beta=auto, --kl_warmup or --free_nats in a new --out.",
        step,
        logs["kl"],
        logs["beta"],
      )
