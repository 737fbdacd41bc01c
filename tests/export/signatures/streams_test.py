"""Files in a graph are those of the container, and refused where it refuses."""

import functools
import zlib

import numpy as np
import pytest
import tensorflow as tf

from export.signatures import streams
from tfpercept.codecs.bitstream import container

MODEL = bytes(range(200, 208))
CODEC = 2
MAX_PIXELS = 20_000_000


def symbols(height, width):
  return height * width // 64 + 1, height * width // 4 + 1


@functools.cache
def unpacker():
  """Traced once for all tests."""

  @tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
  def unpack(data):
    return streams.unpack(
      data,
      codec=CODEC,
      model=MODEL,
      symbols=symbols,
      qualities=(16, 128),
      max_pixels=MAX_PIXELS,
    )

  return unpack


def refusal(case: bytes) -> str:
  """Returns why a file is refused; what else is told is of one pixel."""
  stream, reason = unpacker()(tf.constant(case))
  assert (int(stream.height), int(stream.width)) == (1, 1)
  assert [string.numpy() for string in stream.strings] == [b"", b""]
  return reason.numpy().decode()


def packed(*, height=300, width=70, quality=70, grey=False, strings=None):
  header = container.Header(
    codec=CODEC,
    model=MODEL,
    height=height,
    width=width,
    quality=quality,
    grey=grey,
    integer=True,
  )
  strings = [b"some bytes", bytes(range(150))] if strings is None else strings
  return header, strings, container.pack(header, strings)


def checksummed(body: bytes) -> bytes:
  return body + zlib.crc32(body).to_bytes(4, "little")


@pytest.mark.parametrize("size", [4, 5, 6, 7, 8, 9, 31, 32, 33, 1000, 4097])
def test_the_checksum_is_that_of_zlib(size):
  data = np.random.default_rng(size).integers(256, size=size, dtype=np.uint8)
  assert int(streams.crc32(tf.constant(data))) == zlib.crc32(data.tobytes())


@pytest.mark.parametrize(
  "options",
  [
    {},
    {"grey": True, "quality": 16},
    {"height": 1, "width": 1, "strings": [b"", b"x"]},
    {"height": 127, "width": 128, "strings": [b"x" * 127, b"y" * 128]},
    {"height": 65535, "width": 300, "strings": [b"z" * 16384, b"y" * 20000]},
  ],
)
def test_a_file_is_the_one_of_the_container_and_says_the_same(options):
  header, strings, data = packed(**options)
  given = streams.Stream(
    *map(tf.constant, (header.height, header.width, header.quality)),
    tf.constant(header.grey),
    tuple(map(tf.constant, strings)),
  )
  assert streams.pack(given, codec=CODEC, model=MODEL).numpy() == data
  read, reason = unpacker()(tf.constant(data))
  assert reason.numpy() == b""
  assert (int(read.height), int(read.width)) == (header.height, header.width)
  assert int(read.quality) == header.quality
  assert bool(read.grey) == header.grey
  assert [s.numpy() for s in read.strings] == [s or b"\0" for s in strings]


def test_every_damaged_byte_and_every_cut_is_refused():
  _, _, data = packed(strings=[b"ab", b"cdef"])
  cases = [data[:end] for end in range(len(data))] + [data + b"\0"]
  for at in range(len(data)):
    cases.append(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
  for case in cases:
    assert refusal(case)


def test_forged_files_are_read_where_the_container_reads_them_only():
  random = np.random.default_rng(0)
  _, _, data = packed(height=100, width=7)
  read = 0
  for _ in range(150):
    body = bytearray(data[:-4])
    # After the model's hash, where all is numbers; each changed into a near or
    # a far one.
    for at in random.choice(np.arange(15, 24), random.integers(1, 4)):
      body[at] = random.choice([body[at] ^ 1, 0, 1, 127, 128, 255])
    case = checksummed(bytes(body))
    try:
      header, strings = container.unpack(
        case, codec=CODEC, model=MODEL, symbols=symbols, max_pixels=MAX_PIXELS
      )
      allowed = 16 <= header.quality <= 128
    except container.CorruptStream:
      allowed = False
    if not allowed:
      assert refusal(case)
      continue
    stream, reason = unpacker()(tf.constant(case))
    assert reason.numpy() == b""
    assert (int(stream.height), int(stream.width)) == (
      header.height,
      header.width,
    )
    assert [s.numpy() for s in stream.strings] == strings
    read += 1
  assert 10 < read < 140


@pytest.mark.parametrize(
  ("at", "value", "message"),
  [
    (0, 0, "this is no .tfp file of version 1 and codec 2"),
    (4, 2, "this is no .tfp file of version 1"),
    (5, 1, "codec 2"),
    (6, 9 | 64, "flags of no use"),
    (6, 8 | 4, "flags of no use"),
    (9, 0, "of another model than c8c9cacbcccdcecf"),
    (18, 15, "a quality is 16 to 128"),
    (19, 3, "a file has 2 strings"),
  ],
)
def test_what_is_wrong_is_said(at, value, message):
  _, _, data = packed()
  body = bytearray(data[:-4])
  body[at] = value
  assert message in refusal(checksummed(bytes(body)))


def test_files_and_pictures_beyond_the_limits_are_refused():
  assert "8000000 bytes" in refusal(bytes(streams.MAX_BYTES + 1))
  _, _, data = packed(height=5000, width=5000)
  assert "20000000 pixels" in refusal(data)
