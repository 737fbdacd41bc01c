"""Colors by numbers become sRGB where that is well defined, or a note."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from tests.io import profiles
from tfpercept.io import (
  color_numbers,
  color_profiles,
  files,
  icc_matrix,
  notes,
)

PATCHES = np.array(
  [[[200, 100, 50], [90, 160, 120], [40, 60, 130], [128, 128, 128]]], np.uint8
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3, BT2020, SECAM = (
  np.array(points)
  for points in (
    [(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)],
    [(0.708, 0.292), (0.17, 0.797), (0.131, 0.046)],
    [(0.64, 0.33), (0.29, 0.6), (0.15, 0.06)],
  )
)
BT709 = np.array([(0.64, 0.33), (0.3, 0.6), (0.15, 0.06)])
WHITE = (0.3127, 0.329)
READERS = pytest.mark.parametrize("how", [files.read_image, files.read_samples])


def xyz(points):
  """XYZ of three primaries whose sum is the white of D65, as columns."""
  x, y = points.T
  columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
  white = np.array([WHITE[0] / WHITE[1], 1, (1 - sum(WHITE)) / WHITE[1]])
  return columns * np.linalg.solve(columns, white)


def converted(points, gamma=None, patches=PATCHES):
  """The patches in sRGB, in levels; without adaptation, since all is D65."""
  code = patches / 255
  linear = profiles.decoded(code) if gamma is None else code**gamma
  mixed = linear @ (np.linalg.inv(xyz(BT709)) @ xyz(points)).T
  return 255 * icc_matrix.encoded(np.clip(mixed, 0, 1))


def chunk(kind, data):
  body = kind + data
  return (
    struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
  )


def png(path, *chunks, patches=PATCHES, **options):
  """A PNG with chunks behind its header."""
  data = io.BytesIO()
  squeezed = patches[..., 0] if patches.shape[2] == 1 else patches
  Image.fromarray(squeezed).save(data, "PNG", **options)
  whole = data.getvalue()
  path.write_bytes(whole[:33] + b"".join(chunks) + whole[33:])
  return path


def gamma(value):
  return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def primaries(points, white=WHITE):
  numbers = [*white, *np.asarray(points).ravel()]
  return chunk(b"cHRM", struct.pack(">8I", *(round(n * 1e5) for n in numbers)))


def cicp(*points):
  return chunk(b"cICP", bytes(points))


def avif(path, *points):
  data = io.BytesIO()
  Image.new("RGB", (64, 64), (200, 100, 50)).save(data, "AVIF", quality=98)
  whole = data.getvalue()
  at = whole.index(b"colrnclx") + 8
  path.write_bytes(whole[:at] + struct.pack(">2H", *points) + whole[at + 4 :])
  return path


def read(path, how):
  with notes.collected() as found:
    pixels = how(path)
  return pixels, [what for _, what in found]


@READERS
@pytest.mark.parametrize(
  ("chunks", "wanted"),
  [
    ([cicp(12, 13, 0, 1)], converted(P3)),
    ([cicp(12, 4, 0, 1)], converted(P3, 2.2)),
    ([cicp(9, 14, 0, 1)], converted(BT2020)),
    ([cicp(5, 5, 0, 1)], converted(SECAM, 2.8)),
    ([cicp(1, 8, 0, 1)], converted(BT709, 1.0)),
    ([gamma(1)], converted(BT709, 1.0)),
    ([gamma(1 / 1.8)], converted(BT709, 1.8)),
    ([primaries(P3)], converted(P3)),
    ([gamma(0.45455), primaries(P3)], converted(P3)),
    ([gamma(1 / 1.8), primaries(BT2020)], converted(BT2020, 1.8)),
  ],
)
def test_numbers_of_a_png_are_converted(tmp_path, how, chunks, wanted):
  found, told = read(png(tmp_path / "a.png", *chunks), how)
  assert np.abs(wanted - PATCHES).max() > 5
  np.testing.assert_allclose(found, wanted, atol=1.5)  # rounding, twice
  is_clipped = bool((wanted % 255 == 0).any())  # in one patch of four
  assert told == [color_profiles.CLIPPED.format(percent=10)] * is_clipped


@READERS
@pytest.mark.parametrize(
  "chunks",
  [
    [],
    [cicp(1, 13, 0, 1)],
    [cicp(2, 2, 0, 1)],
    [gamma(0.45455)],
    [gamma(0.45)],
    [gamma(0.45455), primaries(BT709)],
    [chunk(b"sRGB", b"\0"), gamma(1), primaries(P3)],
    [cicp(1, 13, 0)],
  ],
)
def test_numbers_of_srgb_change_no_bit(tmp_path, how, chunks):
  found, told = read(png(tmp_path / "a.png", *chunks), how)
  np.testing.assert_array_equal(found, PATCHES)
  assert told == []


@READERS
@pytest.mark.parametrize(
  ("chunks", "note"),
  [
    ([cicp(9, 16, 0, 1)], color_numbers.HDR),
    ([cicp(9, 18, 0, 1)], color_numbers.HDR),
    ([cicp(10, 13, 0, 1)], color_numbers.UNKNOWN),
    ([cicp(1, 9, 0, 1)], color_numbers.UNKNOWN),
    ([cicp(12, 13, 0, 0)], color_numbers.UNKNOWN),  # of studio range
    ([cicp(12, 13, 1, 1)], color_numbers.UNKNOWN),  # no RGB
    ([gamma(0)], color_numbers.UNKNOWN),
    ([gamma(20)], color_numbers.UNKNOWN),
    ([primaries(BT709, (0, 0))], color_numbers.UNKNOWN),
    ([primaries([BT709[0]] * 3)], color_numbers.UNKNOWN),
    ([primaries(BT709, (0.7, 0.25))], color_numbers.UNKNOWN),
    ([primaries([(9, 9)] * 3)], color_numbers.UNKNOWN),
  ],
)
def test_what_is_not_converted_is_told(tmp_path, how, chunks, note):
  found, told = read(png(tmp_path / "a.png", *chunks), how)
  np.testing.assert_array_equal(found, PATCHES)
  assert told == [note]


@READERS
def test_code_points_of_a_png_go_before_its_profile(tmp_path, how):
  profile = profiles.display_p3()
  path = png(tmp_path / "a.png", cicp(1, 13, 0, 1), icc_profile=profile)
  found, told = read(path, how)
  np.testing.assert_array_equal(found, PATCHES)
  path = png(tmp_path / "b.png", cicp(9, 16, 0, 1), icc_profile=profile)
  found, told = read(path, how)  # HDR, for which the profile stands in
  np.testing.assert_allclose(found, converted(P3), atol=1.5)
  path = png(tmp_path / "c.png", gamma(1), icc_profile=profile)
  found, told = read(path, how)
  np.testing.assert_allclose(found, converted(P3), atol=1.5)
  assert told == []


@READERS
def test_gray_of_another_gamma_stays_gray(tmp_path, how):
  patches = PATCHES[..., :1]
  found, told = read(png(tmp_path / "a.png", gamma(1), patches=patches), how)
  assert found.shape == patches.shape
  wanted = 255 * icc_matrix.encoded(patches / 255)
  np.testing.assert_allclose(found, wanted, atol=1.5)
  assert told == []


def test_16_bits_are_converted_in_full(tmp_path):
  deep = np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16
  data = io.BytesIO()
  Image.fromarray(deep).save(data, "PNG")
  whole, path = data.getvalue(), tmp_path / "a.png"
  path.write_bytes(whole[:33] + gamma(1) + whole[33:])
  found, told = read(path, files.read_samples)
  wanted = 65535 * icc_matrix.encoded(deep / 65535)
  np.testing.assert_allclose(found[..., 0], wanted, atol=2)
  assert told == []


needs_avif = pytest.mark.skipif(
  "avif" not in features.modules or not features.check("avif"),
  reason="this Pillow lacks AVIF",
)


@needs_avif
@READERS
def test_numbers_of_an_avif_are_converted(tmp_path, how):
  plain, told = read(avif(tmp_path / "a.avif", 1, 13), how)
  assert told == []
  for points, numbers in ((P3, (12, 13)), (BT2020, (9, 1))):
    found, told = read(avif(tmp_path / "b.avif", *numbers), how)
    # The matrix from YCbCr is another for BT.2020 only if the file says so.
    wanted = converted(points, patches=plain)
    np.testing.assert_allclose(found, wanted, atol=1.5)
    assert told == []
  found, told = read(avif(tmp_path / "c.avif", 9, 16), how)
  np.testing.assert_array_equal(found, plain)
  assert told == [color_numbers.HDR]


@needs_avif
def test_damaged_boxes_are_no_numbers(tmp_path):
  data = bytearray(avif(tmp_path / "a.avif", 12, 13).read_bytes())
  first = data.index(b"meta")
  last = data.index(b"mdat") if b"mdat" in data else len(data)
  seen = set()
  for at in range(first, last):
    for value in (0, 0xFF):
      changed = bytearray(data)
      changed[at] = value
      seen.add(color_numbers._box_points(io.BytesIO(bytes(changed))))
  assert (12, 13) in seen
  assert None in seen
  for end in range(0, last, 7):
    color_numbers._box_points(io.BytesIO(bytes(data[:end])))


def test_a_made_profile_is_what_littlecms_reads():
  made = icc_matrix.made([*P3.tolist(), WHITE])
  transform = ImageCms.buildTransform(
    ImageCms.ImageCmsProfile(io.BytesIO(made)),
    ImageCms.createProfile("sRGB"), "RGB", "RGB",
  )  # fmt: skip
  found = ImageCms.applyTransform(Image.fromarray(PATCHES), transform)
  np.testing.assert_allclose(np.asarray(found), converted(P3), atol=1.5)
