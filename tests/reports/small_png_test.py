"""PNG files of pages hold the very pixels, in few bytes."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfpercept.data import packaged
from tfpercept.reports import charts, small_png


def cases():
  random = np.random.default_rng(0)
  yield packaged.test()["chelsea"]
  yield random.integers(0, 256, (7, 5, 1), np.uint8)
  yield random.integers(0, 256, (1, 1, 3), np.uint8)
  yield random.integers(0, 256, (40, 1, 3), np.uint8)
  yield np.uint8(np.add.outer(np.arange(90), 2 * np.arange(70)))[..., None]
  yield charts.colored(random.random((50, 60)))


@pytest.mark.parametrize("image", list(cases()))
def test_other_programs_read_the_very_pixels(image):
  data = small_png.encode(image)
  mode = "L" if image.shape[-1] == 1 else "RGB"
  read = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
  np.testing.assert_array_equal(read.reshape(image.shape), image)
  read = tf.io.decode_png(data, channels=image.shape[-1])
  np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize("image", list(cases()))
def test_files_are_no_larger_than_those_of_libpng(image):
  other = tf.io.encode_png(image, compression=9).numpy()
  assert len(small_png.encode(image)) <= len(other)


@pytest.mark.parametrize(
  "image", [np.zeros((2, 2, 3)), np.zeros((2, 2), np.uint8)]
)
def test_what_is_no_picture_is_refused(image):
  with pytest.raises(ValueError, match=r"expected uint8 \[H, W, 1 or 3\]"):
    small_png.encode(image)
