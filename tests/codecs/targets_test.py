"""Quality is found by what a file takes, or by what is left of a picture."""

import math

import numpy as np
import pytest

from tfpercept import codecs
from tfpercept.codecs import targets

PICTURE = np.zeros((8, 10, 3), np.uint8)


class Scripted(codecs.Codec):
  """Files of `size(quality)` bytes, pictures off by `error(quality)`."""

  qualities = (1.0, 2.5, 4.03)

  def __init__(self, size, error=lambda quality: 1):
    self.size, self.error = size, error
    self.tried = []

  def compress(self, image, *, quality=None):
    self.tried.append(quality)
    return bytes(round(self.size(quality)))

  def decompress(self, data):
    return np.full_like(PICTURE, self.error(self.tried[-1]))


def psnr(error):
  return 20 * math.log10(255 / error)


def test_the_best_quality_within_the_bits_is_found():
  codec = Scripted(lambda quality: 160 * quality)  # 16 bits a pixel at 1
  found = targets.at_most_bpp(codec, PICTURE, 40.0)
  assert (found.quality, found.value, found.is_reached) == (2.5, 40.0, True)
  assert len(found.data) == 400
  assert targets.at_most_bpp(codec, PICTURE, 39.99).quality == 2.5 - 1 / 16


def test_the_best_quality_within_the_bytes_is_found():
  codec = Scripted(lambda quality: 160 * quality)
  found = targets.at_most_bytes(codec, PICTURE, 400)
  assert (found.quality, found.value, found.is_reached) == (2.5, 400, True)
  assert targets.at_most_bytes(codec, PICTURE, 399).quality == 2.5 - 1 / 16
  with pytest.raises(ValueError, match="a number of bytes is above 0; got 0"):
    targets.at_most_bytes(codec, PICTURE, 0)


def test_few_of_the_qualities_are_tried():
  codec = Scripted(lambda quality: 160 * quality)
  targets.at_most_bpp(codec, PICTURE, 40.0)
  # 49 multiples of a sixteenth from 1 to 4, and the end: 50 < 2^6.
  assert len(codec.tried) <= 6
  assert all(q * 16 == int(q * 16) or q == 4.03 for q in codec.tried)


def test_more_bits_than_can_be_used_give_the_best_quality():
  found = targets.at_most_bpp(Scripted(lambda q: 160 * q), PICTURE, 1e9)
  assert (found.quality, found.is_reached) == (4.03, True)


def test_too_few_bits_give_the_lowest_quality_and_say_so():
  found = targets.at_most_bpp(Scripted(lambda q: 160 * q), PICTURE, 15.9)
  assert (found.quality, found.value, found.is_reached) == (1.0, 16.0, False)


def test_the_lowest_quality_of_the_psnr_is_found():
  codec = Scripted(lambda quality: 1, lambda q: 5 - math.floor(q))
  found = targets.at_least_psnr(codec, PICTURE, psnr(3))
  assert (found.quality, found.is_reached) == (2.0, True)
  assert found.value == pytest.approx(psnr(3), abs=1e-12)  # the same formula
  above = targets.at_least_psnr(codec, PICTURE, psnr(3) + 1e-6)
  assert above.quality == 3.0


def test_too_high_a_psnr_gives_the_highest_quality_and_says_so():
  codec = Scripted(lambda quality: 1, lambda q: 5 - math.floor(q))
  found = targets.at_least_psnr(codec, PICTURE, psnr(1) + 1)
  assert (found.quality, found.is_reached) == (4.03, False)
  assert found.value == pytest.approx(psnr(1), abs=1e-12)  # the same formula


def test_what_is_found_keeps_the_target_where_sizes_do_not_rise():
  # A codec may take less for more here and there.
  for seed in range(20):
    random = np.random.default_rng(seed)
    sizes = {q / 16: random.integers(1, 500) for q in range(16, 66)}
    codec = Scripted(lambda q, sizes=sizes: sizes.get(q, 250))
    found = targets.at_most_bpp(codec, PICTURE, 25.0)
    assert found.is_reached == (8 * len(found.data) / 80 <= 25.0)
    assert found.is_reached or found.quality == 1.0


def test_a_codec_of_one_quality_has_nothing_to_search():
  png = codecs.get("png")
  picture = np.zeros((32, 32, 1), np.uint8)
  found = targets.at_least_psnr(png, picture, 99.0)
  assert (found.quality, found.value) == (100.0, math.inf)
  assert not targets.at_most_bpp(png, picture, 0.01).is_reached


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("spec", ["jpeg", "webp"])
def test_real_codecs_keep_both_targets(spec, channels, photograph):
  codec = codecs.get(spec)
  picture = photograph(64, 96)[..., :channels]
  found = targets.at_most_bpp(codec, picture, 2.0)
  assert found.is_reached
  # 0.1 bits per pixel are 77 bytes, about what one quality more takes.
  assert 1.9 < 8 * len(found.data) / (64 * 96) == found.value <= 2.0
  found = targets.at_least_psnr(codec, picture, 25.0)
  error = picture.astype(float) - codec.decompress(found.data)
  value = -10 * np.log10(np.square(error / 255).mean())
  assert 25.0 <= value < 26.0  # one quality is less than 1 dB
  assert found.value == pytest.approx(value, abs=1e-9)  # float64 both


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("search", ["at_most_bpp", "at_least_psnr"])
def test_targets_are_numbers_above_zero(search, value):
  with pytest.raises(ValueError, match="is above 0"):
    getattr(targets, search)(Scripted(lambda q: 1), PICTURE, value)
