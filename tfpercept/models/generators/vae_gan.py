"""A GAN's generator with the encoder of a VAE."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models import base as networks
from tfpercept.models.generators import base, dcgan
from tfpercept.ops import checks

_KERNEL = 4
_SLOPE = 0.2


@networks.register("vae_gan")
class VAEGAN(base.LatentGenerator):
  """A DCGAN that stays as it is, and an encoder that learns to invert it.

  So a codec finds a latent in one pass. The encoder gives mean and log variance
  of a normal; `encode` returns the mean. Its convolutions of 4x4 halve the
  side each, with leaky ReLUs.

  Input and output are those of `DCGAN`.

  Args:
    side: Side of the pictures: 32, 64 or 128 pixels.
    channels: Number of channels, 1 or 3.
    latent: Length of the latent vector z.
    widths: Channels of the generator, as of `DCGAN`.
    encoder_widths: Channels of the encoder, from the picture on.
    steps: Quantizer steps of a codec, coarsest first.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy, such as `"mixed_bfloat16"`.
    name: Keras model name.

  Raises:
    ValueError: if an argument is out of range.

  Source: Santurkar, Budden, Shavit, "Generative compression", 2018, section 3.
  """

  def __init__(
    self,
    *,
    side: int = 64,
    channels: int = 3,
    latent: int = 100,
    widths: Sequence[int] = (256, 128, 64, 32),
    encoder_widths: Sequence[int] = (32, 64, 128),
    steps: Sequence[float] = dcgan.STEPS,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "vae_gan",
  ):
    shape: dict[str, Any] = {
      "side": side,
      "channels": channels,
      "latent": latent,
    }
    config = base.check("vae_gan", **shape, steps=steps)
    found = [int(w) for w in encoder_widths if checks.is_whole(w) and w > 0]
    if (
      not found or len(found) != len(encoder_widths) or (side % 2 ** len(found))
    ):
      raise ValueError(
        f"vae_gan needs widths above 0 of layers that halve {side} pixels; got "
        f"encoder_widths={list(encoder_widths)}"
      )
    config |= {"widths": [*map(int, widths)], "encoder_widths": found}
    super().__init__({**config, "seed": seed}, name=name)
    self.decoder = dcgan.DCGAN(
      **shape, widths=widths, steps=steps, seed=seed, dtype=dtype
    )
    layers: list[Any] = [keras.Input(self.image_shape)]
    for number, width in enumerate(found, 1):
      layers.append(
        keras.layers.Conv2D(
          width, _KERNEL, strides=2, padding="same", dtype=dtype,
          kernel_initializer=keras.initializers.HeNormal(seed=seed + number),
        )
      )  # fmt: skip
      layers.append(keras.layers.LeakyReLU(_SLOPE, dtype=dtype))
    layers.append(keras.layers.Flatten(dtype="float32"))
    layers.append(
      keras.layers.Dense(
        2 * latent, dtype="float32",
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
      )
    )  # fmt: skip
    self.encoder = keras.Sequential(layers, name="encoder")
    self.build()

  @property
  def deviations(self) -> tf.Tensor:
    return self.decoder.deviations

  def decode(
    self, z: tf.Tensor, step: float | tf.Tensor, *, training: bool = False
  ) -> tf.Tensor:
    del training  # the generator is trained no more
    return self.decoder.decode(z, step)

  def encode(self, x: tf.Tensor) -> tf.Tensor:
    return self.posterior(x)[0]

  def posterior(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and log variance of latents, each float32 `[N, latent]`."""
    mean, log_variance = tf.split(
      self.encoder(2.0 * tf.cast(x, tf.float32) - 1.0), 2, axis=-1
    )
    return mean, log_variance
