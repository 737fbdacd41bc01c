"""The variational autoencoder of small square images."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.autoencoders.base import ImageAutoencoder


@base.register("vae")
class VAE(ImageAutoencoder):
  """A variational autoencoder: normals with diagonal covariance as latents.

  Input and output: float `[N, side, side, channels]` in [0, 1]; the output is
  float32 under every precision policy. A call decodes the mean of the latents.
  The prior is the standard normal.

  Args:
    side: Side of the images, 32 to 128 pixels.
    channels: Number of channels, 1 or 3.
    latent: Length of the latent vector z, at least 1.
    widths: Widths of the hidden layers from the image to the latents; the
      decoder has them in reverse.
    kind: Kind of the layers. `"convolutional"` has kernels of 4x4 and halves
      the sides at each layer; `"pooled"` has kernels of 3x3, a halving between
      layers and a fully connected layer; `"dense"` is fully connected.
    dense: Number of units of the fully connected layer of `"pooled"`, on both
      sides; else 0.
    brightness: Approximate value of pixels before training, in (0, 1). For dark
      pictures some losses do not converge from 0.5.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy, such as `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if an option is out of range, or an image has another shape.

  Source: Kingma, Welling, "Auto-encoding variational Bayes", 2014, section 3
  and appendix C.2.
  """

  def __init__(
    self,
    *,
    side: int = 32,
    channels: int = 1,
    latent: int = 16,
    widths: Sequence[int] = (32, 64, 128),
    kind: str = "convolutional",
    dense: int = 0,
    brightness: float = 0.5,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "vae",
  ):
    super().__init__(
      side=side,
      channels=channels,
      code=latent,
      widths=widths,
      kind=kind,
      dense=dense,
      output="sigmoid",
      units=2,
      brightness=brightness,
      seed=seed,
      dtype=dtype,
      name=name,
    )

  @property
  def latent(self) -> int:
    """Length of the latent vector."""
    return self._config["code"]

  def encode(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and log variance of q(z|x), each float32 `[N, latent]`."""
    mean, log_variance = tf.split(self.encoder(x), 2, axis=-1)
    return mean, log_variance

  def sample(self, count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns images of latents drawn from the prior.

    Args:
      count: Number of images, N.
      seed: Seed of the draw, int32 `[2]`; the same seed gives the same images.
    """
    shape = tf.stack([count, self.latent])
    return self.decode(tf.random.stateless_normal(shape, seed))

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.decode(self.encode(x)[0])

  def get_config(self) -> dict[str, Any]:
    config = super().get_config()
    del config["output"]
    return {"latent": config.pop("code"), **config}
