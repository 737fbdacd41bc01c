"""Pictures of every size and content, and what all codecs make of them."""

import hypothesis
import numpy as np
from hypothesis import strategies as st

NO_GREY = {"webp"}

# Ends of blocks, primes, lines, and what is thin.
SIZES = st.one_of(
  st.tuples(st.integers(1, 70), st.integers(1, 70)),
  st.sampled_from(
    [
      (1, 1),
      (1, 2),
      (2, 1),
      (1, 997),
      (997, 1),
      (3, 2000),
      (65, 1),
      (1, 65),
      (17, 257),
      (127, 131),
    ]
  ),
)


def noise(random, size):
  return random.integers(0, 256, size)


def extremes(random, size):
  return random.integers(0, 2, size) * 255


def constant(random, size):
  return np.full(size, random.integers(0, 256, size[-1]))


def gradient(random, size):
  return np.linspace(0, 255, size[1])[None, :, None] + np.zeros(size)


def checkers(random, size):
  rows, columns = np.indices(size[:2])
  return ((rows + columns) % 2 * 255)[..., None] + np.zeros(size)


def text(random, size):
  lines = (np.arange(size[0]) % 5 < 3)[:, None, None]
  return np.where(lines & (random.random((*size[:2], 1)) < 0.4), 0, 255) + (
    np.zeros(size)
  )


CONTENTS = (noise, extremes, constant, gradient, checkers, text)
PICTURES = st.builds(
  lambda content, size, channels, seed: content(
    np.random.default_rng(seed), (*size, channels)
  ).astype(np.uint8),
  st.sampled_from(CONTENTS),
  SIZES,
  st.sampled_from([1, 3]),
  st.integers(0, 3),
)


def tried(examples: int):
  """Settings of hypothesis: the same so many examples each time."""
  return hypothesis.settings(
    max_examples=examples, deadline=None, derandomize=True, database=None
  )


def check(codec, picture, quality):
  """What holds for all codecs, pictures and qualities."""
  data = codec.compress(picture, quality=quality)
  again = codec.decompress(data)
  channels = 3 if codec.registered_name in NO_GREY else picture.shape[2]
  assert again.shape == (*picture.shape[:2], channels)
  assert again.dtype == np.uint8
  assert codec.compress(picture, quality=quality) == data
  return again
