"""PNG files of pictures for pages, as small as possible without loss.

Source: W3C, "Portable Network Graphics (PNG) specification", third edition,
sections 5 (chunks) and 9 (filters); section 12.7 has the rule that chooses the
filter of a row.
"""

import struct
import zlib

import numpy as np

_PALETTE = 256  # colours of an indexed file at most
_GRAY, _RGB, _INDEXED = 0, 2, 3  # colour types


def encode(image: np.ndarray) -> bytes:
  """Returns a PNG file of uint8 `[H, W, 1 or 3]`, with a palette if it helps.

  Error maps have at most 256 colours: a palette makes them a third as large.

  Raises:
    ValueError: if the picture is of another type or shape.
  """
  if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
    raise ValueError(
      f"expected uint8 [H, W, 1 or 3]; got {image.dtype} {list(image.shape)}"
    )
  plain = _plain(image)
  if image.shape[2] == 1:
    return plain
  packed = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
  colors, indexes = np.unique(packed, return_inverse=True)
  if len(colors) > _PALETTE:
    return plain
  palette = colors.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
  rows = np.pad(indexes.reshape(packed.shape), [[0, 0], [1, 0]])  # no filter
  height, width = packed.shape
  indexed = _file(
    (height, width),
    _INDEXED,
    rows.astype(np.uint8),
    ((b"PLTE", palette.tobytes()),),
  )
  return min(plain, indexed, key=len)


def _plain(image: np.ndarray) -> bytes:
  """The file whose rows are filtered by what promises the fewest bytes."""
  height, width, channels = image.shape
  x = image.reshape(height, -1).astype(np.int16)
  above = np.pad(x, [[1, 0], [0, 0]])[:-1]
  left = np.pad(x, [[0, 0], [channels, 0]])[:, :-channels]
  corner = np.pad(above, [[0, 0], [channels, 0]])[:, :-channels]
  predictions = (
    np.zeros_like(x), left, above, (left + above) // 2,
    _paeth(left, above, corner),
  )  # fmt: skip
  filtered = np.stack([np.uint8((x - p) & 0xFF) for p in predictions])
  sizes = np.abs(filtered.view(np.int8).astype(np.int16)).sum(-1, np.int64)
  kinds = sizes.argmin(0)  # [H]
  rows = np.empty([height, 1 + x.shape[1]], np.uint8)
  rows[:, 0] = kinds
  rows[:, 1:] = filtered[kinds, np.arange(height)]
  return _file((height, width), _GRAY if channels == 1 else _RGB, rows)


def _paeth(
  left: np.ndarray, above: np.ndarray, corner: np.ndarray
) -> np.ndarray:
  """Returns the neighbour that is nearest to left + above - corner."""
  plane = left + above - corner
  by_left, by_above, by_corner = (
    np.abs(plane - value) for value in (left, above, corner)
  )
  nearest = np.where(by_above <= by_corner, above, corner)
  return np.where((by_left <= by_above) & (by_left <= by_corner), left, nearest)


def _file(
  size: tuple[int, int],
  kind: int,
  rows: np.ndarray,
  more: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
  """Returns a file of rows of bytes, each after the number of its filter."""
  height, width = size
  # Small differences compress better with codes of their own than as repeats.
  how = zlib.Z_DEFAULT_STRATEGY if kind == _INDEXED else zlib.Z_FILTERED
  packer = zlib.compressobj(9, memLevel=9, strategy=how)
  chunks = (
    (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)),
    *more,
    (b"IDAT", packer.compress(rows.tobytes()) + packer.flush()),
    (b"IEND", b""),
  )
  return b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(body))
    + name
    + body
    + struct.pack(">I", zlib.crc32(name + body))
    for name, body in chunks
  )
