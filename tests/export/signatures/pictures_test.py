"""Files that lie about their size are refused before they are decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export.signatures import pictures

SIDE = 3000  # of a picture with too many pixels
DAMAGED = b"the header of the picture file is damaged"


def chunk(name: bytes, data: bytes) -> bytes:
  return b"".join(
    (
      struct.pack(">I", len(data)),
      name + data,
      struct.pack(">I", zlib.crc32(name + data)),
    )
  )


def grey_png(side: int) -> list[bytes]:
  """Returns the signature and the chunks of a black picture."""
  rows = zlib.compress(bytes(side * (side + 1)))
  header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
  return [
    b"\x89PNG\r\n\x1a\n",
    chunk(b"IHDR", header),
    chunk(b"IDAT", rows),
    chunk(b"IEND", b""),
  ]


def reason(contents: bytes) -> bytes:
  return pictures.read(tf.constant(contents)).reason.numpy()


def test_the_size_of_a_png_is_that_of_its_first_chunk():
  many = f"a picture has at most 4000000 pixels; got {SIDE}x{SIDE}"
  mark, *chunks = grey_png(SIDE)
  assert reason(b"".join([mark, *chunks])) == many.encode()
  # A decoder skips a chunk that it does not know.
  claim = chunk(b"aaAa", struct.pack(">II", 1, 1))
  lying = b"".join([mark, claim, *chunks])
  assert tf.io.decode_image(lying).shape == (SIDE, SIDE, 1)
  assert reason(lying) == DAMAGED
  mark, *chunks = grey_png(1)
  assert reason(b"".join([mark, *chunks])) == b""
  assert reason(b"".join([mark, claim, *chunks])) == DAMAGED


def test_a_jpeg_with_two_sizes_is_damaged():
  file = io.BytesIO()
  Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(file, "JPEG")
  contents = file.getvalue()
  place = contents.index(b"\xff\xc0")  # marker, length, precision, then sizes
  frame = contents[place : place + 13]
  small = frame[:5] + struct.pack(">HH", 1, 1) + frame[9:]
  assert b"at most 4000000 pixels" in reason(contents)
  assert reason(contents[:place] + small + contents[place:]) == DAMAGED


@pytest.mark.parametrize("in_graph", [True, False])
def test_inputs_of_unequal_lengths_are_refused_in_a_line_of_our_own(in_graph):
  types = tf.TensorSpec((), tf.string), tf.TensorSpec((), tf.float32)

  def call(files, numbers):
    return pictures.each(lambda given: given, (files, numbers), types)

  if in_graph:
    call = tf.function(
      call, input_signature=[tf.TensorSpec([None], t.dtype) for t in types]
    )
  files, numbers = tf.constant([b"a", b"b"]), tf.constant([1.0, 2.0])
  assert call(files, numbers)[1].numpy().tolist() == [1.0, 2.0]
  for one, other in ((files, numbers[:1]), (files[:1], numbers)):
    with pytest.raises(
      tf.errors.InvalidArgumentError, match="need the same number of elements"
    ):
      call(one, other)
