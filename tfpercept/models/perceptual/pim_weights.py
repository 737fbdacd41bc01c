"""PIM's network from its weights alone, with options from their shapes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfpercept.models.perceptual.pim import (
  CONVOLUTIONS,
  SCALES,
  PIMNetwork,
  one_if_equal,
)
from tfpercept.ops import steerable

_FRONT_END_OF = {8: "steerable", 3: "laplacian", 1: "single"}  # by bands


def pim_from_arrays(
  arrays: Sequence[np.ndarray], *, source: str, **kwargs: Any
) -> PIMNetwork:
  """Returns the network with these weights and the options of their shapes.

  Args:
    arrays: Weights in the order of `PIMNetwork`.
    source: Name of the file for error messages.
    **kwargs: Options of `PIMNetwork` that do not change shapes.

  Raises:
    ValueError: if no such network has weights of these shapes.
  """
  shapes = [tuple(array.shape) for array in arrays]
  options = _options(shapes)
  if options is not None:
    network = PIMNetwork(**options, **kwargs)
    if [tuple(weight.shape) for weight in network.weights] == shapes:
      network.set_weights(arrays)
      return network
  orientations = _orientations(shapes)
  if orientations not in (None, steerable.ORIENTATIONS):
    raise ValueError(
      f"{source} has as many bands as a steerable pyramid of {orientations} "
      f"orientations; pim has the filters of {steerable.ORIENTATIONS}, "
      "as published. Train with those, or with another front end."
    )
  raise ValueError(
    f"{source} does not hold the weights of PIM in their order: its "
    f"{len(shapes)} arrays begin with the shapes {shapes[:2]}"
  )


def _orientations(shapes: list[tuple[int, ...]]) -> int | None:
  """Returns the number of orientations that the number of bands implies.

  It is None if no steerable pyramid has that many bands.
  """
  kernels = sum(len(shape) == 4 for shape in shapes)
  bands, rest = divmod(kernels, CONVOLUTIONS)
  oriented, uneven = divmod(bands - 2, SCALES)  # the others are the residuals
  return oriented if oriented > 0 and not rest and not uneven else None


def _options(shapes: list[tuple[int, ...]]) -> dict[str, Any] | None:
  """Returns the options that fit the shapes of weights, or None."""
  bands = sum(len(shape) == 4 for shape in shapes) // CONVOLUTIONS
  if bands not in _FRONT_END_OF:
    return None
  first = 2 * CONVOLUTIONS * bands  # index of the first marginal encoder
  # Each joint encoder has 12 arrays; each marginal one has 4, another 2 with a
  # head, another 6 with several components.
  count = (len(shapes) - first) // bands - 12
  if count not in (4, 6, 10, 12) or not shapes[-1][0]:
    return None
  z_dim = shapes[-1][0]
  return {
    "mixtures": shapes[first + 1][-1] // z_dim,
    "front_end": _FRONT_END_OF[bands],
    "width": one_if_equal(
      tuple(shape[-1] for shape in shapes[: 2 * (CONVOLUTIONS - 1) : 2])
    ),
    "z_dim": z_dim,
    "linear_head": count in (6, 12),
  }
