"""Trained distances: files of their weights, and their specs."""

import dataclasses
import io
import pathlib

import numpy as np

from tfpercept import distances, registry
from tfpercept.io import files


def write(distance: distances.Distance, folder: pathlib.Path) -> str:
  """Writes a distance's parameters into a folder; returns its spec.

  The weights of a sum are in the spec itself.

  Args:
    distance: A trained distance.
    folder: Folder of its run.

  Raises:
    ValueError: if the files and the spec do not hold all trained weights.
  """
  is_sum = isinstance(distance, distances.WeightedSum)
  terms = []
  for i, (term, arrays) in enumerate(
    zip(registry.parse_spec(distance.spec), parameters(distance), strict=True)
  ):
    if arrays:
      path = folder / (f"weights_{i}.npz" if is_sum else "weights.npz")
      data = io.BytesIO()
      np.savez(data, **arrays)
      files.write_bytes(path, data.getvalue())
      options = {**term.options, "weights": path.as_posix()}
      options.pop("alpha_init", None)  # that of `robust` is in the file
      term = dataclasses.replace(term, options=options)
    terms.append(term)
  return registry.format_spec(tuple(terms))


def parameters(distance: distances.Distance) -> list[dict[str, np.ndarray]]:
  """Returns the checkpoint of each term; a single distance is one term.

  Args:
    distance: A distance that can be trained.

  Raises:
    ValueError: if a term trains more numbers than its checkpoint has.
  """
  is_sum = isinstance(distance, distances.WeightedSum)
  found = []
  for part in distance.distances if is_sum else [distance]:
    arrays = part.checkpoint()
    trained = sum(np.prod(w.shape) for w in part.trainable_weights)
    if trained > sum(array.size for array in arrays.values()):
      raise ValueError(
        f"{part.spec} can be trained but its checkpoint() lacks what is "
        "trained, so that the result would be lost; implement it"
      )
    found.append(arrays)
  return found
