"""A lossless file takes the place of a model's where it is better."""

import numpy as np
import pytest

from tests.codecs.lossless import pictures
from tfpercept.codecs import base
from tfpercept.codecs.classical import formats
from tfpercept.codecs.lossless import choice, lossless_codec, payloads

EXACT = lossless_codec.Lossless()


class Sized(base.Codec):
  """Stands for a model: its files have as many bytes as its quality says."""

  suffix = ".tfp"
  qualities = (1.0, 1e7)
  spec = "sized"

  def compress(self, image, *, quality=None):
    return bytes(int(quality))

  def decompress(self, data):
    return np.full((1, 1, 3), 7, np.uint8)

  def estimated_bits(self, image, *, quality=None):
    return 5.0


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


def test_a_codec_with_the_choice_writes_what_is_better():
  picture = pictures.text(64, 96)
  codec = choice.OrLossless(Sized())
  size = len(EXACT.compress(picture))
  assert codec.compress(picture, quality=size) == EXACT.compress(picture)
  assert codec.compress(picture, quality=size // 3) == bytes(size // 3)
  assert codec.estimated_bits(picture, quality=size) == 8 * size
  assert codec.estimated_bits(picture, quality=9) == 5
  assert codec.decompress(b"a model's").max() == 7
  assert codec.timed_decompress(b"a model's")[1] == {}
  assert codec.picture_size(b"a model's") is None
  assert (codec.qualities, codec.spec) == (Sized.qualities, "sized or lossless")


def test_codecs_of_other_files_have_no_choice():
  with pytest.raises(ValueError, match=r"jpeg writes \.jpg; a \.tfp alone"):
    choice.OrLossless(formats.JPEG())
  with pytest.raises(ValueError, match="auto or never or always; got 'yes'"):
    choice.check_rule("yes")
