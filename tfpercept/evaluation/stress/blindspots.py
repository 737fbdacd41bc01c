"""Blind spots: pictures that a distance takes for a reference.

The experiment of a talk by Ballé: start from noise, minimise a distance, and
look at what it does not see. A second descent, as in MAD competition (Wang and
Simoncelli, 2008), starts from the reference with noise and holds another
distance constant.
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import descent, distances, registry
from tfpercept.evaluation.core.settings import Blindspots as Settings
from tfpercept.io import files

STARTS = ("noise", "held")
_HELD_NOISE = 0.1  # deviation of the noise added to the reference
_REST = 0.02  # share of the fall; a steady fall has 0.18
_TOLD = 10  # fewer steps do not show whether the descent came to rest


@dataclasses.dataclass(frozen=True)
class Spot:
  """A picture made by minimising a distance.

  Attributes:
    start: Start of the descent, one of `STARTS`.
    spec: Spec of the minimised distance.
    picture: Result of the descent, uint8 `[H, W, C]`.
    late: Share of the distance's fall in the second half of the steps; None if
      it is not known, or the distance did not fall.
  """

  start: str
  spec: str
  picture: np.ndarray
  late: float | None = None

  @property
  def is_at_rest(self) -> bool:
    """Whether the descent came to where more steps change little."""
    return self.late is not None and self.late < _REST


@dataclasses.dataclass(frozen=True)
class Gallery:
  """All pictures made for one reference.

  Attributes:
    reference: Reference, uint8 `[H, W, C]`.
    starts: Starts of the descents by name, uint8 `[H, W, C]`.
    spots: Results of the descents.
    values: Values of every distance, by its spec, for each start and spot. The
      keys are `(start, spec)`, with None as spec for the start itself.
    missing: Reasons why distances or spots are left out, by name.
  """

  reference: np.ndarray
  starts: dict[str, np.ndarray]
  spots: list[Spot]
  values: dict[tuple[str, str | None], dict[str, float]]
  missing: dict[str, str]


def start(reference: np.ndarray, name: str, settings: Settings) -> tf.Tensor:
  """Returns the start of a descent: uniform noise, or the noisy reference.

  Args:
    reference: Reference, uint8 `[H, W, C]`.
    name: Start of the descent, one of `STARTS`.
    settings: Settings, of which the seed is used.

  Returns:
    Float `[1, H, W, C]` in [0, 1]. For `"held"` the held distance does not have
    its value yet.
  """
  seed = [settings.seed, STARTS.index(name)]
  shape = (1, *reference.shape)
  if name == "noise":
    return tf.random.stateless_uniform(shape, seed)
  noise = tf.random.stateless_normal(shape, seed)
  return tf.clip_by_value(_floats(reference) + _HELD_NOISE * noise, 0.0, 1.0)


def minimise(
  distance: distances.Distance | None,
  reference: np.ndarray,
  name: str,
  settings: Settings,
  *,
  progress: Callable[[int], None] = lambda step: None,
  values: list[float] | None = None,
) -> np.ndarray:
  """Makes a picture that a distance takes for the reference.

  Args:
    distance: Distance to minimise. None only moves the start to where the held
      distance has its value.
    reference: Reference, uint8 `[H, W, C]`.
    name: Start of the descent, one of `STARTS`.
    settings: Settings of the descent.
    progress: Function called with the number of steps done.
    values: List to which the distance before each step is added; None keeps
      none.

  Returns:
    uint8 `[H, W, C]`.

  Raises:
    descent.NonFiniteError: if the distance or its gradient is not finite.
  """
  target = _floats(reference)
  constraint = None
  if name == "held":
    held = distances.get(settings.held)
    constraint = descent.Constraint(
      lambda x: held(target, x), settings.radius, corrections=5
    )
  result = descent.minimise(
    _objective(distance, target),
    start(reference, name, settings),
    steps=1 if distance is None else settings.steps,
    method=descent.Adam(settings.learning_rate),
    bounds=(0.0, 1.0),
    constraint=constraint,
    callback=lambda step, values, x: progress(step),
  )
  if values is not None:
    values += result.values[:, 0].tolist()
  return np.round(result.variable[0].numpy() * 255).astype(np.uint8)


def make(
  reference: np.ndarray,
  metrics: Mapping[str, distances.Distance],
  folder: files.PathLike,
  settings: Settings,
  *,
  starts: Sequence[str] = STARTS,
  missing: Mapping[str, str] | None = None,
  progress: Callable[[int, str], None] = lambda steps, what: None,
) -> Gallery:
  """Makes the blind spots of distances for a reference, or finds them made.

  Each picture goes to the folder as PNG when it is finished, with its settings
  beside it; a later call with the same reference and settings reads it. The
  values are those of the 8-bit pictures.

  Args:
    reference: Reference, uint8 `[H, W, C]`.
    metrics: Distances by spec.
    folder: Folder where the pictures are kept.
    settings: Settings of the descents.
    starts: Starts of the descents, some of `STARTS`.
    missing: Reasons why distances are left out already, by name.
    progress: Function called with the number of all steps done and the name of
      the picture.
  """
  parts = registry.file_names(metrics)
  begun = {n: minimise(None, reference, n, settings) for n in starts}
  gallery = Gallery(reference, begun, [], {}, dict(missing or {}))
  for index, (name, spec) in enumerate(plan(metrics, settings, starts)):
    what, before = f"{name}: {spec}", index * settings.steps

    def show(step: int, what: str = what, before: int = before) -> None:
      progress(before + step, what)

    path = pathlib.Path(folder) / f"{name}.{parts[spec]}"
    record: dict[str, Any] = {"spec": spec, "start": name}
    record["reference"] = _digest(reference)
    if checksum := metrics[spec].checksum:
      record["weights"] = checksum
    if name == "held" and (checksum := distances.get(settings.held).checksum):
      record["held_weights"] = checksum
    descend = functools.partial(
      _descended, metrics[spec], reference, name, settings, show
    )
    try:
      picture, late = _kept(
        path, record | dataclasses.asdict(settings), descend
      )
    except (descent.NonFiniteError, ValueError) as error:
      gallery.missing[what] = str(error)
      continue
    gallery.spots.append(Spot(name, spec, picture, late))
  gallery.values.update(_values(gallery, metrics))
  return gallery


def _descended(
  distance: distances.Distance,
  reference: np.ndarray,
  name: str,
  settings: Settings,
  progress: Callable[[int], None],
) -> tuple[np.ndarray, float | None]:
  """Returns the picture of a descent and the share of its late fall."""
  values: list[float] = []
  picture = minimise(
    distance, reference, name, settings, progress=progress, values=values
  )
  return picture, _late(values)


def _values(
  gallery: Gallery, metrics: Mapping[str, distances.Distance]
) -> dict[tuple[str, str | None], dict[str, float]]:
  """Returns the values of every distance for each start and spot."""
  pictures: dict[tuple[str, str | None], np.ndarray] = {
    (name, None): picture for name, picture in gallery.starts.items()
  }
  pictures |= {(s.start, s.spec): s.picture for s in gallery.spots}
  reference = _floats(gallery.reference)
  return {
    key: {
      spec: float(metric(reference, _floats(picture))[0])
      for spec, metric in metrics.items()
    }
    for key, picture in pictures.items()
  }


def plan(
  metrics: Mapping[str, distances.Distance],
  settings: Settings,
  starts: Sequence[str] = STARTS,
) -> list[tuple[str, str]]:
  """Returns the start and spec of each descent; the held distance has none."""
  held = distances.get(settings.held).spec
  return [
    (name, spec)
    for name in starts
    for spec in metrics
    if not (name == "held" and spec == held)
  ]


def _objective(
  distance: distances.Distance | None, target: tf.Tensor
) -> descent.Objective:
  if distance is None:
    return lambda x: 0 * x[:, 0, 0, 0]
  if distance.has_fused:
    return lambda x: distance(target, x)
  embedded = distance.embed(target)  # once, not at every step
  return lambda x: distance.pool(distance.compare(embedded, distance.embed(x)))


def _kept(
  path: pathlib.Path,
  record: dict[str, Any],
  make_picture: Callable[[], tuple[np.ndarray, float | None]],
) -> tuple[np.ndarray, float | None]:
  """Returns a picture and its `late`, read if made in this way before."""
  picture, note = (path.with_name(path.name + s) for s in (".png", ".json"))
  if picture.is_file() and note.is_file():
    found = json.loads(note.read_text())
    if {key: found.get(key) for key in record} == record:
      return files.read_image(picture), found.get("late")
  began = time.perf_counter()
  made, late = make_picture()
  note.unlink(missing_ok=True)  # that of another picture
  files.write_image(picture, made)
  # The note comes last: a picture without one is not finished.
  seconds = round(time.perf_counter() - began, 1)
  files.write_json(note, record | {"seconds": seconds, "late": late})
  return made, late


def _late(values: Sequence[float]) -> float | None:
  """Returns `Spot.late` of the values before each step.

  Steps get smaller along a cosine: the second half has 18 % of the way that
  all of them can go.
  """
  if len(values) < _TOLD or not values[0] > values[-1]:
    return None
  return (values[len(values) // 2] - values[-1]) / (values[0] - values[-1])


def _floats(picture: np.ndarray) -> tf.Tensor:
  return tf.constant(picture[None] / np.float32(255), tf.float32)


def _digest(picture: np.ndarray) -> str:
  data = np.ascontiguousarray(picture).tobytes()
  return hashlib.sha256(data + str(picture.shape).encode()).hexdigest()
