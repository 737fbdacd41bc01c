"""Distances of pairs: each once, in batches, and what cannot be measured."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.data import judgements
from tfpercept.distances import base
from tfpercept.evaluation.core import runner


def picture(key, size=(12, 16), seed=0):
  def read():
    if seed is None:
      raise ValueError("it is damaged")
    random = np.random.default_rng((seed, *key.encode()))
    return random.integers(0, 256, (*size, 3), np.uint8)

  return judgements.Picture(key, read)


def pairs(*images, reference=None):
  reference = picture("reference") if reference is None else reference
  items = tuple(
    judgements.Judgement(i.key, "content", reference, (i,), 0.5) for i in images
  )
  return judgements.Judgements("pairs", "jnd", items)


def test_values_are_those_of_the_distance_pair_by_pair():
  images = [picture(key) for key in "abcde"]
  measured = runner.measure(distances.get("mae"), pairs(*images))
  reference = picture("reference").read() / np.float32(255)
  for image in images:
    expected = np.abs(reference - image.read() / np.float32(255)).mean()
    value = measured.values["reference", image.key]
    # float32 sums in another order.
    assert value == pytest.approx(expected, rel=1e-5)
  assert measured.seconds > 0
  assert (measured.failures, measured.note) == ({}, "")


def test_a_pair_is_measured_once_however_often_it_was_judged():
  done = []
  data = pairs(picture("a"), picture("a"), picture("b"))
  runner.measure(
    distances.get("mse"), data, progress=lambda *at: done.append(at)
  )
  assert done == [(2, 2)]


def test_pictures_of_different_size_go_in_different_batches():
  done = []
  items = (
    *pairs(picture("a"), picture("b")).items,
    *pairs(picture("c", (20, 20)), reference=picture("large", (20, 20))).items,
  )
  data = judgements.Judgements("both", "jnd", items)
  measured = runner.measure(
    distances.get("mse"), data, progress=lambda *at: done.append(at)
  )
  assert done == [(2, 3), (3, 3)]
  assert len(measured.values) == 3


def test_what_can_not_be_measured_is_reported_and_the_rest_is():
  data = pairs(picture("a"), picture("b", (12, 12)), picture("c", seed=None))
  measured = runner.measure(distances.get("mse"), data)
  assert list(measured.values) == [("reference", "a")]
  assert measured.failures == {
    "b": "reference and image differ in shape: (12, 16, 3) and (12, 12, 3)",
    "c": "it is damaged",
  }


@pytest.mark.parametrize("error", [MemoryError, OverflowError, ImportError])
def test_a_picture_that_can_not_be_made_costs_its_pair_alone(error):
  def read():
    raise error("too much")

  good, bad = picture("good"), judgements.Picture("bad", read)
  found = runner.measure(distances.get("mse"), pairs(bad, good))
  assert found.failures == {"bad": "too much"}
  assert len(found.values) == 1


def test_a_distance_that_needs_larger_pictures_says_so():
  measured = runner.measure(distances.get("ms_ssim"), pairs(picture("a")))
  assert measured.values == {}
  assert "at least 161x161" in measured.failures["a"]


class OfBlocks(base.Distance):
  """Mean squared error of luma, of sides that are multiples of 8."""

  channels = (1,)
  size_multiple = 8

  def embed(self, image):
    return image

  def compare(self, reference, image):
    return [tf.math.squared_difference(reference, image)]

  def pool(self, maps):
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])


def test_pictures_are_cropped_and_made_grey_for_who_needs_it():
  image = picture("a")
  measured = runner.measure(OfBlocks(), pairs(image))
  assert measured.note == "on luma, centre 16x8 of 16x12"
  weights = np.array([0.299, 0.587, 0.114])
  luma = [p.read()[2:10] / 255 @ weights for p in (picture("reference"), image)]
  expected = np.mean((luma[0] - luma[1]) ** 2)
  # Pixels and luma are float32.
  assert measured.values["reference", "a"] == pytest.approx(expected, rel=1e-5)


def test_pictures_can_be_reduced_first():
  image = picture("a", (13, 16))
  data = pairs(image, reference=picture("reference", (13, 16)))
  measured = runner.measure(distances.get("mae"), data, downscale=4)
  assert measured.note == "reduced 4x"
  small = [
    p.read()[:12].reshape(3, 4, 4, 4, 3).mean((1, 3)) / 255
    for p in (data.items[0].reference, image)
  ]
  expected = np.abs(small[0] - small[1]).mean()
  assert measured.values["reference", "a"] == pytest.approx(expected, rel=1e-5)
  measured = runner.measure(distances.get("mae"), data, downscale=16)
  assert measured.failures == {"a": "16x13 cannot be reduced by 16"}


class Undefined(base.Distance):
  """NaN everywhere."""

  def embed(self, image):
    return image

  def compare(self, reference, image):
    return [(reference - image) * float("nan")]

  def pool(self, maps):
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])


def test_nan_is_no_value():
  measured = runner.measure(Undefined(), pairs(picture("a")))
  assert measured.values == {}
  assert measured.failures == {"a": "the distance is NaN"}
