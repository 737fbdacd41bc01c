"""The base of autoencoders: networks between square images and vectors."""

import abc
import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfpercept.ops import checks

KINDS = ("convolutional", "dense")
OUTPUTS = ("sigmoid", "linear")
# Twice the stride, so that each output pixel of a transposed convolution gets
# the same number of terms and there is no checkerboard.
_KERNEL = 4


class ImageAutoencoder(keras.Model, abc.ABC):
  """An encoder of square images, and a decoder from vectors to images.

  Args:
    side: Side of the images, 32 to 128 pixels.
    channels: Number of channels of the images, 1 or 3.
    code: Length of the vector, at least 1.
    widths: Widths of the hidden layers of the encoder, from the image on; the
      decoder has them in reverse.
    kind: Kind of the layers, `"convolutional"` or `"dense"`.
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
      output=output,
    )
    super().__init__(name=name)
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
) -> dict[str, Any]:
  """Returns the options of a network of this module, once they are in range.

  Args:
    owner: Name of the network for messages.
    side: Side of the images, 32 to 128 pixels.
    channels: Number of channels of the images, 1 or 3.
    code: Length of the vector, at least 1.
    widths: Widths of the hidden layers of the encoder, from the image on; the
      decoder has them in reverse.
    kind: Kind of the layers. `"convolutional"` halves the sides at each layer,
      `"dense"` is fully connected.
    output: Last activation. `"sigmoid"` keeps images in [0, 1], `"linear"` does
      not.

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
  if kind == "convolutional" and side >> len(widths) < 1:
    raise ValueError(
      f"{owner} halves {side} pixels at each of {len(widths)} layers, which "
      "leaves none; give fewer widths"
    )
  return {
    "side": int(side),
    "channels": int(channels),
    "code": int(code),
    "widths": [int(width) for width in widths],
    "kind": kind,
    "output": output,
  }


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
  widths = options["widths"]
  hidden = [_hidden(i, seed, dtype) for i in range(len(widths))]
  flat = keras.layers.Flatten(dtype=dtype)
  if options["kind"] == "dense":
    layers = [flat]
    layers += [
      keras.layers.Dense(width, **h)
      for width, h in zip(widths, hidden, strict=True)
    ]
  else:
    layers = [
      keras.layers.Conv2D(width, _KERNEL, strides=2, padding="same", **h)
      for width, h in zip(widths, hidden, strict=True)
    ]
    layers.append(flat)
  layers.append(_vector(units, seed + len(widths)))
  shape = (options["side"], options["side"], options["channels"])
  return keras.Sequential([keras.Input(shape), *layers], name="encoder")


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
  is_dense = options["kind"] == "dense"
  rebuild = _dense_decoder if is_dense else _convolutional_decoder
  layers = [
    keras.Input((options["code"],)),
    *rebuild(options, seed, dtype, _bias(options, brightness)),
    keras.layers.Activation(options["output"], dtype="float32", name="image"),
  ]
  return keras.Sequential(layers, name="decoder")


def _bias(
  options: dict[str, Any], brightness: float
) -> keras.initializers.Initializer:
  """Returns an initializer of the last bias that gives some brightness."""
  if not 0 < brightness < 1:
    raise ValueError(f"brightness is above 0 and below 1; got {brightness}")
  logit = math.log(brightness / (1 - brightness))
  is_sigmoid = options["output"] == "sigmoid"
  return keras.initializers.Constant(logit if is_sigmoid else brightness)


def _dense_decoder(
  options: dict[str, Any],
  seed: int,
  dtype: str | None,
  bias: keras.initializers.Initializer,
) -> list[keras.layers.Layer]:
  widths = options["widths"][::-1]
  shape = (options["side"], options["side"], options["channels"])
  layers = [
    keras.layers.Dense(width, **_hidden(i, seed, dtype))
    for i, width in enumerate(widths)
  ]
  layers.append(_vector(math.prod(shape), seed + len(widths), bias))
  return [*layers, keras.layers.Reshape(shape, dtype="float32")]


def _convolutional_decoder(
  options: dict[str, Any],
  seed: int,
  dtype: str | None,
  bias: keras.initializers.Initializer,
) -> list[keras.layers.Layer]:
  widths = options["widths"][::-1]
  # Sides of the encoder's layers, which the decoder has in reverse. An odd side
  # is doubled from its half, rounded up, and then cropped.
  sides = [options["side"]]
  for _ in widths:
    sides.append(-(-sides[-1] // 2))
  small = sides.pop()
  layers = [
    keras.layers.Dense(small * small * widths[0], **_hidden(0, seed, dtype)),
    keras.layers.Reshape((small, small, widths[0]), dtype=dtype),
  ]
  for i, width in enumerate([*widths[1:], options["channels"]], 1):
    settings = _hidden(i, seed, dtype)
    if i == len(widths):
      settings |= {"activation": None, "name": "pixels"}
      settings["bias_initializer"] = bias
    layers.append(
      keras.layers.Conv2DTranspose(
        width, _KERNEL, strides=2, padding="same", **settings
      )
    )
    if sides.pop() % 2:
      layers.append(keras.layers.Cropping2D(((0, 1), (0, 1)), dtype=dtype))
  return layers


def _hidden(index: int, seed: int, dtype: str | None) -> dict[str, Any]:
  """Returns the options that all hidden layers share.

  They use ELU: with ReLU and a small KL weight, VAEs of digits stayed at the
  mean picture for hundreds of steps.
  """
  return {
    "activation": "elu",
    "kernel_initializer": keras.initializers.HeNormal(seed=seed + index),
    "dtype": dtype,
    "name": f"hidden{index + 1}",
  }


def _vector(
  units: int,
  seed: int,
  bias: keras.initializers.Initializer | str = "zeros",
) -> keras.layers.Dense:
  return keras.layers.Dense(
    units,
    kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
    bias_initializer=bias,
    dtype="float32",
  )
