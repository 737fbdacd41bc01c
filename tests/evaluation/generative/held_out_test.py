"""Distances of reconstructions: which suit, and their means."""

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.generative import held_out


def test_small_grey_pictures_get_fewer_scales_and_grey_parameters():
  names = ["mse", "ms_ssim", "nlpd", "watson_dft", "ssim"]
  found, missing = held_out.metrics((32, 32, 1), names)
  assert list(found) == [
    "mse",
    "ms_ssim(on_small='fewer_levels')",
    "nlpd(on_small='fewer_levels')",
    "watson_dft(channels=1)",
    "ssim",
  ]
  assert not missing


def test_large_colour_pictures_get_distances_as_they_are():
  names = ["ms_ssim", "watson_dft"]
  assert list(held_out.metrics((168, 168, 3), names)[0]) == names


def test_what_does_not_suit_is_left_out_with_the_reason():
  found, missing = held_out.metrics((30, 30, 1), ["lpips", "watson_dct", "mae"])
  assert list(found) == ["mae"]
  assert "at least 31x31" in missing["lpips"]
  assert "multiples of 8" in missing["watson_dct"]
  assert "it takes" in held_out.metrics((32, 32, 2), ["delta_e"])[1]["delta_e"]


def test_a_spec_can_stand_in_for_a_distance():
  instead = {"ssim": "ssim(window=7)", "pim": "no such name"}
  found, _ = held_out.metrics((32, 32, 1), ["ssim", "mse"], instead=instead)
  assert list(found) == ["ssim(window=7)", "mse"]


def test_by_default_every_distance_is_asked_once():
  found, missing = held_out.metrics((8, 8, 1))
  asked = {spec.split("(")[0] for spec in found} | set(missing)
  assert asked == set(distances.names()) - {"psnr"}  # whose value is mse's


@pytest.fixture
def pairs():
  random = np.random.default_rng(0)
  return random.uniform(size=(2, 7, 16, 16, 1)).astype(np.float32)


def test_values_in_batches_are_those_of_the_distance(pairs, monkeypatch):
  monkeypatch.setattr(held_out, "_BATCH", 3)
  found, _ = held_out.metrics((16, 16, 1), ["ssim"])
  values = held_out.values(found["ssim"], *pairs)
  # Float32, as a graph and in other batches.
  np.testing.assert_allclose(values, distances.get("ssim")(*pairs), rtol=1e-5)


def test_means_have_intervals_around_them(pairs):
  found, _ = held_out.metrics((16, 16, 1), ["mse", "mae"])
  means = held_out.means(found, *pairs)
  assert list(means) == ["mse", "mae"]
  # Float32.
  expected = np.square(pairs[0] - pairs[1]).mean()
  assert means["mse"].value == pytest.approx(expected, rel=1e-5)
  assert means["mse"].low < means["mse"].value < means["mse"].high
  one = held_out.means(found, *pairs[:, :1])["mse"]
  assert one.why == "there is one picture, so no interval"
