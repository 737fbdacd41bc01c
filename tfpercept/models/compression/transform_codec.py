"""The base of codec networks: two transforms and an entropy model."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import entropy_model as entropy
from tfpercept.models.compression import linear_path, modulation, transforms
from tfpercept.ops import checks

Quantizer = entropy.Quantizer
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
DEPTH = 3
"""Number of hidden layers of a transform, by default."""
Transforms = tuple[keras.layers.Layer, keras.layers.Layer]
"""An analysis and a synthesis."""


class Coded(NamedTuple):
  """Bits and reconstructions of pictures.

  Attributes:
    bits: Estimated bits of each picture, `[N]`, by the name of the latents.
    x_hat: Reconstructions `[N, H, W, 3]`, not clipped.
  """

  bits: dict[str, tf.Tensor]
  x_hat: tf.Tensor


class TransformCodec(keras.Model):
  """Base of networks that code pictures by quantized latents.

  A codec network is composed of an analysis transform, a synthesis transform
  and an entropy model. The entropy model states what a codec needs to know of
  it; subclasses choose it, and have nothing else of their own.

  Input: float32 `[N, H, W, 3]` in [0, 1], sides multiples of `stride`.

  One network serves all qualities from 1 to `levels`, whole or not. The quality
  scales latents before they are rounded, channel by channel, and back
  afterwards; it also modulates the transforms. Lambda, the weight of distortion
  beside rate, grows geometrically with the quality. A network of one level
  serves one lambda.

  Args:
    widths: Numbers of hidden channels of the transforms, from pictures to
      latents.
    latents: Number of channels of the latents.
    blocks: Number of residual blocks of each transform.
    levels: Largest quality; None for a network that has one rate and no such
      option.
    lmbda: Weights of squared errors of 8-bit values at the smallest and the
      largest quality; a network of one level is for their geometric mean.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name; the registered name by default.
    entropy_model: Function that makes the entropy model, called with the number
      of latents, `levels` and `options`.
    options: Arguments of the entropy model, whole numbers or lists of them,
      which are part of the network's config.
    transforms_of: Function that makes the transforms, called as
      `transforms.pair`.
    depth: Number of widths that the transforms have.

  Attributes:
    analysis: Analysis transform.
    synthesis: Synthesis transform.
    entropy_model: Entropy model.
    levels: Largest quality.
    deviation: Standard deviations of latents that are not scaled, `[latents]`.

  Raises:
    ValueError: if an option is out of range.

  Source: Ballé et al., "Nonlinear transform coding", 2020, section II; gains:
  Cui et al., "Asymmetric gained deep image compression with continuous rate
  adaptation", 2021, section 3.
  """

  built: bool
  sizes: Mapping[str, Mapping[str, Any]] = SIZES
  """Arguments of networks of some sizes, by name."""

  def __init__(
    self,
    *,
    widths: Sequence[int],
    latents: int,
    blocks: int,
    levels: int | None,
    lmbda: Sequence[float],
    dtype: str | None,
    name: str | None,
    entropy_model: Callable[..., entropy.EntropyModel],
    options: Mapping[str, int | Sequence[int]] | None = None,
    transforms_of: Callable[..., Transforms] = transforms.pair,
    depth: int = DEPTH,
  ):
    super().__init__(
      name=name or self.registered_name, dtype="float32", autocast=False
    )
    _require_widths(self.name, widths, depth)
    self._config = _checked(
      self.name, widths, latents, blocks, options or {}, levels, lmbda
    )
    self.levels = self._config.get("levels", 1)
    self.analysis, self.synthesis = transforms_of(
      self._config["widths"],
      latents,
      blocks=blocks,
      levels=self.levels,
      dtype=dtype,
    )
    # How gains differ from what lambda says, as logarithms.
    self._gain, self._inverse = (
      self.add_weight(
        name=name, shape=(self.levels, latents), initializer="zeros"
      )
      for name in ("log_gain", "log_inverse")
    )
    self.deviation = self.add_weight(
      name="deviation", shape=(latents,), initializer="ones", trainable=False
    )
    self.entropy_model = entropy_model(
      latents, levels=self.levels, **(options or {})
    )
    # Tracked here and not through the entropy model, which Keras does not see:
    # so the keys of checkpoints and the order of weights are those of the first
    # networks, whose parts these were.
    for name, layer in self.entropy_model.layers.items():
      setattr(self, name, layer)

  def build(self, input_shape: tf.TensorShape | None = None) -> None:
    if not self.built:
      with tf.name_scope(self.name):
        one = tf.ones([1])
        y = self.analysis(tf.zeros([1, self.stride, self.stride, 3]), one)
        self.entropy_model.build(y, one, self._scaling(one))
        self.synthesis(y, y, one)
      self.built = True

  def get_build_config(self) -> dict[str, Any]:
    # Else Keras does not build what it loads, and has no weights to load into.
    return {"input_shape": (None, None, None, 3)}

  @property
  def stride(self) -> int:
    """Sides of pictures are multiples of this."""
    return transforms.STRIDE * self.entropy_model.ratio

  @property
  def halo(self) -> int:
    """Most latents beyond its own that a pixel of the synthesis sees.

    A latent of the analysis sees so many times 16 pixels.
    """
    return transforms.HALO + self._config["blocks"]

  @property
  def ends(self) -> tuple[float, float]:
    """Lambda of the smallest and of the largest quality."""
    return tuple(self._config["lmbda"])

  @property
  def gains(self) -> tuple[tf.Variable, tf.Variable]:
    """Natural logarithms of gains beyond lambda's share, `[levels, latents]`.

    The first are those before rounding, the second those after it.
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
      blocks: Some thousands of blocks, float `[K, 16, 16, 3]` in [0, 1].
    """
    deviations = linear_path.start(
      self.analysis, self.synthesis, blocks, self.starting_step
    )
    self.deviation.assign(deviations)
    self.entropy_model.start(deviations)

  def log_gains(self, quality: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns logarithms of the gains before and after rounding.

    Each is float32 `[N, 1, 1, latents]`, linear between whole qualities.
    """
    lmbda = lambda_of(quality, self.ends, self.levels)
    # A quantizer of step d errs by d^2/12, and a bit more halves d, so at the
    # best step d^2 is in inverse proportion to lambda: half its logarithm is
    # that of the gain. Training only learns what differs from this.
    even = 0.5 * tf.math.log(lmbda / self.reference_lmbda)
    even = even[:, None, None, None]
    return (
      even + modulation.between(self._gain, quality),
      modulation.between(self._inverse, quality) - even,
    )

  def _scaling(self, quality: tf.Tensor) -> entropy.Scaling:
    return entropy.Scaling(self.deviation, self.log_gains(quality)[0])

  def hyper_latents(self, y: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    """Returns the side information, as `EntropyModel.side_information` does.

    Args:
      y: Latents, not scaled, float32 `[N, h, w, latents]`.
      quality: Qualities, float32 `[N]`.
    """
    scaling = self._scaling(quality)
    return self.entropy_model.side_information(y, quality, scaling)

  def call(
    self, x: tf.Tensor, quality: tf.Tensor, quantizer: Quantizer
  ) -> Coded:
    """Codes pictures without bytes.

    Args:
      x: Pictures, float32 `[N, H, W, 3]` in [0, 1].
      quality: Qualities, float32 `[N]`.
      quantizer: Function that rounds.

    Raises:
      ValueError: if sides are known and are no multiples of `stride`.
    """
    if any(side is not None and side % self.stride for side in x.shape[1:3]):
      raise ValueError(
        f"{self.name} codes pictures whose sides are multiples of "
        f"{self.stride}; got {tuple(x.shape)}. Pad them, as the codec does"
      )
    bits, y_hat = self.code(self.analysis(x, quality), quality, quantizer)
    return Coded(bits, self.reconstruct(y_hat, quality))

  def code(
    self, y: tf.Tensor, quality: tf.Tensor, quantizer: Quantizer
  ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Codes latents without bytes.

    Args:
      y: Latents, not scaled, float32 `[N, h, w, latents]`.
      quality: Qualities, float32 `[N]`.
      quantizer: Function that rounds.

    Returns:
      Estimated bits of each picture, `[N]`, by the name of the latents, and
      decoded latents, not scaled, of the shape of `y`.
    """
    log_gain, log_inverse = self.log_gains(quality)
    bits, y_hat = self.entropy_model.code(
      y, quality, entropy.Scaling(self.deviation, log_gain), quantizer
    )
    return dict(bits), y_hat * tf.exp(log_inverse)

  def reconstruct(self, y_hat: tf.Tensor, quality: tf.Tensor) -> tf.Tensor:
    """Returns float32 pictures of latents that are not scaled."""
    return self.synthesis(y_hat, y_hat / self.deviation, quality)

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


def names() -> tuple[str, ...]:
  """Returns the registered names of all codec networks, sorted."""
  return tuple(
    name for name in base.MODELS.names() if _is_codec(base.MODELS.get(name))
  )


def _is_codec(network: Any) -> bool:
  return issubclass(network, TransformCodec)


def _checked(
  name: str,
  widths: Sequence[int],
  latents: int,
  blocks: int,
  options: Mapping[str, int | Sequence[int]],
  levels: int | None,
  lmbda: Sequence[float],
) -> dict[str, Any]:
  """Returns the config of a network, in plain numbers.

  Raises:
    ValueError: if an option is out of range.
  """
  widths = list(widths)
  parts = {k: np.atleast_1d(value).tolist() for k, value in options.items()}
  rates = {} if levels is None else {"levels": levels}
  whole = [*widths, latents, *rates.values()]
  whole += itertools.chain(*parts.values())
  if not all(checks.is_whole(n) and n >= 1 for n in whole):
    raise ValueError(
      f"{name} needs widths and whole numbers above 0; got "
      f"widths={widths}, latents={latents}, {rates | dict(options)}"
    )
  if not checks.is_whole(blocks) or not 0 <= blocks <= MOST_BLOCKS:
    raise ValueError(
      f"{name} has 0 to {MOST_BLOCKS} residual blocks; got {blocks}"
    )
  return {
    "widths": [int(width) for width in widths],
    "latents": int(latents),
    "blocks": int(blocks),
    **{k: v if np.ndim(options[k]) else v[0] for k, v in parts.items()},
    **{key: int(value) for key, value in rates.items()},
    "lmbda": _rising(lmbda),
    "name": name,
  }


def _require_widths(name: str, widths: Sequence[int], depth: int) -> None:
  if len(list(widths)) != depth:
    raise ValueError(f"{name} needs {depth} widths; got {list(widths)}")


def _rising(lmbda: Sequence[float]) -> list[float]:
  """Returns lambda at both ends; raises ValueError if they are none."""
  ends = [float(end) for end in lmbda]
  if len(ends) != 2 or not 0 < ends[0] <= ends[1]:
    raise ValueError(
      f"lmbda is two numbers above 0, the smaller one first; got {ends}"
    )
  return ends
