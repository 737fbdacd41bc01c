"""PNG files of pictures for pages, as small as possible without loss."""

import struct
import zlib

import numpy as np
import tensorflow as tf

_PALETTE = 256  # colours of an indexed file at most


def encode(image: np.ndarray) -> bytes:
  """Returns a PNG file of uint8 `[H, W, 1 or 3]`, with a palette if it helps.

  Error maps have at most 256 colours: a palette makes them a third as large.
  """
  plain = tf.io.encode_png(image, compression=9).numpy()
  if image.shape[-1] != 3:
    return plain
  packed = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
  colors, indexes = np.unique(packed, return_inverse=True)
  if len(colors) > _PALETTE:
    return plain
  height, width = packed.shape
  rows = np.zeros([height, 1 + width], np.uint8)  # each begins with its filter
  rows[:, 1:] = indexes.reshape(height, width)
  palette = colors.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
  chunks = (
    (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
    (b"PLTE", palette.tobytes()),
    (b"IDAT", zlib.compress(rows.tobytes(), 9)),
    (b"IEND", b""),
  )
  indexed = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(body))
    + kind
    + body
    + struct.pack(">I", zlib.crc32(kind + body))
    for kind, body in chunks
  )
  return min(plain, indexed, key=len)
