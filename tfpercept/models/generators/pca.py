"""The linear generator: principal components of pictures."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models import base as networks
from tfpercept.models.generators import base

_OVERSAMPLED = 16  # directions more than components, for accuracy
_POWERS = 3


class Basis(keras.layers.Layer):
  """A mean picture, and orthonormal directions of decreasing variance.

  Args:
    shape: Height, width and channels of a picture.
    count: Number of directions.
    name: Keras layer name.
  """

  def __init__(self, shape: Sequence[int], count: int, *, name: str = "basis"):
    super().__init__(name=name, dtype="float32", trainable=False)
    self._picture = tuple(shape)
    size = int(np.prod(self._picture))
    self.mean = self.add_weight("mean", (size,), initializer="zeros")
    self.directions = self.add_weight(
      "directions", (count, size), initializer="zeros"
    )
    self.deviations = self.add_weight(
      "deviations", (count,), initializer="ones"
    )
    self.built = True

  def project(self, x: tf.Tensor) -> tf.Tensor:
    """Returns float32 `[N, count]`, coefficients of pictures `[N, H, W, C]`.

    Raises:
      ValueError: if the pictures have another size or other channels.
    """
    if not tf.TensorShape(x.shape[1:]).is_compatible_with(self._picture):
      raise ValueError(
        f"{self.name} is of pictures [N, {', '.join(map(str, self._picture))}];"
        f" got {tuple(x.shape)}"
      )
    flat = tf.reshape(tf.cast(x, tf.float32), [-1, self.mean.shape[0]])
    return tf.matmul(flat - self.mean, self.directions, transpose_b=True)

  def expand(self, c: tf.Tensor) -> tf.Tensor:
    """Returns float32 `[N, H, W, C]`, pictures of coefficients `[N, count]`."""
    flat = self.mean + tf.matmul(tf.cast(c, tf.float32), self.directions)
    return tf.reshape(flat, [-1, *self._picture])

  def fit(self, images: np.ndarray, *, seed: int = 0) -> None:
    """Takes mean and principal components of pictures.

    Args:
      images: Pictures, uint8 `[N, H, W, C]`, more than there are directions.
      seed: Seed of the random start.

    Raises:
      ValueError: if there are too few pictures.
    """
    mean, directions, deviations = components(
      images, self.deviations.shape[0], seed=seed
    )
    self.set_weights([mean, directions, deviations])


def components(
  images: np.ndarray, count: int, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns mean `[P]`, directions `[count, P]` and deviations `[count]`.

  Args:
    images: Pictures, uint8 `[N, H, W, C]`, with N above `count`.
    count: Number of components, below the number P of samples of a picture.
    seed: Seed of the random start.

  Raises:
    ValueError: if there are too few pictures or samples.

  Source: Halko, Martinsson, Tropp, "Finding structure with randomness", 2011,
  algorithms 4.4 and 5.1.
  """
  x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
  if not 1 <= count < min(x.shape):
    raise ValueError(
      f"{count} principal components need more pictures, and pictures of more "
      f"samples; got {x.shape[0]} of {x.shape[1]}"
    )
  mean = x.mean(axis=0)
  x -= mean
  width = min(count + _OVERSAMPLED, *x.shape)
  rng = np.random.default_rng(seed)
  range_ = x @ rng.standard_normal((x.shape[1], width), dtype=np.float32)
  for _ in range(_POWERS):
    range_ = x.T @ np.linalg.qr(range_)[0]
    range_ = x @ np.linalg.qr(range_)[0]
  q = np.linalg.qr(range_)[0]
  _, values, directions = np.linalg.svd(q.T @ x, full_matrices=False)
  deviations = values[:count] / np.sqrt(len(x))
  return mean, directions[:count], np.maximum(deviations, 1e-6)


@networks.register("pca")
class PCA(base.LatentGenerator):
  """Pictures from coefficients of their principal components.

  With faces these are eigenfaces, and the transform is the Karhunen-Loeve
  transform. It is the honest baseline of generators as codecs: no training but
  a singular value decomposition, and coefficients in one pass.

  Args:
    side: Side of the pictures: 32, 64 or 128 pixels.
    channels: Number of channels, 1 or 3.
    latent: Number of components.
    steps: Quantizer steps of a codec in units of pixels, coarsest first.
    dtype: Accepted as by other networks; the arithmetic is float32.
    name: Keras model name.

  Raises:
    ValueError: if an argument is out of range.

  Source: Turk, Pentland, "Eigenfaces for recognition", 1991, section 2.
  """

  def __init__(
    self,
    *,
    side: int = 64,
    channels: int = 3,
    latent: int = 192,
    steps: Sequence[float] = base.STEPS,
    dtype: str | None = None,
    name: str = "pca",
  ):
    del dtype
    config = base.check(
      "pca", side=side, channels=channels, latent=latent, steps=steps
    )
    super().__init__(config, name=name)
    self.basis = Basis(self.image_shape, latent)
    self.build()

  @property
  def deviations(self) -> tf.Tensor:
    return tf.convert_to_tensor(self.basis.deviations)

  def decode(
    self, z: tf.Tensor, step: float | tf.Tensor, *, training: bool = False
  ) -> tf.Tensor:
    del step, training  # it makes no difference
    return self.basis.expand(z)

  def encode(self, x: tf.Tensor) -> tf.Tensor:
    return self.basis.project(x)
