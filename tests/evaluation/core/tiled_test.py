"""Tiles give the value of the whole, or say that they do not."""

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.core import tiled

SIZE = (300, 419)  # odd, so that pyramids repeat a row at the border only


@pytest.fixture(scope="module")
def pair(photograph):
  reference = photograph(*SIZE)
  random = np.random.default_rng(0)
  shift = np.roll(reference, 1, axis=1).astype(np.float64)
  # Uneven, so that the mean over tiles is not that of the whole by chance.
  noise = random.normal(size=shift.shape) * np.linspace(0, 60, SIZE[1])[:, None]
  return reference, np.clip(shift + noise, 0, 255).astype(np.uint8)


def in_unit(picture, full):
  return picture[None].astype(np.float32) / np.float32(full)


@pytest.fixture
def small_tiles(monkeypatch):
  monkeypatch.setattr(tiled, "WHOLE_PIXELS", 1000)
  monkeypatch.setattr(tiled, "TILE_SIDE", 64)
  monkeypatch.setattr(tiled, "FEATURE_TILE_SIDE", 64)
  monkeypatch.setattr(tiled, "_GRID", 8)


LOCAL = (
  "mse",
  "mae",
  "psnr",
  "ssim",
  'ssim(border="zero")',
  'ssim(border="mirror")',
  'ms_ssim(scales=3, border="mirror")',
  'ms_ssim(scales=3, border="mirror", per_pixel=True)',
  "ssim(window=7)",
  "ms_ssim(scales=3)",
  "ms_ssim(scales=1)",
  "0.84*ms_ssim(scales=2) + mae",
)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_small_picture_has_the_value_of_the_library(pair, dtype):
  full = np.iinfo(dtype).max
  reference, image = (p.astype(dtype) * (full // 255) for p in pair)
  distance = distances.get("ms_ssim")
  found = tiled.measure(distance, reference, image)
  floats = [
    (p / np.float32(full)).astype(np.float32)[None] for p in (reference, image)
  ]
  assert found.value == float(distance(*floats)[0])
  assert found.score == float(distance.score(*floats)[0])
  assert (found.tiles, found.is_exact) == (1, True)


@pytest.mark.parametrize("spec", LOCAL)
def test_tiles_of_a_local_distance_give_the_value_of_the_whole(
  pair, spec, small_tiles
):
  distance = distances.get(spec, dtype="float64")
  found = tiled.measure(distance, *pair)
  floats = [in_unit(p, 255) for p in pair]
  assert found.tiles > 4
  assert found.is_exact
  # Everything is summed in float64.
  assert found.value == pytest.approx(float(distance(*floats)[0]), rel=1e-9)
  assert found.score == pytest.approx(
    float(distance.score(*floats)[0]), rel=1e-9
  )


# Their thresholds follow from the mean of the whole picture, and blocks are
# pooled in one sum. DISTS compares moments of the whole picture.
NOT_LOCAL = {"dists", "watson_dct", "watson_dft"}
# Convolutions of many channels take their time in float64.
PRECISION = {"pim": ("float32", 1e-5), "watson_vgg": ("float32", 1e-5)}


@pytest.mark.parametrize("name", distances.names())
def test_what_a_distance_says_of_its_locality_is_so(
  name, small_tiles, weights_or_skip, photograph
):
  dtype, tolerance = PRECISION.get(name, ("float64", 1e-9))
  with weights_or_skip():
    distance = distances.get(name, dtype=dtype)
  locality = distance.locality
  assert (locality is None) == (name in NOT_LOCAL)
  if locality is None:
    return
  # Two tiles side by side, as narrow as they may be.
  side = 2 * (max(distance.min_size, locality.reach) + max(8, locality.step))
  height = max(96, distance.min_size)
  reference = photograph(height, side + 37)
  random = np.random.default_rng(0)
  noise = random.normal(
    0, np.linspace(0, 90, side + 37)[:, None], reference.shape
  )
  image = np.clip(reference + noise, 0, 255).astype(np.uint8)
  found = tiled.measure(distance, reference, image)
  whole = distance(in_unit(reference, 255), in_unit(image, 255))
  assert found.tiles > 1
  assert found.value == pytest.approx(float(whole[0]), rel=tolerance)


def test_psnr_in_tiles_is_that_of_8_bit_pictures(pair, small_tiles):
  reference, image = (
    np.minimum(p.astype(np.int64) * 257 + 90, 65535).astype(np.uint16)
    for p in pair
  )
  found = tiled.measure(distances.get("psnr"), reference, image)
  wanted = -10 * np.log10(np.mean(np.square(pair[0] / 255 - pair[1] / 255)))
  # A sum in float32.
  assert found.score == pytest.approx(wanted, abs=1e-4)


def test_other_distances_are_a_mean_over_tiles_and_say_so(pair, small_tiles):
  spec = 'ms_ssim(scales=3, on_small="fewer_levels")'
  found = tiled.measure(distances.get(spec), *pair)
  whole = tiled.measure(distances.get("ms_ssim(scales=3)"), *pair)
  assert not found.is_exact
  assert found.tiles > 1
  assert found.value == pytest.approx(whole.value, rel=0.1)
  assert found.value != pytest.approx(whole.value, rel=1e-4)


def test_the_mean_over_tiles_counts_pixels(small_tiles, monkeypatch):
  monkeypatch.setattr(distances.MSE, "locality", None)
  random = np.random.default_rng(0)
  pair = random.integers(0, 256, (2, 100, 130, 1), np.uint8)
  found = tiled.measure(distances.get("mse"), *pair)
  wanted = np.mean(np.square(pair[0] / 255 - pair[1] / 255))
  assert (found.tiles, found.is_exact) == (6, False)
  assert found.value == pytest.approx(wanted, rel=1e-5)  # float32


@pytest.mark.parametrize("spec", ["mse", "ssim", "ms_ssim(scales=3)"])
def test_the_map_of_tiles_is_the_map_of_the_whole(pair, spec, small_tiles):
  distance = distances.get(spec)
  found, square = tiled.error_map(distance, *pair)
  floats = [in_unit(p, 255) for p in pair]
  assert square == 1
  # Float32, where another border of a convolution is another order of sums.
  np.testing.assert_allclose(found, distance.map(*floats)[0], atol=2e-4)


def test_the_map_of_a_large_picture_is_reduced(pair, small_tiles, monkeypatch):
  monkeypatch.setattr(tiled, "MAP_PIXELS", 10_000)
  distance = distances.get("mse")
  found, square = tiled.error_map(distance, *pair)
  full = np.square(pair[0] / 255 - pair[1] / 255).mean(axis=-1)
  assert square == 4
  assert found.shape == (75, 105)
  # The last column has squares of 3 pixels, as 419 is 104 times 4 and 3.
  wanted = [
    [full[y : y + 4, x : x + 4].mean() for x in range(0, 419, 4)]
    for y in range(0, 300, 4)
  ]
  np.testing.assert_allclose(found, wanted, rtol=1e-5)  # float32


def test_sizes_that_differ_are_named():
  pictures = [np.zeros(s, np.uint8) for s in ((4, 5, 3), (4, 6, 3))]
  with pytest.raises(ValueError, match=r"sizes differ: .* 5x4 .* image 6x4"):
    tiled.measure(distances.get("mse"), *pictures)


def test_a_picture_too_small_is_the_error_of_the_distance():
  pictures = [np.zeros((9, 90, 3), np.uint8)] * 2
  with pytest.raises(ValueError, match="ms_ssim needs images of at least 161"):
    tiled.measure(distances.get("ms_ssim"), *pictures)
