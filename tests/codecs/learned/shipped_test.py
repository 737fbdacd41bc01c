"""The codec that comes with the package is worth its bytes."""

import numpy as np
import pytest

from tfpercept import codecs, weights
from tfpercept.data import packaged
from tfpercept.evaluation.rate_distortion import bd_rate

NAMES = weights.shipped("mean_scale_hyperprior")


def curve(codec, pictures, qualities):
  """Returns mean PSNR in dB over mean bpp, at each quality."""
  points = []
  for quality in qualities:
    found = []
    for picture in pictures:
      data = codec.compress(picture, quality=quality)
      error = codec.decompress(data).astype(float) - picture
      psnr = 10 * np.log10(255**2 / np.mean(error**2))
      found.append((8 * len(data) / np.prod(picture.shape[:2]), psnr))
    points.append(np.mean(found, axis=0))
  rates, decibels = np.transpose(points)
  return bd_rate.Curve(rates, decibels)


def test_one_ships_and_all_take_less_than_12_megabytes():
  assert "photo_mse" in NAMES
  folders = [weights.find(name) for name in NAMES]
  sizes = [p.stat().st_size for f in folders for p in f.glob("*.npz")]
  assert sum(sizes) < 12_000_000


def test_it_is_the_default():
  assert codecs.get("hyperprior").model == "photo_mse"


def test_it_beats_jpeg_on_photographs_it_was_not_trained_on():
  pictures = [p[:256, :320] for p in packaged.test().values()]
  ours = curve(codecs.get("hyperprior"), pictures, (1, 2.5, 4, 5.5, 7))
  jpeg = curve(codecs.get("jpeg"), pictures, (10, 20, 35, 55, 75, 90))
  # Whole pictures save more: JPEG's tables and borders weigh less.
  assert bd_rate.difference(jpeg, ours).percent < -15


@pytest.mark.parametrize("quality", [1, 4.5, 8])
def test_its_files_take_what_they_should(quality):
  codec = codecs.get("hyperprior")
  picture = packaged.test()["coffee"]
  size = len(codec.compress(picture, quality=quality))
  estimated = codec.estimated_bits(picture, quality=quality) / 8
  assert size < 1.01 * estimated + 32


def test_every_flipped_bit_and_every_truncation_of_its_file_is_found():
  codec = codecs.get("hyperprior")
  data = codec.compress(packaged.test()["coffee"][100:196, 200:296])
  assert len(data) > 200
  for at in range(len(data)):
    flips = (data[at] ^ flip for flip in (*(1 << i for i in range(8)), 0xFF))
    damaged = [data[:at] + bytes([byte]) + data[at + 1 :] for byte in flips]
    for wrong in (data[:at], *damaged):
      with pytest.raises(codecs.CorruptStream):
        codec.decompress(wrong)
