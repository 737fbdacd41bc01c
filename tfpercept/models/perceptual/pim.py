"""The network of PIM, which encodes images as distributions of a latent."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfpercept.models import base
from tfpercept.ops import checks, divergences, steerable

FRONT_ENDS = ("steerable", "laplacian", "single")
SCALES = 3
CHANNELS = 3  # channels of images, and of the output of each CNN
CONVOLUTIONS = 4  # convolutions of each CNN
KERNEL = 5

# Dtype of the CNNs and of all other parts, by the name of the Keras policy.
_DTYPES = {
  None: ("float32", "float32"),
  "float32": ("float32", "float32"),
  "float64": ("float64", "float64"),
  "mixed_bfloat16": ("bfloat16", "float32"),
}


class _Affine(NamedTuple):
  """Weights of a convolution or of a layer applied to each position."""

  kernel: Any
  bias: Any


class _Marginal(NamedTuple):
  """Weights of q(z|x) at one band."""

  base: list[_Affine]
  head: _Affine | None
  weights: list[_Affine]  # layers to the mixture weights; empty for M = 1


class _Joint(NamedTuple):
  """Weights of p(z|x, y) at one band."""

  base: list[_Affine]
  multiply: list[_Affine]
  add: list[_Affine]


@base.register("pim")
class PIMNetwork(keras.Model):
  """An encoder of images as distributions of a latent z.

  There is one distribution at each place of each band.

  Input: float `[N, H, W, 3]` in [0, 1], with sides of at least `min_size`
  pixels. An image is split into bands, and each band passes its own CNN
  (`features`). Each place of the result is encoded on its own: `marginal` gives
  q(z|x) from one image, and `joint` gives p(z|x, y) from two.

  Weights are in the order of the reference program: kernel and bias of the
  convolutions, band by band; of the marginal encoders (layers of the means,
  then of the components' weights), band by band; of the joint encoders (base,
  multiplying, adding layers), band by band.

  Args:
    mixtures: Number of components of each q(z|x): 1 in PIM-1, 5 in PIM-5.
    front_end: Transform that makes the bands: `"steerable"` (3 octaves of 2
      orientations, two residuals: 8 bands), `"laplacian"` (3 bands) or
      `"single"` (the image itself).
    width: Number of filters of the three hidden convolutions; three numbers if
      they differ.
    z_dim: Length of z.
    linear_head: If True, the means of q(z|x) pass a last, linear layer. As
      published they come from a ReLU: the reference program has the layer but
      never reaches it.
    train_joint: If True, p(z|x, y) is trained when the network is. A distance
      does not need it, since its value depends on q(z|x) only.
    seed: Seed of the initial weights.
    dtype: Precision: `"float32"`, the default, `"float64"`, or
      `"mixed_bfloat16"`, in which the CNNs compute in bfloat16 and the encoders
      in float32.
    name: Keras model name.

  Raises:
    ValueError: if an option is out of range.

  Source: Bhardwaj, Fischer, Balle, Chinen, "An unsupervised information-
  theoretic perceptual quality metric", 2020, section 3, as in google-research/
  perceptual-quality, whose encoders have one layer less than the paper's.
  """

  def __init__(
    self,
    *,
    mixtures: int = 1,
    front_end: str = "steerable",
    width: int | Sequence[int] = 64,
    z_dim: int = 10,
    linear_head: bool = False,
    train_joint: bool = True,
    seed: int = 0,
    dtype: str | None = None,
    name: str = "pim",
  ):
    if front_end not in FRONT_ENDS:
      raise ValueError(
        f"pim has the front ends {', '.join(FRONT_ENDS)}; got {front_end!r}"
      )
    width = one_if_equal(width)
    sizes = (mixtures, *widths(width), z_dim)
    if not all(checks.is_whole(size) and size >= 1 for size in sizes):
      raise ValueError(
        "pim needs whole mixtures, width and z_dim of at least 1; got "
        f"{mixtures}, {width}, {z_dim}"
      )
    if len(sizes) != CONVOLUTIONS + 1:
      raise ValueError(
        "pim needs one width, or one for each of its "
        f"{CONVOLUTIONS - 1} hidden convolutions; got {width}"
      )
    if dtype not in _DTYPES:
      raise ValueError(
        f"pim computes in {', '.join(map(str, _DTYPES))}; got {dtype!r}"
      )
    self._convolution_dtype, own = _DTYPES[dtype]
    super().__init__(name=name, dtype=own, autocast=False)
    self._config: dict[str, Any] = {
      "mixtures": int(mixtures),
      "front_end": front_end,
      "width": width,
      "z_dim": int(z_dim),
      "linear_head": linear_head,
      "train_joint": train_joint,
      "seed": seed,
      "name": name,
    }
    # Each layer draws its weights from its own seed.
    self._seeds = itertools.count(10_000 * seed)
    self._cnns = tuple(self._make_cnn(b) for b in range(self.bands))
    self._marginals = tuple(self._make_marginal(b) for b in range(self.bands))
    self._joints = tuple(self._make_joint(b) for b in range(self.bands))
    self.built = True

  @property
  def bands(self) -> int:
    """Number of bands that the front end makes."""
    return len(self.strides)

  @property
  def min_size(self) -> int:
    """Smallest side of an image, which leaves a pixel of the coarsest band."""
    return {
      "steerable": 2**SCALES,
      "laplacian": steerable.laplacian_min_side(SCALES),
      "single": 1,
    }[self._config["front_end"]]

  @property
  def strides(self) -> tuple[int, ...]:
    """Number of pixels between places of each band, the coarsest first."""
    octaves = range(SCALES)
    return {
      "steerable": (
        2**SCALES,
        *(2**k for k in reversed(octaves) for _ in "01"),
        1,
      ),
      "laplacian": tuple(2**k for k in reversed(octaves)),
      "single": (1,),
    }[self._config["front_end"]]

  @property
  def reach(self) -> int:
    """Largest distance in pixels from a place to a change of its code."""
    split = {
      "steerable": steerable.reach(SCALES),
      "laplacian": steerable.laplacian_reach(SCALES),
      "single": 0,
    }[self._config["front_end"]]
    return split + CONVOLUTIONS * (KERNEL // 2) * self.strides[0]

  def build(self, input_shape: Any = None) -> None:
    del input_shape  # weights are made in `__init__`

  def features(self, image: tf.Tensor) -> list[tf.Tensor]:
    """Returns the features of each band, `[N, h, w, 3]`, coarsest first."""
    return [
      _cnn(band, cnn, self._convolution_dtype, self.compute_dtype)
      for band, cnn in zip(self._split(image), self._cnns, strict=True)
    ]

  def marginal(
    self, features: Sequence[tf.Tensor]
  ) -> list[divergences.Mixture]:
    """Returns q(z|x) for each band: means `[N, h, w, mixtures, z_dim]`."""
    return [
      self._encode(f, encoder)
      for f, encoder in zip(features, self._marginals, strict=True)
    ]

  def joint(
    self, x: Sequence[tf.Tensor], y: Sequence[tf.Tensor]
  ) -> list[tf.Tensor]:
    """Returns the means `[N, h, w, z_dim]` of p(z|x, y) for each band."""
    means = []
    for f_x, f_y, encoder in zip(x, y, self._joints, strict=True):
      hidden = f_x
      for layer, multiply, add in zip(*encoder, strict=True):
        hidden = tf.nn.relu(_apply(hidden, layer))
        hidden = hidden * _apply(f_y, multiply) + _apply(f_y, add)
      means.append(hidden)
    return means

  def call(self, image: tf.Tensor) -> list[divergences.Mixture]:
    return self.marginal(self.features(image))

  def standardise(self, images: tf.Tensor) -> None:
    """Scales the last convolutions so that features have mean 0, variance 1.

    It is called before training, with typical images. With the initial weights
    of Keras the features of the bands are so small that the differences between
    the encoders outweigh those between images. Training would shrink the
    features to nothing before it learns.
    """
    for features, layers in zip(self.features(images), self._cnns, strict=True):
      mean, variance = tf.nn.moments(features, axes=[0, 1, 2])
      slope = tf.math.rsqrt(variance + 1e-12)
      kernel, bias = layers[-1]
      kernel.assign(tf.convert_to_tensor(kernel) * slope)
      bias.assign((tf.convert_to_tensor(bias) - mean) * slope)

  def get_config(self) -> dict[str, Any]:
    # A copy of a double-precision network keeps its precision. Others may be
    # used in another precision than in training, so their config has none.
    is_double = self.compute_dtype == "float64"
    return self._config | ({"dtype": "float64"} if is_double else {})

  def _split(self, image: tf.Tensor) -> list[tf.Tensor]:
    if self._config["front_end"] == "steerable":
      return steerable.steerable(image, SCALES)
    if self._config["front_end"] == "laplacian":
      return steerable.laplacian(image, SCALES)
    return [image]

  def _encode(
    self, features: tf.Tensor, encoder: _Marginal
  ) -> divergences.Mixture:
    means = features
    for layer in encoder.base:
      means = tf.nn.relu(_apply(means, layer))
    if encoder.head is not None:
      means = _apply(means, encoder.head)
    shape = [*tf.unstack(tf.shape(means)[:-1]), -1, self._config["z_dim"]]
    means = tf.reshape(means, shape)
    if not encoder.weights:
      return divergences.Mixture(means)
    *hidden, last = encoder.weights
    logits = features
    for layer in hidden:
      logits = tf.nn.relu(_apply(logits, layer))
    return divergences.Mixture(means, _apply(logits, last))

  def _make_cnn(self, band: int) -> list[_Affine]:
    sizes = [CHANNELS, *widths(self._config["width"]), CHANNELS]
    return [
      self._affine(f"cnn{band}_{i}", KERNEL, KERNEL, sizes[i], sizes[i + 1])
      for i in range(CONVOLUTIONS)
    ]

  def _make_marginal(self, band: int) -> _Marginal:
    count, name = self._config["mixtures"], f"marginal{band}"
    size = count * self._config["z_dim"]
    layers = [
      self._affine(f"{name}_mean0", CHANNELS, size),
      self._affine(f"{name}_mean1", size, size),
    ]
    head = None
    if self._config["linear_head"]:
      head = self._affine(f"{name}_head", size, size)
    weights = []
    if count > 1:
      weights = [
        self._affine(f"{name}_weight0", CHANNELS, count),
        self._affine(f"{name}_weight1", count, count),
        self._affine(f"{name}_logits", count, count),
      ]
    return _Marginal(layers, head, weights)

  def _make_joint(self, band: int) -> _Joint:
    size, name = self._config["z_dim"], f"joint{band}"

    def affine(part: str, inputs: int) -> _Affine:
      trainable = self._config["train_joint"]
      return self._affine(f"{name}_{part}", inputs, size, trainable=trainable)

    return _Joint(
      [affine("base0", CHANNELS), affine("base1", size)],
      [affine(f"multiply{i}", CHANNELS) for i in range(2)],
      [affine(f"add{i}", CHANNELS) for i in range(2)],
    )

  def _affine(self, name: str, *shape: int, trainable: bool = True) -> _Affine:
    return _Affine(
      self.add_weight(
        name=f"{name}_kernel",
        shape=shape,
        initializer=_glorot(next(self._seeds)),
        trainable=trainable,
      ),
      self.add_weight(
        name=f"{name}_bias",
        shape=shape[-1:],
        initializer="zeros",
        trainable=trainable,
      ),
    )


def one_if_equal(width: Any) -> Any:
  """Returns widths in the form of the option: one number if all are equal."""
  if not isinstance(width, (list, tuple)):
    return int(width) if checks.is_whole(width) else width
  width = [int(w) if checks.is_whole(w) else w for w in width]
  alike = len(width) == CONVOLUTIONS - 1 and len(set(width)) == 1
  return width[0] if alike else tuple(width)


def widths(width: Any) -> tuple[int, ...]:
  """Returns the number of filters of each hidden convolution."""
  if isinstance(width, (list, tuple)):
    return tuple(width)
  return (width,) * (CONVOLUTIONS - 1)


def _glorot(seed: int) -> Callable[..., tf.Tensor]:
  """Returns an initializer that draws the same numbers for every dtype."""
  draw = keras.initializers.GlorotUniform(seed=seed)

  def initializer(shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
    return tf.cast(draw(shape, dtype="float32"), dtype or "float32")

  return initializer


def _cnn(
  band: tf.Tensor, layers: list[_Affine], dtype: str, result_dtype: str
) -> tf.Tensor:
  hidden = tf.cast(band, dtype)
  for index, layer in enumerate(layers):
    kernel, bias = (tf.cast(tf.convert_to_tensor(w), dtype) for w in layer)
    hidden = tf.nn.bias_add(tf.nn.conv2d(hidden, kernel, 1, "SAME"), bias)
    if index < len(layers) - 1:
      hidden = tf.nn.relu(hidden)
  return tf.cast(hidden, result_dtype)


def _apply(x: tf.Tensor, layer: _Affine) -> tf.Tensor:
  """Applies a layer to each position."""
  kernel, bias = (tf.convert_to_tensor(w) for w in layer)
  return tf.nn.bias_add(tf.tensordot(x, kernel, 1), bias)
