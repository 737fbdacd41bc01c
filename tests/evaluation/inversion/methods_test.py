"""The methods of the table of small pictures."""

import numpy as np
import pytest

from tests.codecs import small_generators
from tfpercept import codecs
from tfpercept.codecs.inversion import inversion_codec
from tfpercept.evaluation.inversion import methods


def test_clusters_of_a_picture_of_few_colors_are_these_colors():
  colors = np.uint8([[0, 0, 0], [250, 10, 10], [20, 240, 30], [255, 255, 255]])
  image = colors[np.random.default_rng(0).integers(0, 4, (16, 16))]
  np.testing.assert_array_equal(methods.clustered(image, 4), image)
  mean = np.round(image.reshape(-1, 3).mean(axis=0))
  np.testing.assert_array_equal(methods.clustered(image, 1)[3, 5], mean)


def test_more_clusters_are_nearer():
  image = small_generators.pictures(1, seed=3)[0]
  errors = [
    np.square(methods.clustered(image, k).astype(float) - image).mean()
    for k in (1, 2, 4, 8)
  ]
  assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("spec", ["png", "jpeg"])
def test_sizes_are_those_of_whole_files(spec):
  codec = codecs.get(spec)
  images = small_generators.pictures(2)
  found = methods.of_codec(codec)(images)
  assert list(found.sizes) == [len(codec.compress(i)) for i in images]
  assert found.images.shape == images.shape
  if spec == "png":
    np.testing.assert_array_equal(found.images, images)


def test_grey_pictures_stay_grey():
  images = small_generators.pictures(2, channels=1)
  found = methods.of_codec(codecs.get("webp"), 90)(images)
  assert found.images.shape == images.shape


def test_a_quality_keeps_a_rate_where_one_does(tmp_path):
  folder = small_generators.save("pca", tmp_path / "m")
  codec = inversion_codec.Inversion(model=str(folder))
  images = list(small_generators.pictures(6, seed=4))

  def rate(quality):
    sizes = [len(codec.compress(i, quality=quality)) for i in images]
    return 8 * np.mean(sizes) / 32**2

  middle = (rate(1) + rate(3)) / 2
  quality = methods.quality_at(codec, images, middle)
  assert 1 < quality < 3
  assert rate(quality) <= middle < rate(quality + 1 / 16)
  assert methods.quality_at(codec, images, 1e-3) == 1
  assert methods.quality_at(codec, images, 99) == 3
