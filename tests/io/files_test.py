"""Files are written whole or not at all; bad pictures are named."""

import os
import struct
import sys
import threading
import zlib
from concurrent import futures

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from PIL import Image

from tests.codecs import any_picture
from tfpercept.io import files, notes


def test_a_new_file_has_the_permissions_of_the_old_one(tmp_path):
  path = tmp_path / "x.txt"
  files.write_text(path, "old")
  path.chmod(0o600)
  files.write_text(path, "new")
  assert path.stat().st_mode & 0o777 == 0o600
  assert path.read_text() == "new"


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
  path = tmp_path / "x.txt"
  files.write_text(path, "old")
  with pytest.raises(RuntimeError), files.atomic(path) as temporary:
    temporary.write_text("half")
    raise RuntimeError
  assert path.read_text() == "old"
  assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_a_folder_is_replaced_whole(tmp_path):
  for content in ("one", "two"):
    with files.atomic(tmp_path / "folder") as temporary:
      temporary.mkdir()
      (temporary / content).write_text(content)
  assert [p.name for p in tmp_path.rglob("*")] == ["folder", "two"]


def test_a_file_does_not_replace_a_folder(tmp_path):
  (tmp_path / "photos").mkdir()
  (tmp_path / "photos" / "a.jpg").write_text("precious")
  with pytest.raises(IsADirectoryError, match="photos, which is a folder"):
    files.write_text(tmp_path / "photos", "table")
  assert (tmp_path / "photos" / "a.jpg").read_text() == "precious"


def test_a_folder_outlives_that_nothing_could_replace_it(tmp_path, monkeypatch):
  (tmp_path / "run").mkdir()
  (tmp_path / "run" / "kept").touch()
  with (
    pytest.raises(FileNotFoundError, match="nothing was written"),
    files.atomic(tmp_path / "run"),
  ):
    pass
  with pytest.raises(PermissionError), files.atomic(tmp_path / "run") as new:
    new.mkdir()
    monkeypatch.setattr(files.os, "replace", refuse)
  assert [p.name for p in tmp_path.rglob("*")] == ["run", "kept"]


def refuse(*arguments):
  raise PermissionError(*arguments)


def test_a_link_stays_one(tmp_path):
  (tmp_path / "real").write_text("old")
  (tmp_path / "link").symlink_to(tmp_path / "real")
  files.write_text(tmp_path / "link", "new")
  assert (tmp_path / "link").is_symlink()
  assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
  os.mkfifo(tmp_path / "pipe")
  reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
  files.write_text(tmp_path / "pipe", "text")
  assert os.read(reader, 10) == b"text"
  os.close(reader)
  assert (tmp_path / "pipe").is_fifo()


def test_names_that_are_not_unicode_are_escaped(tmp_path):
  files.write_text(tmp_path / "x.csv", os.fsdecode(b"\xff.png"))
  assert (tmp_path / "x.csv").read_text() == "\\udcff.png"


def test_json_with_nan_is_refused(tmp_path):
  with pytest.raises(ValueError, match="not JSON compliant"):
    files.write_json(tmp_path / "x.json", {"a": float("nan")})
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 1)])
def test_pictures_survive_a_round_trip(tmp_path, shape):
  image = np.random.randint(0, 256, shape, np.uint8)
  files.write_image(tmp_path / "x.png", image)
  np.testing.assert_array_equal(files.read_image(tmp_path / "x.png"), image)


def test_transparency_is_laid_over_white(tmp_path):
  Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "x.png")
  assert (files.read_image(tmp_path / "x.png") == 255).all()


def test_16_bit_gray_is_reduced_to_8_bits(tmp_path):
  values = np.array([[0, 257, 65535]], np.uint16)
  Image.fromarray(values).save(tmp_path / "x.png")
  image = files.read_image(tmp_path / "x.png")
  np.testing.assert_array_equal(image[..., 0], [[0, 1, 255]])


def test_bad_pictures_are_named_with_the_reason(tmp_path):
  (tmp_path / "empty.png").write_bytes(b"")
  (tmp_path / "text.png").write_text("hello")
  image = np.random.randint(0, 256, (64, 64, 3), np.uint8)
  files.write_image(tmp_path / "cut.png", image)
  data = (tmp_path / "cut.png").read_bytes()
  (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
  frames = [Image.new("L", (2, 2), level) for level in (0, 255)]
  frames[0].save(
    tmp_path / "moving.png", save_all=True, append_images=frames[1:]
  )
  for name, reason in {
    "empty": "not a readable picture",
    "text": "not a readable picture",
    "cut": "not a readable picture",
    "moving": "animated",
    "absent": "does not exist",
  }.items():
    with pytest.raises(ValueError, match=f"{name}.png.*{reason}"):
      files.read_image(tmp_path / f"{name}.png")


@pytest.mark.parametrize("read", [files.read_image, files.read_samples])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_damaged_header_is_a_value_error_with_the_path(tmp_path, read):
  path = tmp_path / "a.tif"
  Image.new("RGB", (8, 8)).save(path)
  data = bytearray(path.read_bytes())
  begin = struct.unpack("<I", data[4:8])[0]
  end = begin + 2 + 12 * struct.unpack("<H", data[begin : begin + 2])[0]
  data[end : end + 4] = struct.pack("<I", len(data))  # where a second one is
  path.write_bytes(data)
  with pytest.raises(ValueError, match=f"{path} is not a readable picture"):
    read(path)


@pytest.mark.parametrize("error", [struct.error, RuntimeError, MemoryError])
def test_whatever_a_decoder_raises_is_a_value_error_with_the_path(
  tmp_path, monkeypatch, error
):
  def convert(*arguments):
    raise error

  path = tmp_path / "a.png"
  Image.new("RGB", (8, 8)).save(path)
  monkeypatch.setattr(Image.Image, "convert", convert)
  with pytest.raises(ValueError, match=f"{path} is not .*: {error.__name__}"):
    files.read_image(path)


def test_decoders_of_other_formats_are_not_tried(tmp_path):
  Image.new("RGB", (8, 8)).save(tmp_path / "a.png", "ICO")
  with pytest.raises(ValueError, match="cannot identify"):
    files.read_image(tmp_path / "a.png")


def test_of_a_photograph_with_a_gain_map_the_photograph_is_read(tmp_path):
  photograph, gains = Image.new("RGB", (8, 6)), Image.new("L", (4, 3), 255)
  path = tmp_path / "a.jpg"
  photograph.save(path, "MPO", save_all=True, append_images=[gains])
  for read in (files.read_image, files.read_samples):
    np.testing.assert_array_equal(read(path), np.zeros((6, 8, 3)))


def test_attributes_that_macos_keeps_beside_a_picture_are_no_picture(tmp_path):
  for name in ("a.png", "._a.png"):
    (tmp_path / name).touch()
  assert [p.name for p in files.list_images(tmp_path)] == ["a.png"]


def test_what_systems_leave_in_folders_is_no_data():
  for name in (
    "Thumbs.db", "desktop.ini", "DESKTOP.INI", ".DS_Store", "__MACOSX",
    "._a.npy", "a.png:Zone.Identifier", "@eaDir", "x/y/Thumbs.db",
  ):  # fmt: skip
    assert files.is_system_file(name), name
  for name in ("a.png", "thumbs.png", "desktop.csv", "_a.png", "Thumbs.db/a"):
    assert not files.is_system_file(name), name


def test_a_folder_without_pictures_is_refused(tmp_path):
  with pytest.raises(ValueError, match="no picture in"):
    files.list_images(tmp_path)
  with pytest.raises(ValueError, match="expected a folder"):
    files.list_images(tmp_path / "absent")


def test_sha256_is_that_of_the_content(tmp_path):
  files.write_bytes(tmp_path / "x", b"abc")
  assert files.sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_gray_with_transparency_stays_gray(tmp_path, alpha):
  Image.new("LA", (3, 2), (50, alpha)).save(tmp_path / "a.png")
  found = files.read_image(tmp_path / "a.png")
  assert found.shape == (2, 3, 1)
  # Pillow rounds twice.
  assert (
    abs(int(found[0, 0, 0]) - (50 * alpha + 255 * (255 - alpha)) / 255) <= 1
  )


@pytest.mark.parametrize("mode", ["F", "I"])
def test_numbers_of_unknown_range_are_refused(tmp_path, mode):
  Image.new(mode, (3, 2), 1).save(tmp_path / "a.tif")
  with pytest.raises(ValueError, match="give a picture of 8 or 16 bits"):
    files.read_image(tmp_path / "a.tif")


def deep(shape, seed=0):
  return np.random.default_rng(seed).integers(0, 65536, shape, np.uint16)


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_16_bit_png_are_read_whole(tmp_path, channels):
  values = deep((130, 7, channels))
  files.write_bytes(tmp_path / "a.png", tf.io.encode_png(values).numpy())
  found = files.read_samples(tmp_path / "a.png")
  np.testing.assert_array_equal(found, values)
  assert found.dtype == np.uint16


def write_tiff(path, samples, *, order="<", compressed=False, planes=False):
  """Writes uint16 `[H, W, C]` as TIFF 6.0: Pillow writes no deep color."""
  height, width, channels = samples.shape
  stored = np.moveaxis(samples, -1, 0) if planes else samples
  strips = stored if planes else [stored]
  strips = [np.asarray(s, f"{order}u2").tobytes() for s in strips]
  if compressed:
    strips = [zlib.compress(strip) for strip in strips]
  data, offsets = b"", []
  for strip in strips:
    offsets.append(8 + len(data))
    data += strip + b"\0" * (len(strip) % 2)
  tags = {
    256: ("I", [width]),
    257: ("I", [height]),
    258: ("H", [16] * channels),
    259: ("H", [8 if compressed else 1]),
    262: ("H", [2 if channels > 1 else 1]),  # RGB, or black is zero
    273: ("I", offsets),
    277: ("H", [channels]),
    278: ("I", [height]),
    279: ("I", [len(strip) for strip in strips]),
    284: ("H", [2 if planes else 1]),
  }
  entries = b""
  for tag, (kind, values) in tags.items():
    packed = struct.pack(f"{order}{len(values)}{kind}", *values)
    if len(packed) > 4:  # stands elsewhere
      place = 8 + len(data)
      data += packed + b"\0" * (len(packed) % 2)
      packed = struct.pack(f"{order}I", place)
    code = {"H": 3, "I": 4}[kind]
    head = struct.pack(f"{order}HHI", tag, code, len(values))
    entries += head + packed.ljust(4, b"\0")
  mark = b"II" if order == "<" else b"MM"
  header = mark + struct.pack(f"{order}HI", 42, 8 + len(data))
  count = struct.pack(f"{order}H", len(tags))
  path.write_bytes(header + data + count + entries + b"\0" * 4)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_16_bit_tiff_are_read_whole(
  tmp_path, compressed, order, channels
):
  values = deep((130, 7, channels))
  path = tmp_path / "a.tif"
  write_tiff(path, values, order=order, compressed=compressed)
  np.testing.assert_array_equal(files.read_samples(path), values)


def test_samples_of_8_bits_are_those_of_read_image(tmp_path):
  picture = np.random.default_rng(0).integers(0, 256, (70, 9, 3), np.uint8)
  for number, mode in enumerate(("1", "L", "P", "RGB", "CMYK", "YCbCr")):
    path = tmp_path / f"{number}.tif"
    Image.fromarray(picture).convert(mode).save(path)
    found = files.read_samples(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, files.read_image(path))


@pytest.mark.parametrize("compressed", [False, True])
def test_16_bit_samples_in_planes_are_refused(tmp_path, compressed):
  path = tmp_path / "a.tif"
  write_tiff(path, deep((6, 5, 3)), compressed=compressed, planes=True)
  with pytest.raises(ValueError, match="save them as RGB or RGBA"):
    files.read_samples(path)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
@pytest.mark.parametrize("alpha", files.ALPHA)
def test_transparency_is_what_was_asked_for(tmp_path, mode, alpha):
  rgba = Image.new("RGBA", (3, 70), (200, 200, 200, 51))
  rgba.putpixel((0, 0), (200, 200, 200, 255))
  picture = rgba.quantize(4) if mode == "P" else rgba.convert(mode)
  picture.save(tmp_path / "a.png")
  if alpha == "error":
    with pytest.raises(ValueError, match="has transparency"):
      files.read_samples(tmp_path / "a.png", alpha=alpha)
    return
  found = files.read_samples(tmp_path / "a.png", alpha=alpha)
  # A fifth of the color and four fifths of the background.
  mixed = {"white": 244, "black": 40, "ignore": 200}[alpha]
  assert found.shape == (70, 3, 1 if mode == "LA" else 3)
  assert (found[0, 0] == 200).all()
  assert (found.reshape(-1, found.shape[-1])[1:] == mixed).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_channel_of_opacity_that_is_full_is_no_transparency(tmp_path, mode):
  Image.new(mode, (3, 2), (7,) * (len(mode) - 1) + (255,)).save(
    tmp_path / "a.png"
  )
  found = files.read_samples(tmp_path / "a.png", alpha="error")
  assert (found == 7).all()


@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage of no kind", bytes(16)])
@pytest.mark.filterwarnings("ignore")  # of Pillow
def test_damaged_camera_data_cost_no_picture(tmp_path, suffix, exif):
  path = tmp_path / f"a.{suffix}"
  Image.new("RGB", (3, 2), (7, 7, 7)).save(path, exif=exif)
  for read in (files.read_image, files.read_samples):
    with notes.collected() as found:
      picture = read(path)
    assert picture.shape == (2, 3, 3)
    assert np.abs(picture - 7.0).max() <= 1
    if suffix in ("png", "webp"):
      assert found == [(str(path), files.NO_EXIF)]


def test_16_bits_of_gray_with_opacity_stay_gray(tmp_path):
  rows = b"".join(b"\0" + b"\x12\x34\xff\xff" * 3 for _ in range(2))
  header = struct.pack(">IIBBBBB", 3, 2, 16, 4, 0, 0, 0)
  parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
  (tmp_path / "a.png").write_bytes(
    b"\x89PNG\r\n\x1a\n"
    + b"".join(
      struct.pack(">I", len(data))
      + name
      + data
      + struct.pack(">I", zlib.crc32(name + data))
      for name, data in parts
    )
  )
  found = files.read_image(tmp_path / "a.png")
  assert found.shape == (2, 3, 1)
  assert (found == 0x12).all()


@pytest.mark.parametrize("alpha", ["white", "black"])
def test_16_bits_with_transparency_round_once(tmp_path, alpha):
  values = deep((9, 7, 4))
  files.write_bytes(tmp_path / "a.png", tf.io.encode_png(values).numpy())
  opacity = values[..., 3:] / 65535
  behind = 65535.0 if alpha == "white" else 0.0
  wanted = values[..., :3] * opacity + behind * (1 - opacity)
  found = files.read_samples(tmp_path / "a.png", alpha=alpha)
  # Rounded to whole numbers.
  assert np.abs(found - wanted).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_samples_stand_as_the_camera_was_held(tmp_path, orientation, suffix):
  exif = Image.Exif()
  exif[0x0112] = orientation
  picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
  path = tmp_path / f"a.{suffix}"
  Image.fromarray(picture).save(path, exif=exif)
  found = files.read_samples(path)
  np.testing.assert_array_equal(found, files.read_image(path))
  assert found.shape[:2] == ((5, 7) if orientation < 5 else (7, 5))


def test_an_unknown_treatment_of_transparency_is_refused(tmp_path):
  with pytest.raises(ValueError, match=r"alpha is one of white.*got 'red'"):
    files.read_samples(tmp_path / "a.png", alpha="red")


@pytest.mark.parametrize("read", [files.read_image, files.read_samples])
def test_a_large_picture_is_read_without_a_warning(tmp_path, monkeypatch, read):
  Image.new("L", (30, 20)).save(tmp_path / "a.png")
  monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
  # Warnings are errors here; of twice as much Pillow's own is one.
  assert read(tmp_path / "a.png").shape == (20, 30, 1)


def test_without_pillow_the_error_says_what_to_install(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, "PIL", None)
  with pytest.raises(ValueError, match="pip install 'tfpercept"):
    files.read_samples(tmp_path / "a.png")


NAMES = [
  "x" * 255, "é" * 127, "日本" * 42 + "x" * 3, "-x.txt", "--", "~", "~root",
  "a*b?[c]", "a\\b", "a\nb", " ", "{x}", "%s", "old", "new",
  os.fsdecode(b"\xff\xfe.txt"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name_that_is_legal(tmp_path, name):
  for text in ("one", "two"):
    files.write_text(tmp_path / name, text)
  files.require_writable(tmp_path / name)
  assert [p.name for p in tmp_path.iterdir()] == [name]
  assert (tmp_path / name).read_text() == "two"


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name_that_is_legal(tmp_path, name):
  for content in ("one", "two"):
    with files.atomic(tmp_path / name) as temporary:
      temporary.mkdir()
      (temporary / content).write_text(content)
  files.require_writable_folder(tmp_path / name)
  assert [p.name for p in tmp_path.rglob("*")] == [name, "two"]


@any_picture.tried(30)
@hypothesis.given(
  stem=st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)),
    min_size=1,
  )
)
def test_a_picture_may_have_any_name_that_is_legal(tmp_path_factory, stem):
  folder = tmp_path_factory.mktemp("named")
  name = f"{stem.encode()[:251].decode(errors='ignore')}x.png"
  picture = np.full((2, 3, 3), 7, np.uint8)
  files.write_image(folder / name, picture)
  if not files.is_system_file(folder / name):
    assert files.list_images(folder) == [folder / name]
  np.testing.assert_array_equal(files.read_image(folder / name), picture)


def test_links_that_lead_in_a_circle_are_refused_in_words(tmp_path):
  loop = tmp_path / "loop.png"
  loop.symlink_to("other.png")
  (tmp_path / "other.png").symlink_to("loop.png")
  for refuse_it in (
    lambda: files.write_text(loop, ""),
    lambda: files.require_writable(loop),
    lambda: files.require_writable_folder(loop),
    lambda: files.require_writable_folder(loop / "x"),
  ):
    with pytest.raises(OSError, match=r"circle|symbolic links"):
      refuse_it()
  with pytest.raises(ValueError, match=r"loop\.png does not exist"):
    files.read_image(loop)
  assert len(files.list_images(tmp_path)) == 2  # to be named as no pictures


def test_folders_pipes_and_devices_are_no_pictures(tmp_path):
  (tmp_path / "folder.png").mkdir()
  os.mkfifo(tmp_path / "pipe.png")
  (tmp_path / "device.png").symlink_to(os.devnull)
  (tmp_path / "lost.png").symlink_to("nowhere")
  (tmp_path / "file.png").touch()
  found = files.list_images(tmp_path)
  assert [path.name for path in found] == ["file.png", "lost.png"]
  for name in ("folder.png", "pipe.png", "device.png"):
    with pytest.raises(ValueError, match=f"{name} is no file"):
      files.read_image(tmp_path / name)


def test_a_folder_that_can_not_be_written_to_is_refused(tmp_path):
  (tmp_path / "file").touch()
  with pytest.raises(NotADirectoryError, match="file is no folder"):
    files.require_writable_folder(tmp_path / "file")
  with pytest.raises(OSError, match="file"):
    files.require_writable_folder(tmp_path / "file" / "below")
  files.require_writable_folder(tmp_path / "new" / "one")
  assert not list((tmp_path / "new" / "one").iterdir())


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_is_to_be_kept_is_never_replaced(
  tmp_path, monkeypatch, has_links
):
  if not has_links:  # as on FAT
    monkeypatch.setattr(files.os, "link", refuse)
  path = tmp_path / "a"
  files.write_bytes(path, b"one", replace=False)
  with pytest.raises(FileExistsError, match="a"):
    files.write_bytes(path, b"two", replace=False)
  assert path.read_bytes() == b"one"
  assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_writers_at_once_one_wins(tmp_path, monkeypatch, has_links):
  if not has_links:
    monkeypatch.setattr(files.os, "link", refuse)
  path, gate = tmp_path / "a", threading.Barrier(8)

  def write(number):
    gate.wait()
    try:
      with files.atomic(path, replace=False) as temporary:
        temporary.write_bytes(bytes([number]) * 1000)
        gate.wait()  # all have written, none has taken the name
    except FileExistsError:
      return None
    return number

  with futures.ThreadPoolExecutor(8) as pool:
    (winner,) = set(pool.map(write, range(8))) - {None}
  assert path.read_bytes() == bytes([winner]) * 1000
  assert [p.name for p in tmp_path.iterdir()] == ["a"]
