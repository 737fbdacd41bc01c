"""A stream is read as it was written, or refused before anything is made."""

import contextlib
import dataclasses
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import container

MODEL = bytes.fromhex("0123456789abcdef")
HEADER = container.Header(
  codec=2, model=MODEL, height=512, width=768, quality=56, integer=True
)
STRINGS = [b"hyper", b"latents" * 20]
# What the stream above is, byte by byte.
BYTES = (
  b"\xd4TFP" b"\x01\x02\x08" + MODEL + b"\x80\x04\x80\x06" b"\x38"
  b"\x02" b"\x05\x8c\x01" + b"".join(STRINGS)
)  # fmt: skip
FULL = BYTES + struct.pack("<I", zlib.crc32(BYTES))
SHORT = container.Header(codec=5, model=MODEL[:4], height=64, width=64)


def unpack(data, **options):
  """Reads a stream as the codec of `HEADER` does."""
  expected = {
    "codec": 2,
    "model": MODEL,
    "symbols": lambda height, width: [100, 1000],
    "max_bytes": 10_000,
  }
  return container.unpack(data, **{**expected, **options})


def forged(body):
  """A stream whose checksum is right, whatever the rest."""
  return body + struct.pack("<I", zlib.crc32(body))


def with_bytes(at, new):
  """The stream with other bytes at some place, and the right checksum."""
  return forged(BYTES[:at] + new + BYTES[at + len(new) :])


def test_the_bytes_are_those_of_the_format():
  assert container.pack(HEADER, STRINGS) == FULL


def test_what_is_packed_is_unpacked():
  assert unpack(FULL) == (HEADER, STRINGS)
  assert unpack(bytearray(FULL)) == (HEADER, STRINGS)


def test_two_strings_cost_30_bytes_and_a_short_stream_of_one_18():
  strings = [bytes(2_000), bytes(20_000)]
  assert len(container.pack(HEADER, strings)) - 22_000 == 30
  short = container.pack(SHORT, [b"latent"])
  assert len(short) - 6 == 18
  assert short[6] & 128
  options = {"codec": 5, "symbols": lambda height, width: [6]}
  assert unpack(short, **options) == (SHORT, [b"latent"])


def test_a_string_that_the_coder_left_empty_is_one_zero():
  _, strings = unpack(container.pack(HEADER, [b"", b"latents"]))
  assert strings == [b"\0", b"latents"]


headers = st.builds(
  container.Header,
  codec=st.sampled_from(
    sorted(set(container.CODEC_IDS.values()) - {container.LOSSLESS})
  ),
  model=st.binary(min_size=8, max_size=8) | st.binary(min_size=4, max_size=4),
  height=st.integers(1, 65535),
  width=st.integers(1, 65535),
  quality=st.integers(0, 255),
  grey=st.booleans(),
  integer=st.booleans(),
  seed=st.none() | st.integers(0, 2**32 - 1),
  tile=st.none()
  | st.builds(
    container.Tile,
    side=st.integers(5, 255).map(lambda n: 64 * n),
    overlap=st.integers(0, 16).map(lambda n: 16 * n),
  ),
)
lossless_headers = st.builds(
  container.Header,
  codec=st.just(container.LOSSLESS),
  model=st.just(b""),
  height=st.integers(1, 65535),
  width=st.integers(1, 65535),
  grey=st.booleans(),
  payload=st.sampled_from(sorted(container.PAYLOADS.values())),
)
string_lists = st.lists(st.binary(min_size=1, max_size=200), min_size=1)


@given(headers | lossless_headers, string_lists)
def test_every_header_comes_back(header, strings):
  data = container.pack(header, strings)
  assert unpack(
    data,
    codec=header.codec,
    model=header.model + bytes(8 - len(header.model)),
    symbols=lambda height, width: [len(s) for s in strings],
    optional=("seed", "tile"),
    max_bytes=len(data),
    max_pixels=65535**2,
  ) == (header, strings)
  assert container.read_header(data) == container.Description(
    header, tuple(map(len, strings)), ""
  )


@settings(max_examples=500)
@given(st.binary(max_size=80), st.booleans())
def test_anything_behind_a_right_start_is_one_form_or_refused(tail, is_forged):
  data = BYTES[:15] + tail
  data = forged(data) if is_forged else data
  with contextlib.suppress(CorruptStream):
    assert container.pack(*unpack(data)) == data
  with contextlib.suppress(CorruptStream):
    assert container.read_header(data).damage or is_forged


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_are_no_stream(data):
  with pytest.raises(CorruptStream):
    unpack(data)
  with pytest.raises(CorruptStream):
    container.read_header(data)


@pytest.mark.parametrize("header", [HEADER, SHORT])
def test_every_changed_byte_is_found(header):
  data = container.pack(header, STRINGS)
  symbols = {
    "codec": header.codec,
    "symbols": lambda height, width: [100, 1000],
  }
  unpack(data, **symbols)
  for at in range(len(data)):
    for change in (1, 0x80, 0xFF):
      damaged = bytearray(data)
      damaged[at] ^= change
      with pytest.raises(CorruptStream):
        unpack(bytes(damaged), **symbols)


@pytest.mark.parametrize("header", [HEADER, SHORT])
def test_every_truncation_and_whatever_follows_is_found(header):
  data = container.pack(header, STRINGS)
  symbols = {
    "codec": header.codec,
    "symbols": lambda height, width: [100, 1000],
  }
  for length in range(len(data)):
    with pytest.raises(CorruptStream):
      unpack(data[:length], **symbols)
  for tail in (b"\0", b"\xff", b"\0" * 4, data):
    with pytest.raises(CorruptStream):
      unpack(data + tail, **symbols)


@pytest.mark.parametrize(
  ("at", "new", "message"),
  [
    (0, b"\xd5", "no .tfp stream"),
    (4, b"\x02", "version 2; only version 1"),
    (5, b"\x00", "codec 0; known are 1 .factorized., 2 "),
    (5, b"\x07", "codec 7; known are .*, 6 .lossless."),
    (5, b"\x06\x08", "flags 0x08, of which some have no use in a lossless"),
    (5, b"\x06\x80", "flags 0x80, of which some have no use in a lossless"),
    (6, b"\x18", "flags 0x18"),
    (15, b"\x81\x00", "the height is not in the shortest form"),
    (15, b"\x80\x00", "the height is not in the shortest form"),
    (15, b"\x80\x80\x04", "the height is 1 to 65535; got 65536"),
    (15, b"\x00", "the height is 1 to 65535; got 0"),
    (17, b"\xff\xff\xff\xff\xff\x01", "the width is not in the shortest form"),
    (17, b"\xff\xff\xff\xff\x7f", "the width is 1 to 65535; got 34359738367"),
    (20, b"\x01", "1 strings; the codec has 2"),
    (20, b"\xff\xff\xff\xff\x7f", "34359738367 strings; the codec has 2"),
    (21, b"\x04", "strings of 144 bytes in all, where 145 are left"),
    (21, b"\xff\xff\xff\xff\x7f\x01", "strings of 34359738368 bytes in all"),
    (21, b"\x00\x91\x01", "a string of 0 bytes; 100 symbols take 1 to 864"),
  ],
)  # fmt: skip
def test_what_is_wrong_under_a_right_checksum_is_said(at, new, message):
  with pytest.raises(CorruptStream, match=message):
    unpack(with_bytes(at, new))


def test_a_string_longer_than_its_symbols_can_be_is_refused():
  options = {"symbols": lambda height, width: [100, 1000]}
  longest = container.pack(HEADER, [bytes(864), b"x"])
  unpack(longest, **options)
  with pytest.raises(CorruptStream, match="865 bytes; 100 symbols take 1 to"):
    unpack(container.pack(HEADER, [bytes(865), b"x"]), **options)


def test_limits_are_those_of_the_caller_and_come_first():
  with pytest.raises(CorruptStream, match="at most 100 are read"):
    unpack(FULL, max_bytes=100)
  with pytest.raises(CorruptStream, match="has 768x512 pixels; at most 1000"):
    unpack(FULL, max_pixels=1000)
  huge = dataclasses.replace(HEADER, height=65535, width=65535)

  def refuse(height, width):
    raise AssertionError("asked for the strings of a picture too large")

  with pytest.raises(CorruptStream, match="at most 134217728"):
    unpack(container.pack(huge, STRINGS), symbols=refuse)


def test_checks_come_in_the_order_of_the_format():
  """A stream with everything wrong is refused for the first of it."""
  body = bytearray(
    b"\xd4TFQ" b"\x02\x09\x70" + MODEL[::-1] + b"\x00\x00\x00\x00"
  )  # fmt: skip
  for message, repair in (
    ("no .tfp", lambda: body.__setitem__(3, ord("P"))),
    ("version", lambda: body.__setitem__(4, 1)),
    ("codec 9", lambda: body.__setitem__(5, 2)),
    ("flags", lambda: body.__setitem__(6, 0)),
    ("checksum", lambda: body.extend(struct.pack("<I", zlib.crc32(body)))),
    ("model", lambda: None),
  ):
    with pytest.raises(CorruptStream, match=message):
      unpack(bytes(body))
    repair()


def test_another_model_is_said_with_both_names():
  for options in ({"model": bytes(8)}, {"codec": 3}):
    with pytest.raises(container.WrongModel, match=MODEL.hex()) as caught:
      unpack(FULL, **options)
    assert options.get("model", MODEL).hex() in str(caught.value)
    assert isinstance(caught.value, CorruptStream)


@pytest.mark.parametrize(
  ("name", "value"), [("tile", container.Tile(256, 32)), ("seed", 1)]
)
def test_what_the_codec_has_no_use_for_is_refused(name, value):
  data = container.pack(dataclasses.replace(HEADER, **{name: value}), STRINGS)
  with pytest.raises(CorruptStream, match=f"the stream has a {name}, which"):
    unpack(data)
  header, _ = unpack(data, optional=(name,))
  assert getattr(header, name) == value


@pytest.mark.parametrize(
  ("side", "overlap"), [(0, 0), (1, 4), (1, 8), (4, 255)]
)
def test_impossible_tiles_are_refused(side, overlap):
  tiled = dataclasses.replace(HEADER, tile=container.Tile(256, 32))
  data = container.pack(tiled, STRINGS)
  at = data.index(b"\x04\x02", 20)
  body = data[:at] + bytes([side, overlap]) + data[at + 2 : -4]
  with pytest.raises(CorruptStream, match="tile"):
    unpack(forged(body))


def test_a_damaged_stream_is_described_as_far_as_it_goes():
  for damaged in (FULL[:-30], FULL[:40] + b"?" + FULL[41:]):
    described = container.read_header(damaged)
    assert described.header == HEADER
    assert "checksum" in described.damage
  described = container.read_header(with_bytes(21, b"\x04"))
  assert described.lengths == (4, 140)
  assert "145 are left" in described.damage
  with pytest.raises(CorruptStream, match="ends within the model's hash"):
    container.read_header(FULL[:16])


def test_a_description_takes_no_memory_for_strings_that_are_not_there():
  described = container.read_header(with_bytes(20, b"\xff\xff\xff\xff\x7f"))
  assert "34359738367 strings in" in described.damage
  assert described.lengths == ()


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"codec": 7}, "codecs are 1"),
    ({"payload": 1}, "codec 2 has no payload 1"),
    ({"model": b"123"}, "got 3"),
    ({"height": 0}, "height of a picture is 1 to 65535; got 0"),
    ({"width": 65536}, "width of a picture is 1 to 65535; got 65536"),
    ({"quality": 3.5}, "a quality is 0 to 255, in sixteenths; got 3.5"),
    ({"quality": 256}, "got 256"),
    ({"seed": -1}, "a seed is 0 to"),
  ],
)
def test_a_header_out_of_range_can_not_be_made(change, message):
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(HEADER, **change)


LOSSLESS = container.Header(
  codec=6, model=b"", height=1, width=2, grey=True, payload=3
)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"payload": 0}, "payload 0; known are 1 .vp8l., 2 .png., 3 .samples."),
    ({"payload": 4}, "payload 4; known are"),
    ({"model": MODEL}, "no model and no quality"),
    ({"quality": 16}, "no model and no quality"),
    ({"integer": True}, "no model and no quality"),
    ({"seed": 1}, "no seed and no tiles"),
    ({"tile": container.Tile(256, 32)}, "no seed and no tiles"),
  ],
)
def test_a_lossless_header_has_nothing_of_a_model(change, message):
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(LOSSLESS, **change)


def test_a_lossless_stream_of_two_samples_has_19_bytes():
  body = b"\xd4TFP\x01\x06\x01" + b"\x03\x01\x02\0" + b"\x01\x02ab"
  assert container.pack(LOSSLESS, [b"ab"]) == forged(body)
  assert len(forged(body)) == 19
  options = {"codec": 6, "model": b"", "symbols": lambda height, width: [2]}
  assert unpack(forged(body), **options) == (LOSSLESS, [b"ab"])
  for at, byte, message in (
    (7, 0, "payload 0; known are 1 .vp8l."),
    (7, 4, "payload 4; known are 1 .vp8l."),
    (10, 1, "a lossless stream of quality 1"),
    (11, 2, "2 strings; the codec has 1"),
  ):
    changed = bytearray(body)
    changed[at] = byte
    with pytest.raises(CorruptStream, match=message):
      container.read_header(forged(bytes(changed)))
      unpack(forged(bytes(changed)), **options)
  with pytest.raises(container.WrongModel, match="no model wrote it"):
    unpack(forged(body))


def test_a_stream_without_strings_can_not_be_made():
  with pytest.raises(ValueError, match="at least one string"):
    container.pack(HEADER, [])


def test_pictures_that_no_stream_holds_are_named_by_their_size():
  container.check_size(1, 65535)
  container.check_size(8192, 16384)
  for size in ((0, 1), (1, 65536), (8192, 16385)):
    with pytest.raises(ValueError, match=f"got {size[1]}x{size[0]}"):
      container.check_size(*size)
