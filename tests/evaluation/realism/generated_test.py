"""The figure of a generator: near for its own pictures, with its samples."""

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import small_generators
from tfpercept import distances
from tfpercept.evaluation.core import set_distances
from tfpercept.evaluation.realism import generated, patches


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_farther_than_the_floor_and_like_pictures_are_not(channels):
  held_out, trained, alike = (
    small_generators.pictures(40, channels, seed=seed) for seed in range(3)
  )
  noise = np.random.default_rng(0).integers(256, size=alike.shape)
  for good, bad in zip(
    generated.figures(alike, held_out, trained),
    generated.figures(noise.astype(np.uint8), held_out, trained),
    strict=True,
  ):
    assert bad.floor == good.floor > 0
    assert good.value < 2 * good.floor < bad.value


def test_the_pictures_held_out_are_at_0_and_sizes_are_said():
  held_out = small_generators.pictures(5)
  trained = small_generators.pictures(4, seed=1)
  alex, pim = generated.figures(held_out, held_out, trained)
  assert alex.name == "frechet_alex"
  assert pim.name == "frechet_pim"
  assert alex.value == pytest.approx(0, abs=1e-6)
  assert "of 5 samples against 5 pictures held out" in str(alex)
  assert "of 4 pictures trained on" in str(alex)


def test_features_are_those_of_the_evaluation_of_realism():
  samples, held_out = (small_generators.pictures(3, seed=i) for i in range(2))
  space = patches.SPACES["pim"]
  distance = distances.get(space.spec)

  def features(images):
    return np.concatenate([
      patches.features(
        space, distance, distance.embed(tf.constant(x[None] / np.float32(255))),
        x.shape[:2], side=32,
      )
      for x in images
    ])  # fmt: skip

  (found,) = generated.figures(samples, held_out, held_out, spaces=["pim"])
  expected = set_distances.frechet(features(samples), features(held_out))
  assert found.value == pytest.approx(expected, rel=1e-3)  # sums in batches


def test_too_few_or_too_small_pictures_are_refused():
  pictures = small_generators.pictures(3)
  with pytest.raises(ValueError, match=r"of those held out there are 1"):
    generated.figures(pictures, pictures[:1], pictures)
  small = pictures[:, :16, :16]
  with pytest.raises(ValueError, match="lpips needs images of at least"):
    generated.figures(small, small, small)
