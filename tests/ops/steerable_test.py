"""Pyramids of PIM against those of its reference program."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept.ops import steerable

with np.load(cases.FOLDER / "pim.npz", allow_pickle=False) as stored:
  GOLDEN = {k: v for k, v in stored.items() if "pim" not in k}


def picture(rows, columns):
  with np.load(cases.FOLDER / "images.npz", allow_pickle=False) as images:
    return images["ex64_ref"][None, :rows, :columns] / 255


@pytest.mark.parametrize(
  ("name", "function", "size"),
  [
    ("steerable_sp1_same", steerable.steerable, (24, 32)),
    ("laplacian_valid", steerable.laplacian, (64, 64)),
  ],
)
def test_bands_agree_with_the_reference(name, function, size):
  bands = function(tf.constant(picture(*size)), 3)
  expected = [GOLDEN[k][None] for k in sorted(GOLDEN) if k.startswith(name)]
  assert len(bands) == len(expected)
  for band, theirs in zip(bands, expected, strict=True):
    # Theirs are stored in float32, of a magnitude up to 5.
    np.testing.assert_allclose(band, theirs, rtol=0, atol=5e-7)


@pytest.mark.parametrize(
  ("band", "table"),
  [
    (-1, "hi0filt"),
    (-2, "bfilts"),  # first orientation of the finest octave
    (-3, "bfilts"),
  ],
)
def test_filters_are_the_published_tables(band, table):
  """An impulse comes out as the filter turned around, or filtered by it."""
  impulse = np.zeros((1, 41, 41, 1))
  impulse[0, 20, 20] = 1
  found = steerable.steerable(tf.constant(impulse), 1)[band][0, :, :, 0]
  theirs = GOLDEN[f"filters/sp1/{table}"]
  if table == "bfilts":
    theirs = theirs[:, -2 - band].reshape(9, 9).T
    low = GOLDEN["filters/sp1/lo0filt"]
    theirs = np.fft.irfft2(
      np.fft.rfft2(theirs, (17, 17)) * np.fft.rfft2(low, (17, 17)), (17, 17)
    )
  margin = (41 - len(theirs)) // 2
  inner = found[margin:-margin, margin:-margin].numpy()[::-1, ::-1]
  np.testing.assert_allclose(inner, theirs, rtol=0, atol=1e-15)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_do_not_mix(channels):
  image = np.random.default_rng(0).uniform(size=(1, 19, 24, channels))
  together = steerable.steerable(tf.constant(image), 2)
  for c in range(channels):
    alone = steerable.steerable(tf.constant(image[..., c : c + 1]), 2)
    for band, single in zip(together, alone, strict=True):
      np.testing.assert_allclose(band[..., c : c + 1], single, atol=1e-14)


def changed(function, side, count):
  """Distances from the center at which a band notices a change there."""
  random = np.random.default_rng(1)
  image = random.uniform(size=(1, side, side, 1))
  other = image.copy()
  other[0, side // 2, side // 2] += 1
  bands = [function(tf.constant(i), count) for i in (image, other)]
  for a, b in zip(*bands, strict=True):
    places = np.argwhere(np.abs(a - b)[0, :, :, 0] > 0)
    yield (b.shape[1], places)


def test_nothing_is_seen_beyond_the_reach_of_the_steerable_pyramid():
  farthest = 0
  for size, places in changed(steerable.steerable, 257, 3):
    stride = round(257 / size)
    farthest = max(farthest, np.abs(places * stride - 128).max())
  # The lowpass band has every eighth pixel; 60 is the last of them in reach.
  assert farthest == steerable.reach(3) // 8 * 8


def test_the_smallest_image_of_the_laplacian_pyramid_has_all_bands():
  side = steerable.laplacian_min_side(3)
  bands = steerable.laplacian(tf.zeros([1, side, side, 3]), 3)
  assert min(min(b.shape[1:3]) for b in bands) >= 1
  smaller = tf.zeros([1, side - 1, side - 1, 3])
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
    bands = steerable.laplacian(smaller, 3)
    raise ValueError if any(0 in b.shape for b in bands) else AssertionError
