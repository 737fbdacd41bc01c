"""Keras callbacks for models that are trained or scored with distances."""

import weakref
from collections.abc import Iterator
from typing import Any

import keras

from tfpercept import distances
from tfpercept.ops import checks, ranges

# The distances that the traced step of a model records; two models may share
# one.
_WATCHED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class CheckRange(keras.callbacks.Callback):
  """Refuses images outside the range of the distances that a model uses.

  Values in [0, 255] or [-1, 1] where [0, 1] is expected give plausible numbers.
  This callback checks the references, which a loss or metric gets as `y_true`,
  in the first batches of each epoch. It does not check outputs, since those of
  an untrained network may have any value. It works in graphs and under XLA, and
  costs two reductions of those batches. It serves losses, metrics and layers of
  the package, on Keras 2 and 3.

  Args:
    batches: Number of batches of each epoch that are checked, at least 1.

  Raises:
    ValueError: when training starts, if the model has no distance; after a
      batch, if values lie outside the range by more than a tenth of its width,
      or are NaN. The message has the values found and a `value_range` that
      fits.
  """

  def __init__(self, batches: int = 2):
    super().__init__()
    if not checks.is_whole(batches) or batches < 1:
      raise ValueError(f"batches is a number of at least 1; got {batches!r}")
    self._batches = batches
    self._watched: list[tuple[distances.Distance, ranges.Watch]] = []
    self._looks = False

  def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
    found = list({id(d): d for d in _distances(self.model)}.values())
    if not found:
      raise ValueError(
        "CheckRange looks at losses, metrics and layers of tfpercept, of which "
        "the model has none. Compile it with losses.get(...) or metrics.get("
        "...), or leave the callback out."
      )
    known = _WATCHED.setdefault(self.model, weakref.WeakSet())
    is_new = not all(distance in known for distance in found)
    known.update(found)
    with self.model.distribute_strategy.scope():
      self._watched = [(distance, distance.watch()) for distance in found]
    if is_new:  # a step that was traced before does not record
      self.model.make_train_function(force=True)

  def on_epoch_begin(
    self, epoch: int, logs: dict[str, float] | None = None
  ) -> None:
    self._looks = True
    for _, watch in self._watched:
      watch.begin(self._batches)

  def on_train_batch_end(
    self, batch: int, logs: dict[str, float] | None = None
  ) -> None:
    if not self._looks:
      return
    self._looks = batch + 1 < self._batches
    for distance, watch in self._watched:
      seen = watch.extremes()
      if seen is not None:
        ranges.refuse(
          *seen, "references (y_true)", distance.spec, distance.value_range
        )


def _distances(model: keras.Model) -> Iterator[distances.Distance]:
  """Yields the distances of a compiled model; one may come twice."""
  # Keras 2 and 3 hold metrics in private attributes until the first batch.
  compiled = [
    getattr(getattr(model, owner, None), part, None)
    for owner in ("compiled_metrics", "_compile_metrics")
    for part in ("_user_metrics", "_user_weighted_metrics")
  ]
  for holder in _flat([getattr(model, "loss", None), *compiled]):
    held = _held(holder)
    if held is not None:
      yield held
  for layer in model._flatten_layers():
    if isinstance(layer, distances.Distance):
      yield layer


def _held(holder: Any) -> distances.Distance | None:
  """Returns the distance of a loss or metric, or of its Keras name, if any."""
  if isinstance(holder, str):
    holder = keras.saving.get_registered_object(holder)
  if hasattr(holder, "held_distance"):
    return holder.held_distance()
  held = getattr(holder, "distance", None)
  return held if isinstance(held, distances.Distance) else None


def _flat(structure: Any) -> Iterator[Any]:
  if isinstance(structure, dict):
    structure = list(structure.values())
  if isinstance(structure, (list, tuple)):
    for part in structure:
      yield from _flat(part)
  elif structure is not None:
    yield structure
