"""Lossless streams decode exactly, are small, and hold nothing else."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from tests.codecs import any_picture
from tfpercept.codecs.base import CorruptStream, MissingLibrary
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.classical import formats
from tfpercept.codecs.lossless import lossless_codec, payloads

CODEC = lossless_codec.Lossless()
# Bytes of header and checksum: 16, of which sizes and lengths may take 8 more.
HEADER = 24
PHOTO = np.random.default_rng(0).integers(90, 92, (9, 13, 3), np.uint8)


def stream(picture, kind, payload):
  """A stream of any payload, with the size of a picture."""
  header = container.Header(
    codec=container.LOSSLESS,
    model=b"",
    height=picture.shape[0],
    width=picture.shape[1],
    grey=picture.shape[2] == 1,
    payload=kind,
  )
  return container.pack(header, [payload])


def webp(picture, **options):
  data = io.BytesIO()
  Image.fromarray(picture).save(data, "WEBP", lossless=True, **options)
  return data.getvalue()


def png(picture, **options):
  data = io.BytesIO()
  pixels = picture[..., 0] if picture.shape[2] == 1 else picture
  Image.fromarray(pixels).save(data, "PNG", **options)
  return data.getvalue()


def chunk(kind, data):
  body = kind + data
  return (
    struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
  )


def vp8l(picture):
  return webp(picture)[20:].rstrip(b"\0")


@any_picture.tried(60)
@given(any_picture.PICTURES)
def test_every_picture_comes_back_exactly_and_none_grows(picture):
  data = CODEC.compress(picture)
  np.testing.assert_array_equal(CODEC.decompress(data), picture)
  assert CODEC.picture_size(data) == picture.shape[:2]
  assert lossless_codec.is_lossless(data)
  # Neither beyond its samples nor beyond a file of the lossless formats.
  assert len(data) <= picture.size + HEADER
  assert len(data) <= len(formats.PNG().compress(picture)) + HEADER


def test_one_pixel_takes_20_bytes_and_a_grey_one_18():
  pixel = np.array([[[1, 2, 3]]], np.uint8)
  assert len(CODEC.compress(pixel)) == 20
  assert len(CODEC.compress(pixel[..., :1])) == 18
  assert len(png(pixel)) == 69


def test_a_picture_is_no_larger_than_its_webp(photograph):
  for picture in (photograph(80, 120), PHOTO, PHOTO.repeat(20, axis=1)):
    lossless = formats.WebP(lossless=True).compress(picture)
    assert len(CODEC.compress(picture)) <= len(lossless) + HEADER


@pytest.mark.parametrize("channels", [1, 3])
def test_each_kind_of_payload_is_read(photograph, channels):
  picture = photograph(40, 60)[..., :channels]
  as_color = np.broadcast_to(picture, (40, 60, 3))
  for kind, payload in (
    (payloads.SAMPLES, picture.tobytes()),
    (payloads.PNG, png(picture)),
    (payloads.VP8L, vp8l(as_color)),
  ):
    data = stream(picture, kind, payload)
    np.testing.assert_array_equal(CODEC.decompress(data), picture)
    assert container.read_header(data).damage == ""


def test_large_pictures_are_png(monkeypatch, photograph):
  picture = photograph(80, 100)
  for name, most in (("MAX_VP8L_SIDE", 99), ("MAX_VP8L_PIXELS", 7999)):
    with monkeypatch.context() as patch:
      patch.setattr(payloads, name, most)
      data = CODEC.compress(picture)
    assert container.read_header(data).header.payload == payloads.PNG
    np.testing.assert_array_equal(CODEC.decompress(data), picture)
  assert (
    container.read_header(CODEC.compress(picture)).header.payload
    == payloads.VP8L
  )


def test_without_webp_it_is_png(monkeypatch, photograph):
  def lacks(self):
    raise MissingLibrary("no WebP")

  monkeypatch.setattr(formats.WebP, "_require", lacks)
  picture = photograph(80, 100)
  data = CODEC.compress(picture)
  assert container.read_header(data).header.payload == payloads.PNG
  np.testing.assert_array_equal(CODEC.decompress(data), picture)
  assert payloads.rough_size(picture) >= len(data) - HEADER


@pytest.mark.parametrize("channels", [1, 3])
def test_a_rough_size_is_near_the_true_one(photograph, channels):
  for picture in (photograph(200, 300), np.tile(PHOTO, (20, 20, 1))):
    rough = payloads.rough_size(picture[..., :channels])
    true = len(CODEC.compress(picture[..., :channels]))
    # Repetitions may do with less effort as well as with more.
    assert true / 1.5 - HEADER <= rough <= 2 * true


OTHER = PHOTO[:, ::-1].copy()
CLEAR = np.dstack([PHOTO, PHOTO[..., :1]])
TALL = PHOTO.swapaxes(0, 1).copy()
FRAMES = {"save_all": True, "append_images": [Image.fromarray(OTHER)]}
WHOLE = png(PHOTO)
IDAT = WHOLE[41:-16]  # of the one chunk


@pytest.mark.parametrize(
  ("kind", "payload", "why"),
  [
    (3, PHOTO.tobytes()[:-1], "350 samples, where the picture has 351"),
    (3, PHOTO.tobytes() + b"\0", "352 samples, where the picture has 351"),
    (1, vp8l(TALL), "a VP8L of 9x13"),
    (1, vp8l(PHOTO)[:4] + b"\x10" + vp8l(PHOTO)[5:], "flags 1"),
    (1, webp(PHOTO), "no VP8L: it does not begin as one"),
    (1, b"\x2f", "no VP8L"),
    (1, vp8l(PHOTO)[:20], "no whole WEBP"),
    (1, vp8l(PHOTO)[:4] + b"\x40" + vp8l(PHOTO)[5:], "flags 4"),
    (2, webp(PHOTO), "no PNG"),
    (2, png(TALL), "a PNG of another size or kind than 13x9 of 3"),
    (2, png(PHOTO[..., :1]), "a PNG of another size or kind"),
    (2, png(CLEAR), "a PNG of another size or kind"),
    (2, png(PHOTO, dpi=(72, 72)), "other chunks than IHDR, IDAT and IEND"),
    (2, png(PHOTO, **FRAMES), "other chunks than IHDR, IDAT and IEND"),
    (2, WHOLE + b"\0", "ends within a chunk"),
    (2, WHOLE[:8], "a PNG without chunks"),
    (2, WHOLE[:33] + WHOLE[-12:], "other chunks than"),
    (2, WHOLE[:-12], "other chunks than"),
    (2, WHOLE[:-5], "ends within a chunk"),
    (2, WHOLE[:60] + b"?" + WHOLE[61:], "another checksum than its own"),
    (2, WHOLE[:33] + chunk(b"IDAT", IDAT[:-9]) + WHOLE[-12:], "inflated"),
    (2, WHOLE[:33] + chunk(b"IDAT", IDAT + b"\0") + WHOLE[-12:], "behind it"),
    (2, WHOLE[:33] + chunk(b"IDAT", b"\0" * 9) + WHOLE[-12:], "not inflate"),
    (
      2,
      WHOLE[:33] + chunk(b"IDAT", zlib.compress(bytes(10**5))) + WHOLE[-12:],
      "inflated, where the picture has 360",
    ),
  ],
)
def test_whatever_is_not_exactly_the_picture_is_refused(kind, payload, why):
  with pytest.raises(CorruptStream, match=why):
    CODEC.decompress(stream(PHOTO, kind, payload))


def test_a_png_is_checked_in_time_that_grows_with_its_bytes(monkeypatch):
  class Counted:
    """Adds up the bytes that zlib does not consume, and copies."""

    copied = 0

    def __init__(self):
      self._stream = zlib.decompressobj()

    def __getattr__(self, name):
      return getattr(self._stream, name)

    def decompress(self, data, most):
      found = self._stream.decompress(data, most)
      Counted.copied += len(self._stream.unconsumed_tail)
      return found

  noise = np.random.default_rng(0).integers(0, 99, (700, 1000, 3), np.uint8)
  whole = png(noise)
  decoder = type("", (), {"decompressobj": Counted, "error": zlib.error,
                          "crc32": zlib.crc32})  # fmt: skip
  with monkeypatch.context() as patch:
    patch.setattr(payloads, "zlib", decoder)
    found = CODEC.decompress(stream(noise, payloads.PNG, whole))
  np.testing.assert_array_equal(found, noise)
  assert Counted.copied < 2 * len(whole)


def test_grey_of_channels_that_differ_is_refused():
  data = stream(PHOTO[..., :1], payloads.VP8L, vp8l(PHOTO))
  with pytest.raises(CorruptStream, match="grey picture of which the channels"):
    CODEC.decompress(data)


def test_every_changed_byte_of_a_payload_is_refused_or_a_picture():
  """The checksum is made right; what is left is up to Pillow's decoders."""
  for kind, payload in ((1, vp8l(PHOTO)), (2, WHOLE)):
    for at in range(len(payload)):
      changed = bytearray(payload)
      changed[at] ^= 0x55
      with contextlib.suppress(CorruptStream):
        found = CODEC.decompress(stream(PHOTO, kind, bytes(changed)))
        assert found.shape == PHOTO.shape


def test_a_damaged_stream_is_refused_by_its_checksum():
  data = CODEC.compress(PHOTO)
  for at in range(4, len(data)):
    changed = bytearray(data)
    changed[at] ^= 1
    with pytest.raises(CorruptStream):
      CODEC.decompress(bytes(changed))


def test_sizes_are_bounded_before_a_payload_is_looked_at(monkeypatch):
  data = stream(np.zeros((1, 2, 1), np.uint8), 3, b"ab")
  monkeypatch.setattr(payloads, "unpacked", None)  # which would raise
  with pytest.raises(CorruptStream, match="at most 1 are decoded"):
    lossless_codec.Lossless(max_pixels=1).decompress(data)
  with pytest.raises(ValueError, match="at most 1 pixels"):
    lossless_codec.Lossless(max_pixels=1).compress(
      np.zeros((1, 2, 1), np.uint8)
    )


def test_a_string_longer_than_all_samples_is_refused():
  data = stream(np.zeros((1, 1, 3), np.uint8), 3, bytes(100))
  with pytest.raises(CorruptStream, match="a string of 100 bytes"):
    CODEC.decompress(data)


def test_what_it_does_not_take_is_said():
  with pytest.raises(ValueError, match="the one quality 100; got 50"):
    CODEC.compress(PHOTO, quality=50)
  with pytest.raises(ValueError, match="lossless stores no transparency"):
    CODEC.compress(CLEAR)
  assert CODEC.compress(PHOTO, quality=100) == CODEC.compress(PHOTO)
  assert not lossless_codec.is_lossless(WHOLE)
  assert not lossless_codec.is_lossless(b"")
