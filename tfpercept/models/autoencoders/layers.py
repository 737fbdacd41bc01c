"""Hidden layers of autoencoders, in three kinds.

`"convolutional"` has kernels of 4x4 and halves the sides at each layer.
`"pooled"` is the layout of Czolbe et al.: kernels of 3x3 with a halving between
layers, then a fully connected layer. `"dense"` is fully connected.

Source of `"pooled"`: Czolbe, Krause, Cox, Igel, "A loss function for generative
neural networks based on Watson's perceptual model", 2020, appendix, and the
authors' program SteffenCzolbe/PerceptualSimilarity at 3729dd1.
"""

import math
from collections.abc import Callable
from typing import Any

import keras

Options = dict[str, Any]
"""Options that `base.check` returned."""

# Twice the stride, so that each output pixel of a transposed convolution gets
# the same number of terms and there is no checkerboard.
_KERNEL = 4
_POOLED_KERNEL = 3
_LEAK = 0.01  # slope below 0 of the authors' activation


def _dense_encoder(
  options: Options, seed: int, dtype: str | None
) -> list[keras.layers.Layer]:
  return [
    keras.layers.Flatten(dtype=dtype),
    *(
      keras.layers.Dense(width, **_hidden(i, seed, dtype))
      for i, width in enumerate(options["widths"])
    ),
  ]


def _dense_decoder(
  options: Options,
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
  layers.append(vector(math.prod(shape), seed + len(widths), bias))
  return [*layers, keras.layers.Reshape(shape, dtype="float32")]


def _convolutional_encoder(
  options: Options, seed: int, dtype: str | None
) -> list[keras.layers.Layer]:
  found = [
    keras.layers.Conv2D(
      width, _KERNEL, strides=2, padding="same", **_hidden(i, seed, dtype)
    )
    for i, width in enumerate(options["widths"])
  ]
  return [*found, keras.layers.Flatten(dtype=dtype)]


def _convolutional_decoder(
  options: Options,
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


def _pooled_encoder(
  options: Options, seed: int, dtype: str | None
) -> list[keras.layers.Layer]:
  found: list[keras.layers.Layer] = []
  for i, width in enumerate(options["widths"]):
    if i:
      found.append(keras.layers.MaxPooling2D(dtype=dtype))
    found += _pooled_convolution(width, i, seed, dtype)
  units = _uniform(len(options["widths"]), seed, dtype)
  return [
    *found,
    keras.layers.Flatten(dtype=dtype),
    keras.layers.Dense(options["dense"], activation="relu", **units),
  ]


def _pooled_decoder(
  options: Options,
  seed: int,
  dtype: str | None,
  bias: keras.initializers.Initializer,
) -> list[keras.layers.Layer]:
  widths = options["widths"]
  sides = [options["side"] >> i for i in range(len(widths))]
  small, deepest = sides[-1], widths[-1]
  found = [
    keras.layers.Dense(units, activation="relu", **_uniform(i, seed, dtype))
    for i, units in enumerate((options["dense"], small * small * deepest))
  ]
  found.append(keras.layers.Reshape((small, small, deepest), dtype=dtype))
  index = len(found)
  for width, side in zip(widths[:0:-1], sides[-2::-1], strict=True):
    found += _pooled_convolution(width, index, seed, dtype)
    # Sides that are no even number are made whole, too.
    found.append(
      keras.layers.Resizing(side, side, interpolation="bilinear", dtype=dtype)
    )
    index += 1
  for _ in range(2):
    found += _pooled_convolution(widths[0], index, seed, dtype)
    index += 1
  last = _uniform(index, seed, dtype)
  last |= {"bias_initializer": bias, "name": "pixels"}
  return [
    *found,
    keras.layers.Conv2D(
      options["channels"], _POOLED_KERNEL, padding="same", **last
    ),
  ]


def _pooled_convolution(
  width: int, index: int, seed: int, dtype: str | None
) -> list[keras.layers.Layer]:
  convolution = keras.layers.Conv2D(
    width, _POOLED_KERNEL, padding="same", **_uniform(index, seed, dtype)
  )
  return [convolution, keras.layers.LeakyReLU(_LEAK, dtype=dtype)]


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


def vector(
  units: int,
  seed: int,
  bias: keras.initializers.Initializer | str = "zeros",
) -> keras.layers.Dense:
  """Returns a fully connected layer without activation, float32.

  Args:
    units: Length of its output.
    seed: Seed of its initial weights.
    bias: Initial bias.
  """
  return keras.layers.Dense(
    units,
    kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
    bias_initializer=bias,
    dtype="float32",
  )


def _uniform(index: int, seed: int, dtype: str | None) -> dict[str, Any]:
  """Returns the options of hidden layers that start as those of PyTorch do.

  Their weights are uniform within 1 / sqrt(inputs). Trainings from random
  weights depend on it.
  """
  return {
    "kernel_initializer": keras.initializers.VarianceScaling(
      1 / 3, mode="fan_in", distribution="uniform", seed=seed + index
    ),
    "dtype": dtype,
    "name": f"hidden{index + 1}",
  }


Encoder = Callable[[Options, int, str | None], list[keras.layers.Layer]]
Decoder = Callable[
  [Options, int, str | None, keras.initializers.Initializer],
  list[keras.layers.Layer],
]
KINDS: dict[str, tuple[Encoder, Decoder]] = {
  "convolutional": (_convolutional_encoder, _convolutional_decoder),
  "pooled": (_pooled_encoder, _pooled_decoder),
  "dense": (_dense_encoder, _dense_decoder),
}
"""Hidden layers between images and vectors, and back, by the name of the kind.

The first gets the options, a seed and a dtype; the second also the initializer
of the last bias. The second ends with the pixels, before the last activation.
"""
