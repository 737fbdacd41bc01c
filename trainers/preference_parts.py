"""The terms that distances weigh, measured once on whole pictures.

LPIPS is linear in its linear layers, and a sum in the weights of its terms.
These terms do not change in training, so that they are measured once.
"""

import io
import json
import pathlib
from typing import Protocol, runtime_checkable

import numpy as np
import tensorflow as tf
from absl import logging

from tfpercept import distances
from tfpercept.data import judgements
from tfpercept.io import files, npz_reader
from trainers import preference_choices

Parts = dict[judgements.PairKey, np.ndarray]
"""The terms that a distance weighs, float32 `[K]`, by reference and image."""


@runtime_checkable
class Linear(Protocol):
  """A distance whose value is linear in what it weighs."""

  def parts(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns what is weighed, `[N, K]`."""

  def weigh(self, parts: tf.Tensor) -> tf.Tensor:
    """Returns the value `[N]`."""


def make(spec: str) -> distances.Distance:
  """Returns a distance that is linear in what is trained.

  The terms of a sum are not trained, but for their weights.

  Args:
    spec: Spec of the distance.

  Raises:
    ValueError: if the distance is not linear in its parameters.
  """
  distance = distances.get(spec)
  if not isinstance(distance, Linear):
    raise ValueError(
      f"{spec} is not linear in its parameters; --whole_pictures is for lpips "
      "and for weighted sums"
    )
  return distance


def freeze_terms(distance: distances.Distance) -> None:
  """Leaves of a sum the weights alone to be trained."""
  if isinstance(distance, distances.WeightedSum):
    for term in distance.distances:
      term.trainable = False


def measure(
  spec: str, data: judgements.Judgements, folder: pathlib.Path
) -> Parts:
  """Measures the parts of all pairs, or reads them from `folder`.

  Those of pictures that have changed are measured anew, and all of them if the
  weights of the distance have.

  Args:
    spec: Spec of the distance.
    data: Judgements whose pairs are measured.
    folder: Folder for `parts.npz`, which later calls read.

  Raises:
    ValueError: if the distance is not linear, a picture cannot be read, or the
      file is damaged.
  """
  path = folder / "parts.npz"
  pictures = preference_choices.digests(data)
  measured = {"spec": spec, "weights": make(spec).checksum}
  known, seen = _read(path, measured) if path.is_file() else ({}, {})
  known = {
    pair: parts
    for pair, parts in known.items()
    if all(seen.get(k) == pictures.get(k, seen.get(k)) for k in pair)
  }
  left = [
    pair for pair in data.pairs if (pair[0].key, pair[1].key) not in known
  ]
  if left:
    logging.info("measuring %s on %d pairs of pictures", spec, len(left))
    known = {**known, **_measured(spec, left)}
    _write(path, measured, known, seen | pictures)
  return known


def _measured(
  spec: str, pairs: list[tuple[judgements.Picture, judgements.Picture]]
) -> Parts:
  distance = make(spec)
  assert isinstance(distance, Linear)  # `make` refuses others
  cache = judgements.Cache()
  graph = tf.function(distance.parts, reduce_retracing=True)
  found = {}
  for reference, image in pairs:
    pair = [
      tf.constant(cache(p)[None] / np.float32(255), tf.float32)
      for p in (reference, image)
    ]
    found[reference.key, image.key] = graph(*pair)[0].numpy()
  return found


def _write(
  path: pathlib.Path,
  measured: dict[str, str | None],
  parts: Parts,
  pictures: dict[str, str],
) -> None:
  told = json.dumps(
    {**measured, "pairs": list(parts), "pictures": pictures}
  ).encode()
  data = io.BytesIO()
  np.savez(
    data,
    told=np.frombuffer(told, np.uint8),
    parts=np.stack(list(parts.values())),
  )
  files.write_bytes(path, data.getvalue())


def _read(
  path: pathlib.Path, measured: dict[str, str | None]
) -> tuple[Parts, dict[str, str]]:
  """Returns parts, and the digests of the pictures that they are of."""
  try:
    arrays = npz_reader.read(path)
    told = json.loads(arrays["told"].astype(np.uint8).tobytes())
    pairs = [(str(one), str(other)) for one, other in told["pairs"]]
    if any(told.get(name) != value for name, value in measured.items()):
      return {}, {}
    parts = dict(zip(pairs, arrays["parts"], strict=True))
    return parts, dict(told.get("pictures", {}))
  except (ValueError, TypeError, KeyError) as error:
    raise ValueError(
      f"{path} is damaged ({error}); remove it, and it is measured again"
    ) from error
