"""A lossless file takes the place of a model's where it is better."""

import numpy as np
import pytest

from tests.codecs.lossless import pictures
from tfpercept.codecs.lossless import choice, lossless_codec, payloads

EXACT = lossless_codec.Lossless()


def test_a_smaller_lossless_file_is_better(photograph):
  picture = photograph(40, 60)
  size = len(EXACT.compress(picture))
  assert choice.better(picture, bytes(size)) == EXACT.compress(picture)
  assert choice.better(picture, bytes(size - 1)) == bytes(size - 1)


@pytest.mark.parametrize("draw", [pictures.text, pictures.chart])
def test_a_drawing_may_take_twice_the_bytes(draw):
  picture = draw()
  size = len(EXACT.compress(picture))
  assert choice.better(picture, bytes(-(-size // 2))) == EXACT.compress(picture)
  lossy = bytes(size // 2 - 1)
  assert choice.better(picture, lossy) is lossy


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 5), (20, 20)])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiny_pictures_never_grow(size, channels):
  random = np.random.default_rng(0)
  picture = random.integers(0, 256, (*size, channels), np.uint8)
  data = choice.better(picture, bytes(10**6))
  assert len(data) <= picture.size + 24
  np.testing.assert_array_equal(EXACT.decompress(data), picture)


def test_photographs_are_given_up_by_their_rough_size(photograph, monkeypatch):
  picture = photograph(128, 192)
  size = len(EXACT.compress(picture))
  monkeypatch.setattr(payloads, "smallest", None)  # which would raise
  assert choice.within(picture, size / 4) is None
  with pytest.raises(TypeError):
    choice.within(picture, size)


@pytest.mark.parametrize(
  "picture",
  [
    pictures.text(),
    pictures.chart(),
    pictures.line_art(),
    pictures.gradient(),
    pictures.noise(),
    np.tile(pictures.text(32, 48), (8, 8, 1)),
  ],
)
def test_no_lossless_file_within_its_limit_is_missed(picture):
  size = len(EXACT.compress(picture))
  assert choice.within(picture, size) == EXACT.compress(picture)
  assert choice.within(picture, size - 1) is None


def test_a_picture_too_large_to_hold_is_left_to_the_model(monkeypatch):
  def refuse(self, image):
    raise ValueError("too large")

  monkeypatch.setattr(lossless_codec.Lossless, "compress", refuse)
  assert choice.better(pictures.text(), b"model") == b"model"


def test_a_rule_that_is_none_is_refused():
  with pytest.raises(ValueError, match="auto or never or always; got 'yes'"):
    choice.check_rule("yes")
