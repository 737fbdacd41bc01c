"""WebP files of pages: the very pixels, or few bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from tfpercept.data import packaged
from tfpercept.reports import small_png, small_webp


def decoded(data):
  return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (60, 90)])
def test_a_lossless_file_holds_the_very_pixels(shape, channels):
  random = np.random.default_rng(0)
  image = random.integers(0, 256, (*shape, channels), np.uint8)
  found = decoded(small_webp.encode(image))
  np.testing.assert_array_equal(found, np.broadcast_to(image, found.shape))


def test_a_photograph_takes_less_than_in_png():
  image = packaged.test()["chelsea"]
  data = small_webp.encode(image)
  np.testing.assert_array_equal(decoded(data), image)
  assert len(data) < 0.8 * len(small_png.encode(image))


def test_a_lossy_file_is_small_and_close():
  image = packaged.test()["chelsea"]
  data = small_webp.encode(image, quality=85)
  error = np.abs(decoded(data).astype(int) - image).mean()
  assert 0 < error < 5
  assert len(data) < 0.3 * len(small_webp.encode(image))


@pytest.mark.parametrize(
  "image", [np.zeros([4, 4]), np.zeros([4, 4, 2], np.uint8)]
)
def test_other_pictures_are_refused(image):
  with pytest.raises(ValueError, match="expected uint8"):
    small_webp.encode(image)
