"""Colors with a profile become sRGB; what is not kept is told once."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.io import profiles
from tfpercept.io import color_profiles, files, icc_matrix, notes

COLORS = np.random.default_rng(7).integers(0, 256, (9, 11, 3), np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def write(path, pixels, profile):
  squeezed = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
  Image.fromarray(squeezed).save(path, icc_profile=profile)
  return path


def write_deep(path, pixels, profile):
  """Writes uint16 as PNG with a profile: Pillow writes no deep color."""
  height, width, channels = pixels.shape
  rows = pixels.astype(">u2").reshape(height, -1)
  data = b"".join(b"\0" + row.tobytes() for row in rows)
  kind = {1: 0, 3: 2, 2: 4, 4: 6}[channels]

  def chunk(name, body):
    check = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + check

  head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
  path.write_bytes(
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", head)
    + chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))
    + chunk(b"IDAT", zlib.compress(data))
    + chunk(b"IEND", b"")
  )
  return path


def read(path, how=files.read_samples):
  """Returns the samples of a picture, and the notes."""
  with notes.collected() as found:
    pixels = how(path)
  return pixels, [what for _, what in found]


READERS = pytest.mark.parametrize("how", [files.read_image, files.read_samples])


@READERS
def test_display_p3_is_within_a_level_of_the_mathematics(tmp_path, how):
  patches = np.array(
    [[[200, 100, 50], [90, 160, 120], [40, 60, 130], [128, 128, 128]]], np.uint8
  )
  wanted = profiles.p3_to_srgb(patches / 255) * 255
  # The colors move by more than the tolerance, most in the first patch.
  assert np.abs(wanted - patches)[0, 0].max() > 10
  path = write(tmp_path / "a.png", patches, profiles.display_p3())
  found, told = read(path, how)
  np.testing.assert_allclose(found, wanted, atol=1)  # rounding of 8 bits
  assert told == []


def test_published_colors_of_display_p3():
  # CSS Color 4: color(display-p3 0.8 0.4 0.2) by the sample code of the
  # specification, which works in XYZ of D65 and not of D50. There each white
  # becomes the other, so both ways agree up to the digits of Bradford.
  found = profiles.p3_to_srgb(np.array([0.8, 0.4, 0.2]))
  wanted = profiles.p3_to_srgb_by_d65(np.array([0.8, 0.4, 0.2]))
  np.testing.assert_allclose(found, wanted, atol=1e-5)


@READERS
@pytest.mark.parametrize("is_deep", [False, True])
@pytest.mark.parametrize(
  ("vivid", "share"), [(5, None), (6, 1), (50, 1), (51, 10), (255, 50)]
)
def test_the_share_of_colors_that_srgb_lacks_is_told(
  tmp_path, how, is_deep, vivid, share
):
  # 500 pixels: gray, of which those at the ends are at no end of a color, a
  # color that is less than a level outside, and pure green of Display-P3.
  pixels = np.full((10, 50, 3), 128, np.uint8)
  pixels[0], pixels[1] = 0, 255
  near = np.array([200, 42, 30], np.uint8)
  beyond = profiles.p3_to_srgb(near / 255, is_clipped=False)
  assert -1 / 255 < beyond.min() < 0
  pixels[2] = near
  pixels.reshape(-1, 3)[200 : 200 + vivid] = 0, 255, 0
  if is_deep:
    path = write_deep(
      tmp_path / "a.png", pixels * np.uint16(257), profiles.display_p3()
    )
  else:
    path = write(tmp_path / "a.png", pixels, profiles.display_p3())
  _found, told = read(path, how)
  wanted = [color_profiles.CLIPPED.format(percent=share)] if share else []
  assert told == wanted


@READERS
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_every_kind_of_file_has_its_profile_used(tmp_path, how, suffix):
  patch = np.full((16, 16, 3), (200, 100, 50), np.uint8)
  path = write(tmp_path / f"a.{suffix}", patch, profiles.display_p3())
  plain = write(tmp_path / f"b.{suffix}", patch, None)
  wanted = profiles.p3_to_srgb(how(plain) / 255) * 255
  np.testing.assert_allclose(read(path, how)[0], wanted, atol=1)


@READERS
@pytest.mark.parametrize("profile", [None, SRGB])
@pytest.mark.parametrize("channels", [1, 3])
def test_srgb_and_no_profile_change_no_bit(tmp_path, how, profile, channels):
  pixels = COLORS[..., :channels]
  path = write(tmp_path / "a.png", pixels, profile)
  found, told = read(path, how)
  np.testing.assert_array_equal(found, pixels)
  assert told == []


def test_srgb_by_a_sampled_curve_is_srgb_too(tmp_path):
  profile = profiles.matrix(profiles.SRGB_XYZ, profiles.sampled(1024))
  path = write(tmp_path / "a.png", COLORS, profile)
  np.testing.assert_array_equal(files.read_image(path), COLORS)


@pytest.mark.parametrize("curve", [profiles.srgb_curve(), profiles.gamma(1.8)])
def test_16_bits_are_converted_in_full(tmp_path, curve):
  pixels = np.random.default_rng(8).integers(0, 65536, (9, 7, 4), np.uint16)
  profile = profiles.matrix(profiles.P3_XYZ, curve)
  path = write_deep(tmp_path / "a.png", pixels, profile)
  found = files.read_samples(path, alpha="ignore")
  assert found.dtype == np.uint16
  values = pixels[..., :3] / 65535
  if curve == profiles.srgb_curve():
    linear = profiles.decoded(values)
  else:
    linear = values ** (round(1.8 * 256) / 256)
  wanted = profiles.to_srgb(linear, profiles.P3_XYZ) * 65535
  # The numbers of a profile have 16 bits below the point, which the slope of
  # 12.92 near black makes up to 40 levels of 65535, 0.16 of 255.
  np.testing.assert_allclose(found, wanted, atol=40)


def test_gray_stays_gray(tmp_path):
  levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
  profile = profiles.gray(profiles.gamma(1.8))
  wanted = icc_matrix.encoded((levels / 255) ** 1.8) * 255
  path = write(tmp_path / "a.png", levels, profile)
  for how in (files.read_image, files.read_samples):
    found, told = read(path, how)
    assert (found.shape, told) == ((16, 16, 1), [])
    np.testing.assert_allclose(found, wanted, atol=1)
  deep = write_deep(tmp_path / "b.png", levels.astype(np.uint16) * 257, profile)
  found = files.read_samples(deep)
  np.testing.assert_allclose(found / 257, wanted, atol=0.1)


def test_gray_with_a_profile_of_color_stays_gray(tmp_path):
  levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
  profile = profiles.matrix(profiles.P3_XYZ, profiles.gamma(1.8))
  path = write(tmp_path / "a.png", levels, profile)
  found = files.read_image(path)
  wanted = icc_matrix.encoded((levels / 255) ** 1.8) * 255
  np.testing.assert_allclose(found, wanted, atol=1)


def test_opacity_is_kept_and_laid_over_white_after_the_colors(tmp_path):
  pixels = np.full((3, 70, 4), (200, 100, 50, 51), np.uint8)
  path = write(tmp_path / "a.png", pixels, profiles.display_p3())
  color = profiles.p3_to_srgb(pixels[..., :3] / 255) * 255
  found, told = read(path)
  np.testing.assert_allclose(found, color / 5 + 255 * 4 / 5, atol=1)
  assert told == [files.CLEAR]


@pytest.mark.parametrize("orientation", [1, 6])
def test_inks_without_a_profile_are_told(tmp_path, orientation):
  exif = Image.Exif()
  exif[0x0112] = orientation
  inks = Image.fromarray(COLORS).convert("CMYK")
  inks.save(tmp_path / "a.jpg", exif=exif)
  for how in (files.read_image, files.read_samples):
    found, told = read(tmp_path / "a.jpg", how)
    assert found.shape == ((9, 11, 3) if orientation == 1 else (11, 9, 3))
    assert told == [color_profiles.NO_PROFILE]


@READERS
@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_inks_are_converted_by_their_profile(
  tmp_path, how, suffix, orientation
):
  exif = Image.Exif()
  exif[0x0112] = orientation
  inks = Image.new("CMYK", (5, 4), (255, 255, 0, 0))
  path = tmp_path / f"a.{suffix}"
  settings = {"compression": "tiff_lzw"} if suffix == "tif" else {}
  inks.save(path, icc_profile=profiles.inks(), exif=exif, **settings)
  found, told = read(path, how)
  assert told == []
  # The profile of the test makes Lab gray of L* = 50 of any inks: sRGB 119.
  np.testing.assert_allclose(found, 119, atol=1)
  assert found.shape[:2] == ((4, 5) if orientation == 1 else (5, 4))


@READERS
@pytest.mark.parametrize(
  ("profile", "what"),
  [
    (b"nonsense", color_profiles.UNREADABLE),
    (profiles.display_p3()[:300], color_profiles.UNREADABLE),
    (profiles.gray(profiles.gamma(1.8)), color_profiles.UNFIT),
  ],
)
def test_what_can_not_be_used_is_told_and_changes_nothing(
  tmp_path, how, profile, what
):
  path = write(tmp_path / "a.png", COLORS, profile)
  found, told = read(path, how)
  np.testing.assert_array_equal(found, COLORS)
  assert told == [what]


def test_damaged_profiles_never_stop_the_reading(tmp_path):
  profile = profiles.display_p3()
  for seed in range(60):
    random = np.random.default_rng(seed)
    data = bytearray(profile)
    for place in random.integers(0, len(data), 4):
      data[place] = random.integers(256)
    path = write(tmp_path / "a.png", COLORS, bytes(data))
    assert files.read_image(path).shape == COLORS.shape
    deep = write_deep(tmp_path / "b.png", COLORS.astype(np.uint16), bytes(data))
    assert files.read_samples(deep).shape == COLORS.shape


def test_16_bits_with_tables_are_reduced_and_told(tmp_path, monkeypatch):
  def tables(profile):
    raise icc_matrix.Tables("it has tables")

  monkeypatch.setattr(icc_matrix, "linear_converter", tables)
  pixels = COLORS.astype(np.uint16) * 257
  path = write_deep(tmp_path / "a.png", pixels, profiles.display_p3())
  found, told = read(path)
  wanted = profiles.p3_to_srgb(COLORS / 255) * 65535
  np.testing.assert_allclose(found, wanted, atol=257)
  assert told == [color_profiles.ROUNDED]


def test_curves_are_those_of_the_specification():
  def curve(kind, *numbers):
    fixed = (round(number * 65536) for number in numbers)
    return b"para\0\0\0\0" + struct.pack(f">HH{len(numbers)}i", kind, 0, *fixed)

  x = np.arange(256)[None, :, None].astype(np.uint16) * 257
  for data, linear in (
    (b"curv\0\0\0\0" + struct.pack(">I", 0), lambda x: x),
    (curve(0, 2), lambda x: x**2),
    (curve(1, 2, 1.25, -0.25), lambda x: np.maximum(1.25 * x - 0.25, 0) ** 2),
    (
      curve(2, 2, 1, -0.25, 0.125),
      lambda x: np.maximum(x - 0.25, 0) ** 2 + 0.125,
    ),
    (
      curve(4, 2, 1, 0, 0.5, 0.25, 0.125, 0.0625),
      lambda x: np.where(x >= 0.25, x**2 + 0.125, 0.5 * x + 0.0625),
    ),
  ):
    found = icc_matrix.deep_converter(profiles.gray(data))(x)
    wanted = icc_matrix.encoded(np.clip(linear(x / 65535), 0, 1)) * 65535
    # Half of the tables' step, where the curve has a break.
    np.testing.assert_allclose(found, wanted, atol=1.01, err_msg=data[:9])
