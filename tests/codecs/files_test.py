"""One file is made of another, whole or not at all, whatever happens."""

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tfpercept import codecs
from tfpercept.codecs import files as codec_files
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import model_lookup
from tfpercept.io import files


@pytest.fixture(scope="module")
def jpeg():
  return codecs.get("jpeg")


@pytest.fixture
def photo(tmp_path, photograph):
  path = tmp_path / "in" / "photo.png"
  files.write_image(path, photograph(64, 96))
  return path


def names(folder):
  return sorted(path.name for path in folder.iterdir())


def test_a_file_is_what_the_codec_makes_of_the_picture(jpeg, photo, tmp_path):
  target = tmp_path / "deep" / "a.jpg"
  stats = codec_files.compress_file(jpeg, photo, target, quality=60)
  data = target.read_bytes()
  assert data == jpeg.compress(files.read_image(photo), quality=60)
  assert (stats.width, stats.height, stats.size) == (96, 64, len(data))
  assert (stats.quality, stats.notes) == (60, ())
  assert stats.seconds > 0
  back = codec_files.decompress_file(jpeg, target, tmp_path / "b.png")
  assert (back.width, back.height, back.size) == (96, 64, len(data))
  np.testing.assert_array_equal(
    files.read_image(tmp_path / "b.png"), jpeg.decompress(data)
  )
  assert names(tmp_path) == ["b.png", "deep", "in"]


def test_the_default_quality_is_told(jpeg, photo, tmp_path):
  stats = codec_files.compress_file(jpeg, photo, tmp_path / "a.jpg")
  assert stats.quality == jpeg.default_quality


def test_targets_choose_the_quality_and_say_if_they_are_out_of_reach(
  jpeg, photo, tmp_path
):
  target = tmp_path / "a.jpg"
  stats = codec_files.compress_file(jpeg, photo, target, target_bpp=1.5)
  assert 8 * stats.size <= 1.5 * 64 * 96
  assert not stats.notes
  stats = codec_files.compress_file(
    jpeg, photo, target, target_psnr=90, overwrite=True
  )
  assert stats.quality == 95
  (note,) = stats.notes
  assert note.startswith("a PSNR of 90 dB is too much: at the highest quality")
  stats = codec_files.compress_file(
    jpeg, photo, target, target_bpp=0.001, overwrite=True
  )
  (note,) = stats.notes
  assert "0.001 bits per pixel are too few: at the lowest quality, 1" in note


def test_a_size_in_bytes_is_kept(jpeg, photo, tmp_path):
  target = tmp_path / "a.jpg"
  stats = codec_files.compress_file(jpeg, photo, target, target_bytes=1500)
  assert stats.size == target.stat().st_size <= 1500
  picture = files.read_image(photo)
  better = jpeg.compress(picture, quality=stats.quality + 1)
  assert len(better) > 1500
  stats = codec_files.compress_file(
    jpeg, photo, target, target_bytes=100, overwrite=True
  )
  (note,) = stats.notes
  assert note.startswith("100 bytes are too few: at the lowest quality, 1, it")
  assert note.endswith(f"takes {stats.size}")


def test_quality_and_targets_exclude_each_other(jpeg, photo, tmp_path):
  with pytest.raises(ValueError, match="give one of quality, target_bpp, tar"):
    codec_files.compress_file(
      jpeg, photo, tmp_path / "a.jpg", quality=3, target_bpp=1
    )


def test_16_bits_are_reduced_with_a_note(tmp_path):
  path = tmp_path / "deep.png"
  values = np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16
  Image.fromarray(values).save(path)
  target = tmp_path / "a.png"
  stats = codec_files.compress_file(codecs.get("png"), path, target)
  assert stats.notes == ("its 16 bits are reduced to 8",)
  expected = np.round(values / 257).astype(np.uint8)
  np.testing.assert_array_equal(files.read_image(target)[..., 0], expected)


def test_streams_serve_in_place_of_paths(jpeg, photo):
  coded, shown = io.BytesIO(), io.BytesIO()
  codec_files.compress_file(jpeg, io.BytesIO(photo.read_bytes()), coded)
  assert coded.getvalue() == jpeg.compress(files.read_image(photo))
  coded.seek(0)
  codec_files.decompress_file(jpeg, coded, shown)
  with Image.open(shown) as picture:
    assert picture.format == "PNG"
    np.testing.assert_array_equal(
      np.asarray(picture), jpeg.decompress(coded.getvalue())
    )


def test_an_existing_file_is_kept_unless_asked_otherwise(jpeg, photo, tmp_path):
  target = tmp_path / "a.jpg"
  target.write_bytes(b"dear")
  with pytest.raises(FileExistsError, match=r"a\.jpg exists; overwrite=True"):
    codec_files.compress_file(jpeg, photo, target)
  assert target.read_bytes() == b"dear"
  codec_files.compress_file(jpeg, photo, target, overwrite=True)
  picture = tmp_path / "b.png"
  picture.write_bytes(b"dear")
  with pytest.raises(FileExistsError, match=r"b\.png exists; overwrite=True"):
    codec_files.decompress_file(jpeg, target, picture)
  assert picture.read_bytes() == b"dear"
  codec_files.decompress_file(jpeg, target, picture, overwrite=True)
  assert files.read_image(picture).shape == (64, 96, 3)


def test_a_file_that_came_meanwhile_is_kept(jpeg, photo, tmp_path):
  target = tmp_path / "a.jpg"
  with pytest.raises(FileExistsError):
    codec_files.compress_file(
      jpeg, photo, target, inspect=lambda *_: target.write_bytes(b"dear")
    )
  assert target.read_bytes() == b"dear"


def test_a_source_is_never_written_over(photo, tmp_path):
  link = tmp_path / "link.png"
  link.symlink_to(photo)
  before = photo.read_bytes()
  with pytest.raises(ValueError, match="is the file to read"):
    codec_files.compress_file(codecs.get("png"), photo, link, overwrite=True)
  assert photo.read_bytes() == before


def test_nothing_is_written_if_the_inspection_fails(jpeg, photo, tmp_path):
  seen = []

  def inspect(stats, picture, data):
    seen.append((stats.size, picture.shape, len(data)))
    raise ValueError("not good enough")

  with pytest.raises(ValueError, match="not good enough"):
    codec_files.compress_file(jpeg, photo, tmp_path / "a.jpg", inspect=inspect)
  ((size, shape, length),) = seen
  assert size == length
  assert shape == (64, 96, 3)
  assert names(tmp_path) == ["in"]


@pytest.mark.parametrize(
  ("data", "why"),
  [
    (b"", "it is empty"),
    (b"no stream", r"no \.tfp stream"),
    (bytes(60), r"no \.tfp stream"),
  ],
)
def test_a_damaged_file_is_refused_and_leaves_nothing(tmp_path, data, why):
  source = tmp_path / "a.tfp"
  source.write_bytes(data)
  with pytest.raises(ValueError, match=why):
    codec_files.decompress_file(
      model_lookup.KnownModels(), source, tmp_path / "out" / "a.png"
    )
  assert not list((tmp_path / "out").iterdir())


def test_a_damaged_picture_is_refused_and_leaves_nothing(jpeg, tmp_path):
  (tmp_path / "a.png").write_bytes(b"no picture")
  target = tmp_path / "out" / "a.jpg"
  with pytest.raises(ValueError, match="not a readable picture"):
    codec_files.compress_file(jpeg, tmp_path / "a.png", target)
  assert not list(target.parent.iterdir())


def test_files_and_streams_too_long_are_refused(
  jpeg, photo, tmp_path, monkeypatch
):
  monkeypatch.setattr(container, "MAX_BYTES", 50)
  with pytest.raises(ValueError, match="more than 50 bytes, the most that are"):
    codec_files.decompress_file(jpeg, photo, tmp_path / "a.png")
  monkeypatch.setattr(codec_files, "MAX_PICTURE_BYTES", 100)
  with pytest.raises(ValueError, match="more than 100 bytes, the most that"):
    codec_files.compress_file(jpeg, io.BytesIO(bytes(101)), io.BytesIO())


def test_a_target_that_is_no_picture_is_told_before_the_work(jpeg, tmp_path):
  with pytest.raises(
    ValueError, match=r"the name of a picture ends in .*; got .*a\.docx"
  ):
    codec_files.decompress_file(
      jpeg, tmp_path / "not there", tmp_path / "a.docx"
    )


def test_a_full_disk_leaves_what_was_there(jpeg, photo, tmp_path, monkeypatch):
  target = tmp_path / "a.jpg"
  target.write_bytes(b"old")

  def full(descriptor):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(os, "fsync", full)
  with pytest.raises(OSError, match="No space left on device"):
    codec_files.compress_file(jpeg, photo, target, overwrite=True)
  assert target.read_bytes() == b"old"
  assert names(tmp_path) == ["a.jpg", "in"]


_KILLED = """
import os, signal, sys
from PIL import Image
sys.argv = ["tfpercept"]  # so that nothing but this is imported
from tfpercept import codecs
from tfpercept.codecs import files
def die(*arguments, **options):
  os.kill(os.getpid(), signal.SIGKILL)
os.fsync = os.replace = die  # when bytes, or a picture, are written
work, source, target = sys.stdin.read().split()
if work == "compress":
  files.compress_file(codecs.get("jpeg"), source, target, overwrite=True)
else:
  files.decompress_file(codecs.get("jpeg"), source, target, overwrite=True)
"""


@pytest.mark.parametrize("work", ["compress", "decompress"])
def test_a_kill_while_writing_leaves_the_old_file(jpeg, photo, tmp_path, work):
  source, target = photo, tmp_path / "out" / "a.jpg"
  if work == "decompress":
    source, target = tmp_path / "b.jpg", tmp_path / "out" / "b.png"
    codec_files.compress_file(jpeg, photo, source)
  target.parent.mkdir()
  target.write_bytes(b"old")
  done = subprocess.run(
    [sys.executable, "-c", _KILLED],
    input=f"{work} {source} {target}",
    text=True,
    capture_output=True,
    check=False,
  )
  assert done.returncode == -signal.SIGKILL, done.stderr
  assert target.read_bytes() == b"old"
  left = [path for path in target.parent.iterdir() if path != target]
  assert all(path.name.startswith(".tfpercept.") for path in left)
