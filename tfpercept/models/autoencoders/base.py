"""The base of autoencoders: networks between square images and vectors."""

import abc
import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.models.autoencoders import layers
from tfpercept.ops import checks

KINDS = tuple(layers.KINDS)
OUTPUTS = ("sigmoid", "linear")


class ImageAutoencoder(keras.Model, abc.ABC):
  """An encoder of square images, and a decoder from vectors to images.

  Args:
    side: Side of the images, 32 to 128 pixels.
    channels: Number of channels of the images, 1 or 3.
    code: Length of the vector, at least 1.
    widths: Widths of the hidden layers of the encoder, from the image on; the
      decoder has them in reverse.
    kind: Kind of the layers, one of `KINDS`.
    dense: Number of units of the fully connected layer beside the vector, on
      both sides, where the kind is `"pooled"`; else 0.
    output: Last activation, `"sigmoid"` or `"linear"`.
    units: Number of outputs of the encoder for each entry of the vector, such
      as 2 for a mean and a variance.
    brightness: Approximate value of pixels before training, in (0, 1).
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy of the hidden layers.
    name: Keras model name.

  Raises:
    ValueError: if an option is out of range.
  """

  registered_name = ""
  """Name in the registry, set by `register`."""

  def __init__(
    self,
    *,
    side: int,
    channels: int,
    code: int,
    widths: Sequence[int],
    kind: str,
    dense: int,
    output: str,
    units: int,
    brightness: float,
    seed: int,
    dtype: str | None,
    name: str,
  ):
    options = check(
      self.registered_name,
      side=side,
      channels=channels,
      code=code,
      widths=widths,
      kind=kind,
      dense=dense,
      output=output,
    )
    super().__init__(name=name, dtype="float32", autocast=False)
    self.encoder = encoder(options, units=units * code, seed=seed, dtype=dtype)
    self.decoder = decoder(
      options, seed=seed + 1000, dtype=dtype, brightness=brightness
    )
    self._config = {
      **options,
      "brightness": float(brightness),
      "seed": seed,
      "name": name,
    }
    self.build()

  def build(self, input_shape: Any = None) -> None:
    self.built = True  # encoder and decoder are built in `__init__`

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """Height, width and channels of an image."""
    side = self._config["side"]
    return side, side, self._config["channels"]

  @abc.abstractmethod
  def encode(self, x: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, ...]:
    """Returns codes `[N, code]` of images, or parameters of their density."""

  def decode(self, codes: tf.Tensor) -> tf.Tensor:
    """Returns the images `[N, side, side, channels]` of vectors `[N, code]`."""
    return self.decoder(codes)

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)


def check(
  owner: str,
  *,
  side: int,
  channels: int,
  code: int,
  widths: Sequence[int],
  kind: str,
  output: str,
  dense: int = 0,
) -> dict[str, Any]:
  """Returns the options of a network of this module, once they are in range.

  Args:
    owner: Name of the network for messages.
    side: Side of the images, 32 to 128 pixels.
    channels: Number of channels of the images, 1 or 3.
    code: Length of the vector, at least 1.
    widths: Widths of the hidden layers of the encoder, from the image on; the
      decoder has them in reverse.
    kind: Kind of the layers, see `layers`.
    output: Last activation. `"sigmoid"` keeps images in [0, 1], `"linear"` does
      not.
    dense: Number of units of the fully connected layer beside the vector, on
      both sides, where the kind is `"pooled"`; else 0.

  Raises:
    ValueError: if an option is out of range.
  """
  widths = list(widths)
  whole = [side, channels, code, *widths]
  if not all(checks.is_whole(n) and n >= 1 for n in whole) or not widths:
    raise ValueError(
      f"{owner} needs whole numbers above 0 and at least one hidden layer; got "
      f"side={side}, channels={channels}, code={code}, widths={widths}"
    )
  if not 32 <= side <= 128 or channels not in (1, 3):
    raise ValueError(
      f"{owner} takes squares of 32 to 128 pixels with 1 or 3 channels; got "
      f"side={side}, channels={channels}"
    )
  if kind not in KINDS or output not in OUTPUTS:
    raise ValueError(
      f"{owner} takes kind from {', '.join(KINDS)} and output from "
      f"{', '.join(OUTPUTS)}; got kind={kind!r}, output={output!r}"
    )
  halvings = {"convolutional": len(widths), "pooled": len(widths) - 1}
  if side >> halvings.get(kind, 0) < 1:
    raise ValueError(
      f"{owner} halves {side} pixels {halvings[kind]} times, which leaves "
      "none; give fewer widths"
    )
  _check_dense(owner, dense, kind)
  return {
    "side": int(side),
    "channels": int(channels),
    "code": int(code),
    "widths": [int(width) for width in widths],
    "kind": kind,
    "output": output,
    "dense": int(dense),
  }


def _check_dense(owner: str, dense: int, kind: str) -> None:
  is_pooled = kind == "pooled"
  if not checks.is_whole(dense) or (dense < 1 if is_pooled else dense != 0):
    wanted = "a whole number above 0" if is_pooled else "0"
    raise ValueError(
      f"{owner} takes {wanted} as `dense` where kind is {kind!r}; got {dense!r}"
    )


def encoder(
  options: dict[str, Any], *, units: int, seed: int, dtype: str | None
) -> keras.Sequential:
  """Returns a network from images `[N, S, S, C]` to vectors `[N, units]`.

  Args:
    options: Options that `check` returned.
    units: Length of the vectors.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy of the hidden layers; vectors are float32.
  """
  hidden, _ = layers.KINDS[options["kind"]]
  shape = (options["side"], options["side"], options["channels"])
  found = [
    keras.Input(shape),
    *hidden(options, seed, dtype),
    layers.vector(units, seed + len(options["widths"])),
  ]
  return keras.Sequential(found, name="encoder")


def decoder(
  options: dict[str, Any],
  *,
  seed: int,
  dtype: str | None,
  brightness: float = 0.5,
) -> keras.Sequential:
  """Returns a network from vectors `[N, code]` to images `[N, S, S, C]`.

  Args:
    options: Options that `check` returned.
    seed: Seed of the initial weights.
    dtype: Keras dtype or policy of the hidden layers; images are float32.
    brightness: Approximate value of pixels before training, in (0, 1).
  """
  _, hidden = layers.KINDS[options["kind"]]
  found = [
    keras.Input((options["code"],)),
    *hidden(options, seed, dtype, _bias(options, brightness)),
    keras.layers.Activation(options["output"], dtype="float32", name="image"),
  ]
  return keras.Sequential(found, name="decoder")


def _bias(
  options: dict[str, Any], brightness: float
) -> keras.initializers.Initializer:
  """Returns an initializer of the last bias that gives some brightness."""
  if not 0 < brightness < 1:
    raise ValueError(f"brightness is above 0 and below 1; got {brightness}")
  logit = math.log(brightness / (1 - brightness))
  is_sigmoid = options["output"] == "sigmoid"
  return keras.initializers.Constant(logit if is_sigmoid else brightness)
