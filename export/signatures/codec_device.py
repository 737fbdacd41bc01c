"""The transforms of the learned codec for devices, where a coder is outside."""

import numpy as np
import tensorflow as tf

from export.signatures import base, codec_graph
from tfpercept.codecs.learned import hyper_synthesis as integers
from tfpercept.models.compression import hyper_transforms

# As those of autoencoders, in proportion to the largest output.
_TOLERANCE = 1e-5

# Not in 8 bits: tried on a trained network, they put pixels off by up to 20 of
# 255 levels and by 0.9 on average, which is much of the error at high rates.
_PRECISIONS = ("float32", "float16")
# Whole numbers up to 2^24, which must stay what they are, do not fit float16.
_EXACT = ("float32",)

_ENDS = {
  "analysis": (("image", "quality"), ("y",)),
  "hyper_analysis": (("y", "quality"), ("z",)),
  "hyper_synthesis": (("z_hat",), ("indexes", "means")),
  "synthesis": (("y_hat", "quality"), ("x_hat",)),
}
"""What each transform takes and gives."""
INPUTS = {name: given for name, (given, _) in _ENDS.items()}
"""What each transform takes."""


def signatures(
  graph: codec_graph.CodecGraph, image: np.ndarray
) -> dict[str, base.Signature]:
  """Returns the four transforms.

  Args:
    graph: The codec.
    image: Of the examples, float32 `[3, H, W, 3]`, sides multiples of 64.
  """
  types = _types(graph)
  qualities = np.linspace(1, graph.network.levels, 3, dtype=np.float32)
  values = chain(graph, image, qualities)
  return {
    name: base.Signature(
      function=_functions(graph)[name],
      inputs={key: types[key] for key in given},
      outputs={key: types[key] for key in answers},
      example={key: values[key] for key in given},
      tolerance=_TOLERANCE,
      # What must be exact is of no size that differences could be a part of.
      scale=0.0
      if name == "hyper_synthesis"
      else max(1.0, *(float(np.abs(values[key]).max()) for key in answers)),
      precisions=_EXACT if name == "hyper_synthesis" else _PRECISIONS,
    )
    for name, (given, answers) in _ENDS.items()
  }


def chain(
  graph: codec_graph.CodecGraph, image: np.ndarray, quality: np.ndarray
) -> dict[str, np.ndarray]:
  """Returns all inputs and outputs of the transforms for pictures.

  Args:
    graph: The codec.
    image: Float32 `[N, H, W, 3]`, sides multiples of 64.
    quality: Float32 `[N]`.
  """
  values = {"image": tf.constant(image), "quality": tf.constant(quality)}
  for name, (given, answers) in _ENDS.items():
    if name == "hyper_synthesis":
      limit = hyper_transforms.SYMBOL_LIMIT
      values["z_hat"] = tf.clip_by_value(tf.round(values["z"]), -limit, limit)
    if name == "synthesis":
      values["y_hat"] = tf.round(values["y"])
    answered = _functions(graph)[name](**{key: values[key] for key in given})
    values |= {key: answered[key] for key in answers}
  return {key: value.numpy() for key, value in values.items()}


def _functions(graph: codec_graph.CodecGraph):
  network = graph.network

  def hyper_synthesis(z_hat):
    synthesis = integers.HyperSynthesis(graph.kept)
    hidden = synthesis.hidden(z_hat)
    return {
      "indexes": synthesis.indexes(hidden),
      "means": synthesis.means(hidden),
    }

  return {
    "analysis": lambda image, quality: {"y": network.analysis(image, quality)},
    "hyper_analysis": lambda y, quality: {
      "z": network.hyper_latents(y, quality)
    },
    "hyper_synthesis": hyper_synthesis,
    "synthesis": lambda y_hat, quality: {
      "x_hat": tf.clip_by_value(network.reconstruct(y_hat, quality), 0.0, 1.0)
    },
  }


def _types(graph: codec_graph.CodecGraph) -> dict[str, base.Tensor]:
  z_channels, y_channels = graph.ends
  shapes = {
    "quality": (None,),
    "image": (None, None, None, 3),
    "x_hat": (None, None, None, 3),
    "z": (None, None, None, z_channels),
    "z_hat": (None, None, None, z_channels),
  }
  limit, unit = hyper_transforms.SYMBOL_LIMIT, hyper_transforms.MEAN_BITS
  ranges = {
    "quality": (1.0, float(graph.network.levels)),
    "image": (0.0, 1.0),
    "x_hat": (0.0, 1.0),
    "z_hat": (float(-limit), float(limit)),
  }
  meanings = {
    "quality": "one for each picture",
    "image": "RGB pictures, sides multiples of 64, mirrored to that size",
    "y": "latents, neither scaled nor rounded",
    "z": "hyper-latents, not rounded",
    "z_hat": "hyper-latents, whole numbers",
    "indexes": "of scales, whole numbers; before the offset of the quality",
    "means": f"in deviations of latents, multiples of 2^-{unit}",
    "y_hat": "decoded latents, scaled back",
    "x_hat": "RGB pictures",
  }
  return {
    name: base.Tensor(
      "float32",
      shapes.get(name, (None, None, None, y_channels)),
      meaning,
      ranges.get(name),
    )
    for name, meaning in meanings.items()
  }
