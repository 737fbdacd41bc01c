"""Pictures keep all the bits that they have, and their transparent color."""

import struct
import zlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from tests.codecs import any_picture
from tfpercept.io import files, picture_files

SIDES = st.integers(1, 70)


def png(samples, depth, *, key=None, kind=None):
  """Returns the bytes of a PNG of rows of samples `[H, W, bands]`."""
  height, width, bands = samples.shape
  kind = {1: 0, 2: 4, 3: 2, 4: 6}[bands] if kind is None else kind
  rows = []
  for row in samples.reshape(height, -1):
    bits = "".join(format(int(v), f"0{depth}b") for v in row)
    bits += "0" * (-len(bits) % 8)
    rows.append(b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big"))
  header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
  chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows)))]
  if key is not None:
    chunks.insert(1, (b"tRNS", struct.pack(f">{len(key)}H", *key)))
  chunks.append((b"IEND", b""))
  return b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(data)) + name + data
    + struct.pack(">I", zlib.crc32(name + data))
    for name, data in chunks
  )  # fmt: skip


def portable(samples, maximum, *, is_plain):
  """Returns the bytes of a PGM or PPM."""
  height, width, bands = samples.shape
  magic = {(1, True): 2, (3, True): 3, (1, False): 5, (3, False): 6}
  head = f"P{magic[bands, is_plain]}\n# made up\n{width} {height}\n{maximum}\n"
  if is_plain:
    return (head + "\n".join(map(str, samples.ravel()))).encode()
  kind = ">u2" if maximum > 255 else "u1"
  return head.encode() + samples.astype(kind).tobytes()


def random_samples(height, width, bands, top, seed):
  random = np.random.default_rng(seed)
  return random.integers(0, top + 1, (height, width, bands))


@any_picture.tried(60)
@hypothesis.given(
  sides=st.tuples(SIDES, SIDES),
  bands=st.sampled_from([1, 3]),
  maximum=st.one_of(
    st.integers(1, 65535), st.sampled_from([255, 256, 1023, 4095, 65535])
  ),
  is_plain=st.booleans(),
  seed=st.integers(0, 9),
)
def test_pgm_and_ppm_keep_their_bits(
  tmp_path_factory, sides, bands, maximum, is_plain, seed
):
  path = tmp_path_factory.getbasetemp() / "any.ppm"
  samples = random_samples(*sides, bands, maximum, seed)
  path.write_bytes(portable(samples, maximum, is_plain=is_plain))
  top = 65535 if maximum > 255 else 255
  found = files.read_samples(path)
  assert found.dtype == (np.uint16 if maximum > 255 else np.uint8)
  exact = samples * top / maximum
  assert np.abs(found - exact).max() <= 0.5
  eight = files.read_image(path)
  assert eight.dtype == np.uint8
  assert np.abs(eight - samples * 255 / maximum).max() <= 0.51  # rounded twice


@any_picture.tried(60)
@hypothesis.given(
  sides=st.tuples(SIDES, SIDES),
  form=st.sampled_from(
    [(1, 1), (1, 2), (1, 4), (1, 8), (1, 16), (2, 8), (2, 16), (3, 8), (3, 16),
     (4, 8), (4, 16)]  # bands and bits
  ),
  is_keyed=st.booleans(),
  alpha=st.sampled_from(["white", "black", "ignore"]),
  seed=st.integers(0, 9),
)  # fmt: skip
def test_png_keeps_its_bits_and_what_is_transparent(
  tmp_path_factory, sides, form, is_keyed, alpha, seed
):
  bands, depth = form
  path = tmp_path_factory.getbasetemp() / "any.png"
  samples = random_samples(*sides, bands, 2**depth - 1, seed)
  color = samples[..., : 1 if bands < 3 else 3]
  key = None
  if bands in (2, 4):
    opacity = samples[..., -1:] / (2**depth - 1)
  elif is_keyed:
    key = tuple(color[0, 0])
    # Of a number in the file only the bits count that samples have.
    stored = tuple(int(k) + (256 if depth == 8 else 0) for k in key)
    opacity = 1.0 - np.all(color == key, axis=-1, keepdims=True)
  else:
    opacity = np.ones((*sides, 1))
  data = png(samples, depth, key=stored if key is not None else None)
  path.write_bytes(data)
  top = 65535 if depth == 16 else 255
  behind = {"white": top, "black": 0, "ignore": 0}[alpha]
  if alpha == "ignore":
    opacity = 1.0
  wanted = color * (top / (2**depth - 1)) * opacity + behind * (1 - opacity)
  found = files.read_samples(path, alpha=alpha)
  assert found.dtype == (np.uint16 if depth == 16 else np.uint8)
  assert np.abs(found - wanted).max() <= 0.51
  if alpha == "white" and bands != 2:
    # Of color and opacity in 16 bits `read_image` keeps the high bytes.
    near = files.read_image(path).astype(float) - wanted * 255 / top
    assert np.abs(near).max() <= 2.01
  if bands in (2, 4) or key is not None:
    with pytest.raises(ValueError, match="transparency, which alpha='error'"):
      files.read_samples(path, alpha="error")


def tiff(data, bits, photometric, width):
  tags = [
    (256, 3, 1, width), (257, 3, 1, 1), (258, 3, 1, bits), (259, 3, 1, 1),
    (262, 3, 1, photometric), (273, 4, 1, 122), (277, 3, 1, 1), (278, 3, 1, 1),
    (279, 4, 1, len(data)),
  ]  # fmt: skip
  entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
  head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
  return head + entries + bytes(4) + data


def test_gray_tiff_of_12_bits_reaches_white(tmp_path):
  path = tmp_path / "a.tif"
  path.write_bytes(tiff(bytes([0xFF, 0xF8, 0x00]), 12, 1, 2))
  assert files.read_samples(path).ravel().tolist() == [65535, 32776]
  assert files.read_image(path).ravel().tolist() == [255, 128]


def test_gray_tiff_whose_white_is_0_is_no_negative(tmp_path):
  path = tmp_path / "a.tif"
  path.write_bytes(tiff(struct.pack("<3H", 0, 65535, 300), 16, 0, 3))
  assert files.read_samples(path).ravel().tolist() == [65535, 0, 65235]
  assert files.read_image(path).ravel().tolist() == [255, 0, 254]


def test_16_bits_a_pixel_are_no_16_bits_a_sample(tmp_path):
  # BMP of 5 bits of red, 6 of green, 5 of blue, told by three masks.
  pixels = struct.pack("<2H", 0xF800, 0x07E0)
  masks = struct.pack("<3I", 0xF800, 0x07E0, 0x001F)
  header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0)
  head = struct.pack("<2sIHHI", b"BM", 70, 0, 0, 66)
  path = tmp_path / "a.bmp"
  path.write_bytes(head + header + masks + pixels)
  found = files.read_samples(path)
  assert found.tolist() == [[[255, 0, 0], [0, 255, 0]]]
  np.testing.assert_array_equal(files.read_image(path), found)


@pytest.mark.parametrize(
  ("data", "why"),
  [
    (b"P5 2 1 1023\n\x00\x01\x04\x00", "sample is 1024, above the maximum"),
    (b"P5 2 1 1023\n\x00\x01\x02", "ends after 1 of 2 samples"),
    (b"P2 2 1 1023\n1", "ends after 1 of 2 samples"),
    (b"P2 2 1 1023\n1 x2", "has b'x2' among its numbers"),
    (b"P2 2 1 1023\n1 1_0", "has b'1_0' among its numbers"),
    (b"P6 2 1 1023\n\x00", "ends after 0 of 6 samples"),
  ],
)
def test_a_damaged_pgm_is_refused_with_the_reason(tmp_path, data, why):
  path = tmp_path / "a.pgm"
  path.write_bytes(data)
  with pytest.raises(ValueError, match=f"a.pgm is not a readable.*{why}"):
    files.read_samples(path)


def test_jpeg_2000_keeps_its_bits_if_it_is_gray(tmp_path):
  levels = np.repeat(np.repeat([[0, 65535, 4095, 16]], 8, 0), 8, 1)
  path = tmp_path / "a.jp2"
  Image.fromarray(levels.astype(np.uint16)).save(path)
  np.testing.assert_array_equal(files.read_samples(path)[..., 0], levels)


def test_jpeg_2000_of_more_than_8_bits_in_color_is_refused(tmp_path):
  color = tmp_path / "b.jp2"
  Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(color)
  data = color.read_bytes()
  start = data.index(b"\xff\x4f\xff\x51") + 42
  deep = bytearray(data)
  for place in range(start, start + 9, 3):
    deep[place] = 11
  color.write_bytes(bytes(deep))
  with pytest.raises(ValueError, match="JPEG 2000 of 12 bits is read if it is"):
    files.read_samples(color)


INEXACT = picture_files.INEXACT_SUFFIXES


@pytest.mark.parametrize("suffix", files.WRITTEN_SUFFIXES)
@any_picture.tried(30)
@hypothesis.given(picture=any_picture.PICTURES)
def test_any_picture_is_written_and_read(tmp_path_factory, suffix, picture):
  path = tmp_path_factory.getbasetemp() / f"any{suffix}"
  if suffix == ".pgm" and picture.shape[-1] == 3:
    picture = picture[..., :1]
  files.write_image(path, picture)
  for found in (files.read_image(path), files.read_samples(path)):
    assert found.dtype == np.uint8
    assert found.shape[:2] == picture.shape[:2]
    if suffix == ".webp":
      picture = np.broadcast_to(picture, found.shape)  # it has no gray
    if suffix not in INEXACT:
      np.testing.assert_array_equal(found, picture)
