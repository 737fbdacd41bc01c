"""The transforms of the learned codec for devices, with a coder outside."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from export.signatures import base, codec_graph, graph_arithmetic
from tfpercept.codecs.learned import hyper_synthesis as integers
from tfpercept.models.compression import hyper_transforms

# As those of autoencoders, in proportion to the largest output.
_TOLERANCE = 1e-5

# Not in 8 bits: tried on a trained network, they put pixels off by up to 20 of
# 255 levels and by 0.9 on average, which is much of the error at high rates.
_PRECISIONS = ("float32", "float16")
# Whole numbers up to 2^24, which must stay what they are, do not fit float16.
_EXACT = ("float32",)
_LIMIT = hyper_transforms.SYMBOL_LIMIT

Ends = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
"""Names of the inputs and of the outputs of each transform, by its name."""


def ends(graph: codec_graph.CodecGraph) -> Ends:
  """Returns the transforms that a codec has, in the order of coding.

  Args:
    graph: Codec to export.
  """
  found: Ends = {"analysis": (("image", "quality"), ("y",))}
  if graph.model.has_side_information:
    found["hyper_analysis"] = (("y", "quality"), ("z",))
    found["hyper_synthesis"] = (("z_hat",), ("indexes", "means"))
  for i in _contexts(graph):
    found[f"context{i}"] = ((f"symbols{i}",), (f"indexes{i}", f"means{i}"))
  return found | {"synthesis": (("y_hat", "quality"), ("x_hat",))}


def _contexts(graph: codec_graph.CodecGraph) -> range:
  """Returns the numbers of the slices that earlier ones tell of."""
  return range(1, len(graph.model.slices))


def signatures(
  graph: codec_graph.CodecGraph, image: np.ndarray
) -> dict[str, base.Signature]:
  """Returns the signatures of all transforms, by name.

  Args:
    graph: Codec to export.
    image: Pictures of the examples, float32 `[3, H, W, 3]`, sides multiples of
      the stride of the network.
  """
  types, functions = _types(graph), _functions(graph)
  qualities = np.linspace(1, graph.network.levels, 3, dtype=np.float32)
  values, found = chain(graph, image, qualities), {}
  for name, (given, answers) in ends(graph).items():
    is_exact = name.startswith(("hyper_synthesis", "context"))
    largest = max(1.0, *(float(np.abs(values[key]).max()) for key in answers))
    found[name] = base.Signature(
      function=functions[name],
      inputs={key: types[key] for key in given},
      outputs={key: types[key] for key in answers},
      example={key: values[key] for key in given},
      tolerance=_TOLERANCE,
      # What must be exact is of no size that differences could be a part of.
      scale=0.0 if is_exact else largest,
      precisions=_EXACT if is_exact else _PRECISIONS,
    )
  return found


def chain(
  graph: codec_graph.CodecGraph, image: np.ndarray, quality: np.ndarray
) -> dict[str, np.ndarray]:
  """Returns all inputs and outputs of the transforms for pictures, by name.

  Args:
    graph: Codec to export.
    image: Pictures, float32 `[N, H, W, 3]`, sides multiples of the stride of
      the network.
    quality: Qualities, float32 `[N]`.
  """
  values = {"image": tf.constant(image), "quality": tf.constant(quality)}
  functions = _functions(graph)
  for name, (given, answers) in ends(graph).items():
    if name == "hyper_synthesis":
      values["z_hat"] = tf.clip_by_value(tf.round(values["z"]), -_LIMIT, _LIMIT)
    if name == "analysis":
      values |= functions[name](
        image=values["image"], quality=values["quality"]
      )
      values["y_hat"] = tf.round(values["y"])
      for i in _contexts(graph):
        known = graph.model.slices[i].start
        values[f"symbols{i}"] = values["y_hat"][..., :known]
      continue
    answered = functions[name](**{key: values[key] for key in given})
    values |= {key: answered[key] for key in answers}
  return {key: value.numpy() for key, value in values.items()}


def _functions(
  graph: codec_graph.CodecGraph,
) -> Mapping[str, Callable[..., dict[str, tf.Tensor]]]:
  network, by = graph.network, graph_arithmetic.TensorFlow()

  def hyper_synthesis(z_hat: tf.Tensor) -> dict[str, tf.Tensor]:
    synthesis = integers.HyperSynthesis(graph.kept, by)
    hidden = synthesis.hidden(z_hat)
    return {
      "indexes": synthesis.indexes(hidden),
      "means": synthesis.means(hidden),
    }

  def context(i: int) -> Callable[..., dict[str, tf.Tensor]]:
    # The function takes its input by the name that the signature gives it.
    def told(**given: tf.Tensor) -> dict[str, tf.Tensor]:
      told = integers.Context(graph.kept, by, i)
      indexes, means = told(given[f"symbols{i}"])
      return {f"indexes{i}": indexes, f"means{i}": means}

    return told

  return {
    "analysis": lambda image, quality: {"y": network.analysis(image, quality)},
    "hyper_analysis": lambda y, quality: {
      "z": network.hyper_latents(y, quality)
    },
    "hyper_synthesis": hyper_synthesis,
    **{f"context{i}": context(i) for i in _contexts(graph)},
    "synthesis": lambda y_hat, quality: {
      "x_hat": tf.clip_by_value(network.reconstruct(y_hat, quality), 0.0, 1.0)
    },
  }


def _types(graph: codec_graph.CodecGraph) -> dict[str, base.Tensor]:
  model, stride = graph.model, graph.network.stride
  unit = f"multiples of 2^-{hyper_transforms.MEAN_BITS}"
  qualities = (1.0, float(graph.network.levels))

  def tensor(
    channels: int, meaning: str, within: tuple[float, float] | None = None
  ) -> base.Tensor:
    shape = (None, None, None, channels)
    return base.Tensor("float32", shape, meaning, within)

  sides = f"RGB pictures, sides multiples of {stride}, mirrored to that size"
  found = {
    "quality": base.Tensor(
      "float32", (None,), "one for each picture", qualities
    ),
    "image": tensor(3, sides, (0.0, 1.0)),
    "y": tensor(model.latents, "latents, neither scaled nor rounded"),
    "z": tensor(model.hyper_latents, "hyper-latents, not rounded"),
    "z_hat": tensor(
      model.hyper_latents,
      "hyper-latents, whole numbers",
      (float(-_LIMIT), float(_LIMIT)),
    ),
    "indexes": tensor(
      model.latents,
      "of scales, whole numbers; before the offset of the quality",
    ),
    "means": tensor(model.latents, f"in deviations of latents, {unit}"),
    "y_hat": tensor(model.latents, "decoded latents, scaled back"),
    "x_hat": tensor(3, "RGB pictures", (0.0, 1.0)),
  }
  for i in _contexts(graph):
    channels = model.slices[i]
    count = channels.stop - channels.start
    found |= {
      f"symbols{i}": tensor(channels.start, "symbols of the slices before"),
      f"indexes{i}": tensor(count, "to add to indexes, whole numbers"),
      f"means{i}": tensor(count, f"to add to means, in symbols, {unit}"),
    }
  return found
