"""Values of a distance for judged pictures, and the time they take."""

import dataclasses
import math
import re
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.data import judgements
from tfpercept.evaluation.core import kept_values
from tfpercept.ops import color

_BATCH_PIXELS = 1 << 17  # pixels in a batch: 32 pictures of 64x64


@dataclasses.dataclass(frozen=True)
class Measured:
  """Values of a distance for the pairs of a data set.

  Attributes:
    values: Distances by the keys of reference and image.
    seconds: Mean wall time of a pair, reading and tracing left out.
    failures: Reasons for missing values, by the key of the image.
    note: Changes made to the pictures, such as a crop; may be empty.
  """

  values: dict[judgements.PairKey, float]
  seconds: float = math.nan
  failures: dict[str, str] = dataclasses.field(default_factory=dict)
  note: str = ""


def measure(
  distance: distances.Distance,
  data: judgements.Judgements,
  *,
  downscale: int = 1,
  cache: judgements.Cache | None = None,
  compiled: "Compiled | None" = None,
  kept: kept_values.KeptValues | None = None,
  progress: Callable[[int, int], None] = lambda done, of: None,
) -> Measured:
  """Computes a distance for every pair of a data set, each pair once.

  Small pictures go through in batches, large ones alone and whole. Sides that
  are no multiple of what the distance needs are cropped around the centre; the
  note says so.

  Args:
    distance: Distance to compute.
    data: Data set whose pairs are measured.
    downscale: Factor by which pictures are first reduced, by averaging.
    cache: Reader of pictures; calls that share it read each picture once.
    compiled: Graph of the same distance. Calls that share it trace it once,
      even if its weights change in between.
    kept: Values of earlier calls, not computed again; new ones are added.
    progress: Function called with the number of pairs done and the number of
      all.

  Returns:
    Values of the pairs that could be measured and why the others could not.

  Raises:
    kept_lines.NotKept: if a value cannot be written to `kept`.
  """
  cache = judgements.Cache() if cache is None else cache
  values, notes = {}, set()
  failures: dict[str, str] = {}
  seconds, done, pairs = 0.0, 0, data.pairs
  run = Compiled(distance) if compiled is None else compiled
  own = None if kept is None else kept.of(distance, downscale)
  for batch in _batches(pairs, cache, failures):
    try:
      stacked = [np.stack([b[side] for b in batch]) for side in (2, 3)]
      (reference, image), note = _prepared(distance, stacked, downscale)
      distance.validate(*image.shape[1:3])
      result, took = _run(run, own, batch, reference, image)
    except (ValueError, tf.errors.OpError, MemoryError) as error:
      failures |= dict.fromkeys((b[1].key for b in batch), _reason(error))
    else:
      notes.add(note)
      seconds += took
      for (r, p, *_), value in zip(batch, result, strict=True):
        if math.isnan(value):
          failures[p.key] = "the distance is NaN"
        else:
          values[r.key, p.key] = value
    done += len(batch)
    progress(done, len(pairs))
  count = max(len(values), 1)
  note = "; ".join(sorted(filter(None, notes)))
  return Measured(values, seconds / count, failures, note)


def _run(
  run: "Compiled",
  kept: kept_values.OfDistance | None,
  batch: list[tuple],
  reference: np.ndarray,
  image: np.ndarray,
) -> tuple[list[float], float]:
  """Returns the values of a batch, and the seconds they took.

  Args:
    run: The distance.
    kept: Values of the distance from earlier calls, if they are kept.
    batch: Pairs as `_batches` yields them.
    reference: References of the pairs, float32 `[N, H, W, C]` in [0, 1], as the
      distance wants them.
    image: Images of the pairs, of the same shape and range.
  """
  found = [kept.find(b[2], b[3]) if kept else None for b in batch]
  new = [place for place, known in enumerate(found) if known is None]
  if new:
    result, took = run(reference[new], image[new])
    each = took / len(new)
    for place, value in zip(new, result.tolist(), strict=True):
      found[place] = value, each
      if kept and math.isfinite(value):
        kept.add(batch[place][2], batch[place][3], value, each)
  known = [pair for pair in found if pair is not None]
  return [value for value, _ in known], sum(seconds for _, seconds in known)


class Compiled:
  """Runs a distance as a graph, one for each size of picture."""

  def __init__(self, distance: distances.Distance):
    self._distance = distance
    self._graphs: dict[tuple[int, ...], Callable[..., tf.Tensor]] = {}

  def __call__(
    self, reference: np.ndarray, image: np.ndarray
  ) -> tuple[np.ndarray, float]:
    """Returns values `[N]` and the seconds it took, without tracing."""
    shape = reference.shape[1:]
    if shape not in self._graphs:
      signature = tf.TensorSpec((None, *shape), tf.float32)
      self._graphs[shape] = tf.function(
        lambda r, i: self._distance(r, i), reduce_retracing=True
      ).get_concrete_function(signature, signature)
    pair = tf.constant(reference), tf.constant(image)
    start = time.perf_counter()
    result = self._graphs[shape](*pair).numpy()
    return result, time.perf_counter() - start


def _batches(
  pairs: tuple[tuple[judgements.Picture, judgements.Picture], ...],
  cache: judgements.Cache,
  failures: dict[str, str],
) -> Iterator[list[tuple]]:
  """Yields `(reference, image, pixels, pixels)` in runs of equal size."""
  batch: list[tuple] = []
  for reference, image in pairs:
    try:
      pixels = cache(reference), cache(image)
      if pixels[0].shape != pixels[1].shape:
        raise ValueError(
          f"reference and image differ in shape: {pixels[0].shape} and "
          f"{pixels[1].shape}"
        )
    # What making a picture can raise, the want of a library among it.
    except (
      ValueError,
      ArithmeticError,
      ImportError,
      MemoryError,
      OSError,
    ) as error:
      failures[image.key] = _reason(error)
      continue
    shape = pixels[0].shape
    limit = max(1, _BATCH_PIXELS // (shape[0] * shape[1]))
    if batch and (batch[0][2].shape != shape or len(batch) >= limit):
      yield batch
      batch = []
    batch.append((reference, image, *pixels))
  if batch:
    yield batch


def _prepared(
  distance: distances.Distance, images: list[np.ndarray], downscale: int
) -> tuple[list[np.ndarray], str]:
  """Returns float32 `[N, H, W, C]` in [0, 1] as the distance wants them."""
  notes = []
  images = [i.astype(np.float32) / np.float32(255) for i in images]
  if downscale > 1:
    images = [_reduced(i, downscale) for i in images]
    notes.append(f"reduced {downscale}x")
  images = [color.luma_if_gray(i, distance.channels) for i in images]
  if images[0].shape[-1] == 1:
    notes.append("on luma")
  height, width = images[0].shape[1:3]
  multiple = distance.size_multiple
  new = height // multiple * multiple, width // multiple * multiple
  if new != (height, width) and min(new):
    images = [_centre(i, *new) for i in images]
    notes.append(f"centre {new[1]}x{new[0]} of {width}x{height}")
  return images, ", ".join(notes)


def _reduced(image: np.ndarray, factor: int) -> np.ndarray:
  n, height, width, channels = image.shape
  rows, columns = height // factor, width // factor
  if not rows or not columns:
    raise ValueError(f"{width}x{height} cannot be reduced by {factor}")
  cut = image[:, : rows * factor, : columns * factor]
  blocks = cut.reshape(n, rows, factor, columns, factor, channels)
  return blocks.mean(axis=(2, 4))


def _centre(image: np.ndarray, height: int, width: int) -> np.ndarray:
  top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
  return image[:, top : top + height, left : left + width]


def _reason(error: Exception) -> str:
  """Returns the line of a message that says why; errors in graphs have many."""
  lines = str(error).strip().splitlines() or [type(error).__name__]
  causes = [line for line in lines if re.match(r"\s*\w+Error: ", line)]
  return (causes or lines)[-1 if causes else 0].strip()
