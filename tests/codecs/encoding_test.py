"""What is asked of a file is kept, with or without loss."""

import io
import re

import numpy as np
import pytest

from tests.codecs.lossless import pictures
from tfpercept import codecs
from tfpercept.codecs import base, encoding
from tfpercept.codecs import files as codec_files
from tfpercept.codecs.lossless import lossless_codec

EXACT = lossless_codec.Lossless()


class Rounding(base.Codec):
  """Stands for a model: it drops low bits, and files are of a chosen size.

  Quality q has a file of `unit` q bytes, and drops 8 - q bits.
  """

  suffix = ".tfp"
  qualities = (1.0, 6.0)
  spec = "rounding"

  def __init__(self, unit=100):
    self.unit, self.calls, self.seen = unit, 0, {}

  def compress(self, image, *, quality=None):
    self.calls += 1
    quality = 4.0 if quality is None else quality
    data = b"%06.3f" % quality + bytes(int(self.unit * quality) - 6)
    step = 2 ** (8 - int(quality))
    self.seen[data] = image // step * step
    return data

  def decompress(self, data):
    return self.seen[data]


def encode(picture, codec=None, **request):
  codec = codec or Rounding()
  return encoding.encode(codec, picture, encoding.Request(**request))


def is_exact(found):
  return lossless_codec.is_lossless(found.data)


PAGE = pictures.text(64, 96)
SIZE = len(EXACT.compress(PAGE))
NOISE = pictures.noise(40, 60)  # 7216 bytes without loss


def test_a_drawing_is_exact_at_a_quality_that_takes_half_of_its_bytes():
  found = encode(PAGE, Rounding(unit=SIZE / 2 + 1), quality=1)
  assert is_exact(found)
  assert (found.quality, found.note) == (None, "")
  found = encode(PAGE, Rounding(unit=SIZE / 2 - 2), quality=1)
  assert not is_exact(found)
  assert not is_exact(encode(NOISE, Rounding(unit=4000), quality=1))
  assert is_exact(encode(NOISE, Rounding(unit=7300), quality=1))


@pytest.mark.parametrize("by", ["size", "bpp"])
def test_a_limit_is_kept_and_filled_by_the_exact_picture_if_it_fits(by):
  def limit(size):
    return {by: 8 * size / (64 * 96) if by == "bpp" else size}

  codec = Rounding(unit=10)
  found = encode(PAGE, codec, **limit(SIZE + 1))
  assert is_exact(found)
  assert codec.calls == 0  # no model's file is exact
  found = encode(PAGE, Rounding(unit=SIZE / 2), **limit(SIZE - 1))
  assert not is_exact(found)
  assert len(found.data) <= SIZE - 1


@pytest.mark.parametrize("by", ["size", "bpp"])
def test_a_limit_that_would_keep_a_drawing_is_named(by):
  def limit(size):
    return {by: 8 * size / (64 * 96) if by == "bpp" else size}

  found = encode(PAGE, Rounding(unit=10), **limit(SIZE - 1))
  assert not is_exact(found)
  size, bpp = re.fullmatch(
    "lossless this drawing takes (.*) bytes, (.*) bits per pixel; a limit of "
    "that keeps it exact",
    found.note,
  ).groups()
  given = {"bpp": float(bpp)} if by == "bpp" else {"size": int(size)}
  found = encode(PAGE, Rounding(unit=10), **given)
  assert is_exact(found)
  assert found.note == ""
  # Twice the limit is no small step, and a photograph suffers less from loss.
  assert not encode(PAGE, Rounding(unit=10), **limit(SIZE // 2 - 1)).note
  assert not encode(NOISE, Rounding(unit=10), **limit(7000)).note


def test_a_limit_out_of_reach_takes_the_smaller_of_both_and_says_so():
  found = encode(PAGE, Rounding(unit=SIZE + 1), size=20)
  assert is_exact(found)
  assert found.note.startswith("20 bytes are too few: at the lowest quality, 1")
  # The size of the model's file, which is not written, would be no answer.
  assert f"Lossless it takes {len(found.data)} bytes" in found.note
  found = encode(PAGE, Rounding(unit=SIZE - 1), size=20)
  assert not is_exact(found)
  assert "too few" in found.note


def test_a_psnr_is_kept_by_the_smaller_file():
  assert not is_exact(encode(NOISE, Rounding(unit=1000), psnr=20))
  assert is_exact(encode(NOISE, Rounding(unit=6000), psnr=20))
  # A drawing, too, since its PSNR is what was asked for.
  assert not is_exact(encode(PAGE, Rounding(unit=SIZE / 8), psnr=20))


def test_a_psnr_that_no_quality_has_is_that_of_the_exact_picture():
  found = encode(NOISE, psnr=60)
  assert is_exact(found)
  assert found.note == (
    "no quality has a PSNR of 60 dB, so the file is lossless"
  )
  found = encode(NOISE, psnr=60, lossless="never")
  assert not is_exact(found)
  assert found.note.startswith("a PSNR of 60 dB is too much")


@pytest.mark.parametrize(
  "request_", [{"quality": 1}, {"size": 10**6}, {"bpp": 24}, {"psnr": 20}]
)
def test_never_is_what_the_codec_writes(request_):
  found = encode(PAGE, Rounding(unit=900), lossless="never", **request_)
  assert not is_exact(found)


def test_always_asks_no_codec():
  codec = Rounding()
  found = encode(NOISE, codec, lossless="always")
  assert found.data == EXACT.compress(NOISE)
  assert (found.quality, codec.calls) == (None, 0)


def test_other_codecs_write_their_own_files():
  png = codecs.get("png")
  assert encode(PAGE, png).data == png.compress(PAGE)
  with pytest.raises(ValueError, match=r"png writes \.png; lossless='always'"):
    encode(PAGE, png, lossless="always")


@pytest.mark.parametrize(
  ("request_", "why"),
  [
    ({"quality": 1, "size": 9}, "give one of quality, target_bpp"),
    ({"lossless": "yes"}, "lossless is auto or never or always; got 'yes'"),
    ({"lossless": "always", "quality": 3}, "has no quality and no target"),
  ],
)
def test_requests_that_exclude_each_other_are_refused(request_, why):
  with pytest.raises(ValueError, match=why):
    encoding.Request(**request_)


@pytest.mark.parametrize("bpp", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(bpp):
  with pytest.raises(ValueError, match="bits per pixel is above 0"):
    encode(PAGE, bpp=bpp)


def test_files_and_streams_are_lossless_alike(tmp_path):
  path = tmp_path / "page.png"
  path.write_bytes(codecs.get("png").compress(PAGE))
  target, back = io.BytesIO(), io.BytesIO()
  stats = codec_files.compress_file(Rounding(unit=900), path, target)
  assert stats.is_lossless
  assert (stats.quality, stats.size) == (None, SIZE)
  target.seek(0)
  stats = codec_files.decompress_file(EXACT, target, back)
  assert stats.is_lossless
  np.testing.assert_array_equal(
    codecs.get("png").decompress(back.getvalue()), PAGE
  )
