"""Symbols chosen for one picture: fewer bits, less distance, same decoders."""

import io

import numpy as np
import pytest

from tests.codecs import small_models
from tfpercept import codecs, models, offers
from tfpercept.codecs import files, memory
from tfpercept.codecs.learned import (
  engines,
  learned_codec,
  reference_decoder,
  refinement,
)

QUALITY = 4.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph):
  place = tmp_path_factory.mktemp("codec") / "model"
  return small_models.save(place, photograph(256, 256))


@pytest.fixture(scope="module")
def codec(folder):
  return codecs.get(f"hyperprior(model={str(folder)!r},effort=2)")


def cost(codec, picture, data):
  """Bits plus lambda times squared errors: what training makes small."""
  low, high = 0.0006, 0.06
  lmbda = low * (high / low) ** ((QUALITY - 1) / 7)
  error = codec.decompress(data) - picture.astype(float)
  return 8 * len(data) + lmbda * np.mean(error**2) * picture[..., 0].size


@pytest.mark.parametrize("parts", [1, 3])
def test_effort_makes_rate_and_distance_smaller(photograph, monkeypatch, parts):
  picture = photograph(100, 150, seed=3)  # no multiples of 16
  monkeypatch.setattr(refinement, "PIXELS", 150 * 130 // parts)
  plain, codec = (
    codecs.get(f"hyperprior(effort={effort},check=False)") for effort in (0, 4)
  )
  before = plain.compress(picture, quality=QUALITY)
  after = codec.compress(picture, quality=QUALITY)
  # On the Kodak pictures it gains 2 to 3 %.
  assert cost(codec, picture, after) < 0.99 * cost(plain, picture, before)
  assert after == codec.compress(picture, quality=QUALITY)


def test_files_are_as_large_as_the_likelihood_says(codec, photograph):
  picture = photograph(128, 192, seed=4)
  data = codec.compress(picture, quality=QUALITY)
  bits = codec.estimated_bits(picture, quality=QUALITY)
  assert len(data) <= 1.01 * bits / 8 + 32


def test_any_decoder_reads_them(codec, folder, photograph):
  picture = photograph(70, 90, seed=5)
  data = codec.compress(picture, quality=QUALITY)
  symbols = codec.symbols(data)
  latents = reference_decoder.ReferenceDecoder(folder).latents(data)
  np.testing.assert_array_equal(symbols["y"][0], latents.symbols)


def test_grey_pictures_are_refined_too(codec, photograph):
  picture = photograph(64, 64, seed=6)[..., :1]
  data = codec.compress(picture, quality=QUALITY)
  assert codec.decompress(data).shape == (64, 64, 1)


def test_a_picture_too_small_for_the_distance_is_left_as_rounded(
  tmp_path, photograph
):
  """MS-SSIM of five scales takes none below 161 pixels."""
  place = small_models.save(
    tmp_path / "model", photograph(256, 256), objective="ms_ssim",
    training={"settings": {"lmbda": [3, 200]}},
  )  # fmt: skip
  plain, refined = (
    codecs.get(f"hyperprior(model={str(place)!r},effort={effort})")
    for effort in (0, 2)
  )
  small, large = photograph(100, 150), photograph(176, 192)
  for picture, same in ((small, True), (large, False)):
    streams = [c.compress(picture, quality=QUALITY) for c in (plain, refined)]
    assert (streams[0] == streams[1]) == same


def test_the_memory_of_effort_is_counted_before_it_is_taken(
  folder, codec, photograph
):
  picture = photograph(64, 96)
  plain = codecs.get(f"hyperprior(model={str(folder)!r})")
  most = memory.to_compress(plain, 64 * 96)
  assert memory.to_compress(codec, 64 * 96) > most
  decoded = [memory.to_decompress(each, 64 * 96) for each in (codec, plain)]
  assert decoded[0] == decoded[1]
  source = io.BytesIO(codecs.get("png").compress(picture))
  files.compress_file(plain, source, io.BytesIO(), max_memory=most)
  source.seek(0)
  with pytest.raises(ValueError, match="its 96x64 pixels take up to"):
    files.compress_file(codec, source, io.BytesIO(), max_memory=most)


def test_other_distances_than_squared_errors_take_more_memory():
  (mse, count), (ms_ssim, same) = map(
    engines.refined_at_once, ("mse", "ms_ssim")
  )
  assert ms_ssim > mse > learned_codec.Hyperprior.bytes_at_once[0]
  # A part of a refinement, with its halo, in a picture of 16,000 columns.
  halo = models.load(offers.MODEL)[0].halo
  assert count == same
  assert count >= refinement.PIXELS + 2 * halo * 16 * 16_000


@pytest.mark.parametrize("effort", [-1, 101, 1.5])
def test_rounds_are_counted(folder, effort):
  with pytest.raises(ValueError, match="effort is 0 to 100 rounds"):
    codecs.get(f"hyperprior(model={str(folder)!r},effort={effort})")
