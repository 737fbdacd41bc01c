"""Every kind of picture that is named is read, by its content."""

import contextlib
import pathlib
import re

import numpy as np
import pillow_heif
import pytest
from PIL import Image, features

from tests.io import profiles
from tfpercept.io import color_numbers, files, notes, picture_files

needs_avif = pytest.mark.skipif(
  not features.check("avif"), reason="this Pillow does not read AVIF"
)
SMOOTH = np.linspace(40, 200, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
ROOT = pathlib.Path(__file__).parents[2]
READERS = pytest.mark.parametrize("how", [files.read_image, files.read_samples])


def write(path, picture, **settings):
  pillow_heif.register_heif_opener(thumbnails=False)
  kind = {".avif": "AVIF"}.get(path.suffix, "HEIF")
  picture.save(path, kind, quality=95, **settings)
  return path


BOXED = pytest.mark.parametrize(
  "suffix", [pytest.param(".avif", marks=needs_avif), ".heic", ".heif"]
)


@BOXED
@READERS
def test_avif_and_heic_are_read(tmp_path, suffix, how):
  path = write(tmp_path / f"a{suffix}", Image.fromarray(SMOOTH))
  found = how(path)
  assert found.shape == SMOOTH.shape
  # Lossy; chroma is subsampled.
  assert np.abs(found.astype(int) - SMOOTH).mean() < 3


@BOXED
@READERS
def test_their_colors_become_srgb(tmp_path, suffix, how):
  patch = Image.new("RGB", (64, 64), (200, 100, 50))
  plain = how(write(tmp_path / f"a{suffix}", patch))
  profile = profiles.display_p3()
  found = how(write(tmp_path / f"b{suffix}", patch, icc_profile=profile))
  wanted = profiles.p3_to_srgb(plain / 255) * 255
  np.testing.assert_allclose(found, wanted, atol=1)


@READERS
def test_a_heic_may_name_display_p3_by_numbers(tmp_path, how):
  patch = Image.new("RGB", (64, 64), (200, 100, 50))
  numbers = {"transfer_characteristics": 13, "matrix_coefficients": 1}
  plain = how(write(tmp_path / "a.heic", patch, color_primaries=1, **numbers))
  found = how(write(tmp_path / "b.heic", patch, color_primaries=12, **numbers))
  wanted = profiles.p3_to_srgb(plain / 255) * 255
  np.testing.assert_allclose(found, wanted, atol=1)
  path = write(tmp_path / "c.heic", patch, color_primaries=10, **numbers)
  with notes.collected() as told:
    np.testing.assert_array_equal(how(path), plain)
  assert {what for _, what in told} == {color_numbers.UNKNOWN}


@BOXED
@READERS
def test_they_stand_as_the_camera_was_held(tmp_path, suffix, how):
  exif = Image.Exif()
  exif[0x0112] = 6
  picture = Image.fromarray(SMOOTH)
  path = write(tmp_path / f"a{suffix}", picture, exif=exif.tobytes())
  found = how(path)
  assert found.shape == (64, 48, 3)
  assert np.abs(found.astype(int) - np.rot90(SMOOTH, -1)).mean() < 3


@BOXED
@READERS
def test_their_transparency_is_laid_over_white(tmp_path, suffix, how):
  clear = Image.new("RGBA", (64, 64), (200, 100, 50, 0))
  path = write(tmp_path / f"a{suffix}", clear)
  with notes.collected() as found:
    assert how(path).min() > 250  # lossy
  assert files.CLEAR in {what for _, what in found}


@BOXED
def test_damaged_ones_are_a_value_error_with_the_path(tmp_path, suffix):
  path = write(tmp_path / f"a{suffix}", Image.fromarray(SMOOTH))
  data = path.read_bytes()
  random = np.random.default_rng(0)
  for _ in range(30):
    broken = bytearray(data)
    broken[random.integers(12, len(data))] ^= random.integers(1, 256)
    path.write_bytes(broken[: random.integers(13, len(data) + 1)])
    # Another picture, or an error in words: anything else fails.
    with contextlib.suppress(ValueError):
      files.read_image(path)
  path.write_bytes(data[: len(data) // 2])
  with pytest.raises(ValueError, match=f"{path} is not a readable picture"):
    files.read_image(path)


def test_of_several_pictures_in_a_heic_the_main_one_is_read(tmp_path):
  pictures = pillow_heif.HeifFile()
  for level in (40, 200):
    pictures.add_from_pillow(Image.new("RGB", (64, 64), (level,) * 3))
  path = tmp_path / "a.heic"
  pictures.save(path, quality=95, primary_index=1)
  with notes.collected() as found:
    np.testing.assert_allclose(files.read_samples(path), 200, atol=2)
  assert picture_files.OTHERS in {what for _, what in found}


def test_the_content_decides_and_not_the_name(tmp_path):
  path = tmp_path / "a.jpg"
  write(tmp_path / "a.heic", Image.fromarray(SMOOTH)).rename(path)
  assert files.read_image(path).shape == SMOOTH.shape


def test_an_unknown_kind_names_all_that_are_read(tmp_path):
  (tmp_path / "a.txt").write_text("not a picture")
  with pytest.raises(ValueError, match=r"a.txt is not a .*\.png, .*, \.heif"):
    files.read_image(tmp_path / "a.txt")


def test_folders_give_them_too(tmp_path):
  names = [f"x{suffix}" for suffix in sorted(picture_files.SUFFIXES)]
  for name in names:
    (tmp_path / name).touch()
  assert [p.name for p in files.list_images(tmp_path)] == names


def test_the_guide_names_every_kind():
  guide = ROOT / "docs" / "guides" / "compress.md"
  if not guide.is_file():
    pytest.skip("the wheel alone is tested")
  text = guide.read_text().split("## What is read")[1].split("##")[0]
  named = set(re.findall(r"`(\.\w+)`", text))
  assert named == set(picture_files.SUFFIXES)


def test_a_folder_that_may_not_be_listed_costs_no_other(tmp_path, monkeypatch):
  for name in ("a.png", "lost+found/b.png", "open/c.png"):
    files.write_image(tmp_path / name, SMOOTH)
  iterdir = pathlib.Path.iterdir

  def listed(path):  # root may list all
    if path.name == "lost+found":
      raise PermissionError(13, "Permission denied", str(path))
    return iterdir(path)

  monkeypatch.setattr(pathlib.Path, "iterdir", listed)
  with notes.collected() as told:
    found = files.list_images(tmp_path, is_recursive=True)
  assert [path.name for path in found] == ["a.png", "c.png"]
  assert told == [(str(tmp_path / "lost+found"), picture_files.CLOSED)]
  with pytest.raises(PermissionError):
    files.list_images(tmp_path / "lost+found")


def test_a_folder_that_may_hold_pictures_is_named(tmp_path, monkeypatch):
  (tmp_path / "deep" / "closed").mkdir(parents=True)
  (tmp_path / "empty").mkdir()
  iterdir = pathlib.Path.iterdir

  def listed(path):
    if path.name == "closed":
      raise PermissionError(13, "Permission denied", str(path))
    return iterdir(path)

  monkeypatch.setattr(pathlib.Path, "iterdir", listed)
  with notes.collected() as told:
    found = picture_files.passed_over(tmp_path, picture_files.SUFFIXES)
  assert found == ([], [tmp_path / "deep"])
  assert told == []  # nobody asked what is in it


def test_what_a_killed_process_leaves_is_no_picture(tmp_path):
  files.write_image(tmp_path / "a.png", SMOOTH)
  with files.atomic(tmp_path / "b.png") as temporary:
    files.write_image(temporary, SMOOTH)
    found = files.list_images(tmp_path, is_recursive=True)
    assert found == [tmp_path / "a.png"]
