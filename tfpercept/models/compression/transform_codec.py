"""What learned codecs have in common: transforms, gains, one net, all rates."""

import abc
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models.compression import modulation, transforms
from tfpercept.ops import checks

Quantiser = Callable[[tf.Tensor, int], tuple[tf.Tensor, tf.Tensor]]
"""Called with latents and a number that tells calls apart, returns those whose
bits are counted and those that are decoded."""
SIZES = {
  "tiny": {
    "widths": (48, 64, 96), "latents": 192,
    "hyper_width": 96, "hyper_latents": 64,
  },
  "base": {
    "widths": (128, 128, 128), "latents": 192,
    "hyper_width": 128, "hyper_latents": 128,
  },
  "large": {
    "widths": (192, 192, 192), "latents": 320,
    "hyper_width": 192, "hyper_latents": 192,
  },
}  # fmt: skip
"""Channels: ours for two processor cores; those published for low and middle
rates (Ballé et al., 2018), and those for high ones (Minnen et al., 2018)."""
RATES = (0.0006, 0.06)
"""Lambda of the smallest and of the largest quality, by default."""
LEVELS = 8
"""Number of whole qualities, by default."""
BLOCKS = 2
"""Number of residual blocks of each transform, by default."""
MOST_BLOCKS = 16


class Coded(NamedTuple):
  """What a network makes of pictures.

  Attributes:
    bits: Estimated bits of each picture, by the name of the latents, `[N]`.
    x_hat: Reconstructions `[N, H, W, 3]`, not clipped.
  """

  bits: dict[str, tf.Tensor]
  x_hat: tf.Tensor


class TransformCodec(keras.Model, abc.ABC):
  """Base of networks that code pictures by rounded latents.

  Input: float32 `[N, H, W, 3]` in [0, 1], sides multiples of `stride`.

  One network serves all qualities from 1 to `levels`, whole or not. The quality
  scales latents before they are rounded, channel by channel, and back
  afterwards; it also modulates the transforms. Lambda, what distortion weighs
  beside rate, grows geometrically with the quality. A network of one level
  serves one lambda.

  Args:
    widths: Hidden channels of the transforms, from pictures to latents: three.
    latents: Channels of the latents.
    blocks: Number of residual blocks of each transform.
    levels: Largest quality.
    lmbda: Of squared errors of 8-bit values, at the smallest and the largest
      quality; their geometric mean where there is one level.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.
    **config: What else `get_config` returns.

  Raises:
    ValueError: if an option is out of range.

  Source: Ballé et al., "Nonlinear transform coding", 2020, section II; gains:
  Cui et al., "Asymmetric gained deep image compression with continuous rate
  adaptation", 2021, section 3.
  """

  stride = transforms.STRIDE
  """Sides of pictures are multiples of this."""

  def __init__(
    self,
    *,
    widths: Sequence[int],
    latents: int,
    blocks: int,
    levels: int,
    lmbda: Sequence[float],
    dtype: str | None,
    name: str,
    **config: int | Sequence[int],
  ):
    super().__init__(name=name)
    widths, ends = list(widths), list(lmbda)
    parts = {k: np.atleast_1d(value).tolist() for k, value in config.items()}
    whole = [*widths, latents, levels, *itertools.chain(*parts.values())]
    if not all(checks.is_whole(n) and n >= 1 for n in whole) or (
      len(widths) != 3
    ):
      raise ValueError(
        f"{name} needs three widths and whole numbers above 0; got "
        f"widths={widths}, latents={latents}, levels={levels}, {config}"
      )
    if not checks.is_whole(blocks) or not 0 <= blocks <= MOST_BLOCKS:
      raise ValueError(
        f"{name} has 0 to {MOST_BLOCKS} residual blocks; got {blocks}"
      )
    if len(ends) != 2 or not 0 < ends[0] <= ends[1]:
      raise ValueError(
        f"lmbda is two numbers above 0, the smaller one first; got {ends}"
      )
    self._config = {
      "widths": [int(width) for width in widths],
      "latents": int(latents),
      "blocks": int(blocks),
      **{k: v if np.ndim(config[k]) else v[0] for k, v in parts.items()},
      "levels": int(levels),
      "lmbda": [float(end) for end in ends],
      "name": name,
    }
    self.levels = int(levels)
    options = {"blocks": blocks, "levels": self.levels, "dtype": dtype}
    self.analysis = transforms.Analysis(widths, latents, **options)
    self.synthesis = transforms.Synthesis(widths[::-1], **options)
    # How gains differ from what lambda says, as logarithms.
    self._gain, self._inverse = (
      self.add_weight(name=name, shape=(levels, latents), initializer="zeros")
      for name in ("log_gain", "log_inverse")
    )
    self.deviation = self.add_weight(
      name="deviation", shape=(latents,), initializer="ones", trainable=False
    )

  @abc.abstractmethod
  def code_latents(
    self, y: tf.Tensor, quality: tf.Tensor, quantiser: Quantiser
  ) -> tuple[Mapping[str, tf.Tensor], tf.Tensor]:
    """Returns the bits of each picture by name, and the decoded latents.

    Args:
      y: Float32 `[N, h, w, latents]`, not scaled.
      quality: `[N]`.
      quantiser: Rounds.

    Returns:
      `[N]` each, and `[N, h, w, latents]`, scaled.
    """

  @abc.abstractmethod
  def build_coding(self, y: tf.Tensor, quality: tf.Tensor) -> None:
    """Makes the weights of what codes latents.

    Args:
      y: Any latents.
      quality: Any.
    """

  @abc.abstractmethod
  def start_coding(self, deviations: np.ndarray) -> None:
    """Starts what codes latents from their deviations `[latents]`."""

  def build(self, input_shape=None) -> None:
    if not self.built:
      with tf.name_scope(self.name):
        one = tf.ones([1])
        y = self.analysis(tf.zeros([1, self.stride, self.stride, 3]), one)
        self.build_coding(y, one)
        self.synthesis(y, y, one)
      self.built = True

  @property
  def halo(self) -> int:
    """How many latents beyond its own a pixel sees, at most.

    A latent sees so many times 16 pixels.
    """
    return transforms.HALO + self._config["blocks"]

  @property
  def ends(self) -> tuple[float, float]:
    """Lambda of the smallest and of the largest quality."""
    return tuple(self._config["lmbda"])

  @property
  def gains(self) -> tuple[tf.Variable, tf.Variable]:
    """Tables `[levels, latents]` of what gains have beyond lambda's share.

    Natural logarithms; the first before rounding, the second after it.
    """
    return self._gain, self._inverse

  @property
  def reference_lmbda(self) -> float:
    """The lambda at which a latent's best step is 1."""
    low, high = self.ends
    return math.sqrt(low * high)

  @property
  def starting_step(self) -> float:
    """Step of latents before training, in pixel values in [0, 1].

    There rate and distortion of a uniform quantizer balance at the reference
    lambda.
    """
    return math.sqrt(18.0 / (self.reference_lmbda * math.log(2.0))) / 255.0

  def start(self, blocks: np.ndarray) -> None:
    """Starts near the Karhunen-Loève transform of blocks of pictures.

    Args:
      blocks: Float `[K, 16, 16, 3]` in [0, 1], some thousands.
    """
    deviations = transforms.start(
      self.analysis, self.synthesis, blocks, self.starting_step
    )
    self.deviation.assign(deviations)
    self.start_coding(deviations)

  def log_gains(self, quality: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logarithms of the gains before and after rounding.

    Each is float32 `[N, 1, 1, latents]`, linear between whole qualities.
    """
    lmbda = lambda_of(quality, self.ends, self.levels)
    even = 0.5 * tf.math.log(lmbda / self.reference_lmbda)
    even = even[:, None, None, None]
    return (
      even + modulation.between(self._gain, quality),
      modulation.between(self._inverse, quality) - even,
    )

  def normalised(self, y: tf.Tensor) -> tf.Tensor:
    """Returns latents in units of their deviations."""
    return y / self.deviation

  def call(
    self, x: tf.Tensor, quality: tf.Tensor, quantiser: Quantiser
  ) -> Coded:
    """Codes pictures without bytes.

    Args:
      x: Float32 `[N, H, W, 3]` in [0, 1].
      quality: Float32 `[N]`.
      quantiser: Rounds.
    """
    y = self.analysis(x, quality)
    bits, y_hat = self.code_latents(y, quality, quantiser)
    _, log_inverse = self.log_gains(quality)
    x_hat = self.reconstruct(y_hat * tf.exp(log_inverse), quality)
    return Coded(dict(bits), x_hat)

  def reconstruct(self, y_hat: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    """Returns float32 pictures of latents that are not scaled."""
    return self.synthesis(y_hat, self.normalised(y_hat), quality)

  def get_config(self) -> dict[str, Any]:
    # Keras wraps lists that are attributes in a class of its own.
    return {
      key: list(value) if isinstance(value, list) else value
      for key, value in self._config.items()
    }


def lambda_of(
  quality: tf.Tensor, ends: Sequence[float], levels: int
) -> tf.Tensor:
  """Returns lambda at qualities, geometric between its ends."""
  low, high = ends
  if levels == 1:
    return math.sqrt(low * high) * tf.ones_like(quality)
  return low * tf.pow(high / low, (quality - 1.0) / (levels - 1.0))


def unit_of(objective: str) -> float:
  """Returns what a distance of that spec is multiplied by beside lambda.

  Lambda of `mse` is of the squared errors of 8-bit values.
  """
  return 255.0**2 if objective == "mse" else 1.0


def per_picture(bits: tf.Tensor) -> tf.Tensor:
  """Sums bits `[N, ...]` to `[N]`."""
  return tf.reduce_sum(bits, axis=list(range(1, bits.shape.rank)))
