"""Prints the error of `lpips` from the rounding of the shipped AlexNet.

python -m benchmarks.shipped_lpips --original=alex.npz

The original, in float32, is any file that `lpips(weights=...)` takes.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import app, flags

from tfpercept import distances
from tfpercept.data import distortions, packaged

_ORIGINAL = flags.DEFINE_string("original", None, "Kernels in float32.")
_COUNT = flags.DEFINE_integer("count", 4000, "Number of crops.")
_SHIPPED = flags.DEFINE_string("weights", None, "Weights to test instead.")

SIDE = 64
BATCH = 100

Pair = tuple[np.ndarray, np.ndarray]


def crops(count: int, seed: int = 0) -> Iterator[Pair]:
  """Yields batches of crops of the packaged photographs, distorted.

  Each batch by one level of one distortion of `distortions.LADDERS`.
  """
  random = np.random.default_rng(seed)
  photographs = [*packaged.train(), *packaged.test().values()]
  ways = [
    (ladder, level)
    for ladder in distortions.LADDERS.values()
    for level in ladder.levels
  ]
  for batch in range(-(-count // BATCH)):
    reference = []
    for _ in range(min(BATCH, count - batch * BATCH)):
      picture = photographs[random.integers(len(photographs))]
      y, x = (random.integers(s - SIDE + 1) for s in picture.shape[:2])
      crop = picture[y : y + SIDE, x : x + SIDE]
      reference.append(np.broadcast_to(crop, (SIDE, SIDE, 3)))
    reference = np.stack(reference).astype(np.float32) / 255
    ladder, level = ways[batch % len(ways)]
    image = ladder.apply(tf.constant(reference), level, np.int32([seed, batch]))
    yield reference, np.round(image.numpy() * 255) / np.float32(255)


def greys() -> Iterator[Pair]:
  """Yields flat greys and the next lighter, where features are smallest."""
  levels = np.float32(np.arange(256) / 255)[:, None, None, None]
  levels = np.broadcast_to(levels, (256, SIDE, SIDE, 3))
  for start in range(0, 255, BATCH):
    end = min(start + BATCH, 255)
    yield levels[start:end], levels[start + 1 : end + 1]


def errors(original: str, pairs: Iterator[Pair], weights: str | None = None):
  """Returns the absolute error of each pair's value, `[count]`."""
  ours = distances.LPIPS(weights=weights)
  theirs = distances.LPIPS(weights=original)
  ours, theirs = map(tf.function, (ours.__call__, theirs.__call__))
  return np.concatenate(
    [abs(ours(*pair) - theirs(*pair)).numpy() for pair in pairs]
  )


def main(argv: list[str]) -> None:
  """Prints a row for each kind of pair."""
  del argv
  print("| pairs of 64x64 | largest error | root mean square | over 1e-4 |")
  print("| --- | --- | --- | --- |")
  kinds = {
    f"{_COUNT.value} distorted crops": crops(_COUNT.value),
    "255 flat greys and the next": greys(),
  }
  for kind, pairs in kinds.items():
    found = errors(_ORIGINAL.value, pairs, _SHIPPED.value)
    rms = np.sqrt(np.mean(np.square(found)))
    over = np.mean(found > 1e-4)
    print(f"| {kind} | {found.max():.1e} | {rms:.1e} | {over:.2%} |")


if __name__ == "__main__":
  flags.mark_flag_as_required("original")
  app.run(main)
