"""Transforms of large pictures in parts, to the same numbers as in one piece.

An output of a transform depends on inputs a few positions away. A part is given
that much more around it, and what that makes is cut off again, so memory does
not grow with the picture.

A latent of the analysis sees less than `halo` times 16 pixels beyond its own
16, a pixel of the synthesis at most `halo` latents (`TransformCodec.halo`).
These two take patches; hyper-transforms, which are small, strips as wide as the
picture.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tfpercept.ops import codec_constants


class Patch(NamedTuple):
  """The size of parts: about so many pixels, and at most so many columns."""

  pixels: int
  columns: int


PATCH = Patch(pixels=1 << 21, columns=1 << 12)
"""Patches of transforms without a large halo."""
_STRIDE = codec_constants.STRIDE
_HYPER_STRIDE = _STRIDE * codec_constants.HYPER_STRIDE

Span = tuple[int, int]
"""The first of some rows or columns, and the one after the last."""


def heights(height: int, width: int, pixels: int | None = None) -> int:
  """Returns the rows of pixels of a strip, a multiple of 64, for a picture.

  Args:
    height: Height of the picture in pixels.
    width: Width of the picture in pixels.
    pixels: About so many pixels are in a strip; None takes those of `PATCH`.
  """
  pixels = PATCH.pixels if pixels is None else pixels
  rows = max(pixels // max(width, 1), 1)
  rows = -(-rows // _HYPER_STRIDE) * _HYPER_STRIDE
  return min(rows, height)


def spans(height: int, rows: int) -> Iterator[Span]:
  """Yields the spans of strips."""
  for top in range(0, height, rows):
    yield top, min(top + rows, height)


def _patches(
  height: int, width: int, patch: Patch | None = None
) -> Iterator[tuple[Span, Span]]:
  """Yields the rows and columns of patches, all of them latents'.

  Args:
    height: Number of rows of latents.
    width: Number of columns of latents.
    patch: Size of the patches; None takes `PATCH`.
  """
  patch = patch or PATCH
  columns = min(width, patch.columns // _STRIDE)
  rows = heights(height * _STRIDE, columns * _STRIDE, patch.pixels) // _STRIDE
  for vertical in spans(height, rows):
    for horizontal in spans(width, columns):
      yield vertical, horizontal


def _seen(span: Span, halo: int, end: int) -> tuple[Span, slice]:
  """Returns a span with its halo, and where in that it is itself."""
  first, last = max(span[0] - halo, 0), min(span[1] + halo, end)
  return (first, last), slice(span[0] - first, span[1] - first)


def analyse(
  analysis: Callable[[np.ndarray], np.ndarray],
  picture: np.ndarray,
  size: tuple[int, int],
  *,
  halo: int,
) -> np.ndarray:
  """Returns the latents of a padded picture.

  Args:
    analysis: Function from float32 `[1, H, W, 3]` to
      `[1, H/16, W/16, latents]`.
    picture: Picture, uint8 `[H, W, 3]`, not padded.
    size: Height and width of the padded picture, multiples of the stride of the
      network.
    halo: Halo of the network in latents (`TransformCodec.halo`).

  Returns:
    Float32 `[1, h, w, latents]`.
  """
  height, width = (side // _STRIDE for side in size)
  latents: np.ndarray | None = None
  for rows, columns in _patches(height, width):
    seen_rows, own_rows = _seen(rows, halo, height)
    seen_columns, own_columns = _seen(columns, halo, width)
    pixels = padded(
      picture,
      *((_STRIDE * first, _STRIDE * last)
        for first, last in (seen_rows, seen_columns)),
    )  # fmt: skip
    y = analysis(pixels[None] / np.float32(255))
    if latents is None:
      latents = np.empty((1, height, width, y.shape[-1]), np.float32)
    latents[:, slice(*rows), slice(*columns)] = y[:, own_rows, own_columns]
  assert latents is not None  # a picture has a patch
  return latents


def hyper_analyse(
  hyper_analysis: Callable[[np.ndarray], np.ndarray],
  y: np.ndarray,
  *,
  ratio: int,
  halo: int,
) -> np.ndarray:
  """Returns the hyper-latents of latents, float32 `[1, h/ratio, w/ratio, C]`.

  Args:
    hyper_analysis: Function from float32 `[1, h, w, latents]` to
      `[1, h/ratio, w/ratio, C]`.
    y: Latents, float32 `[1, h, w, latents]`, sides multiples of `ratio`.
    ratio: Latents per hyper-latent along each side.
    halo: Latents beyond its own that a hyper-latent depends on.
  """
  height, width = y.shape[1:3]
  rows, made = heights(height * _STRIDE, width * _STRIDE) // _STRIDE, []
  for span in spans(height, rows):
    seen, own = _seen(span, halo, height)
    z = hyper_analysis(y[:, slice(*seen)])
    made.append(z[:, own.start // ratio : own.stop // ratio])
  return np.concatenate(made, axis=1)


def padded(picture: np.ndarray, rows: Span, columns: Span) -> np.ndarray:
  """Returns a part of a picture mirrored at its right and lower border.

  The border pixel is repeated; a picture smaller than what is missing is
  mirrored again and again.

  Args:
    picture: Picture `[H, W, C]`.
    rows: Rows to return, which may lie beyond H.
    columns: Columns to return, which may lie beyond W.
  """
  down, across = (
    _mirrored(np.arange(*span), side)
    for span, side in zip((rows, columns), picture.shape, strict=False)
  )
  # One axis after the other, which is four times as fast as both at once.
  return picture.take(down, axis=0).take(across, axis=1)


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
  """Folds indices of any size into [0, size), as if between two mirrors."""
  index = index % (2 * size)
  return np.minimum(index, 2 * size - 1 - index)


def synthesise(
  synthesis: Callable[[np.ndarray], np.ndarray],
  y_hat: np.ndarray,
  size: tuple[int, int],
  *,
  halo: int,
  patch: Patch | None = None,
) -> np.ndarray:
  """Returns the picture of latents, uint8 `[H, W, 3]`.

  Args:
    synthesis: Function from float32 `[1, h, w, latents]` to
      `[1, 16 h, 16 w, 3]`.
    y_hat: Decoded latents, float32 `[1, h, w, latents]`.
    size: Height and width of the picture.
    halo: Halo of the network in latents (`TransformCodec.halo`).
    patch: Size of the patches; None takes `PATCH`. Where the halo is large,
      patches that are nearly square have less around them.

  Raises:
    FloatingPointError: if a value is NaN or infinite.
  """
  picture = np.empty((*size, 3), np.uint8)
  height, width = (-(-side // _STRIDE) for side in size)
  for rows, across in _patches(height, width, patch):
    seen_rows, own_rows = _seen(rows, halo, y_hat.shape[1])
    seen_columns, own_columns = _seen(across, halo, y_hat.shape[2])
    x_hat = synthesis(y_hat[:, slice(*seen_rows), slice(*seen_columns)])
    part = picture[tuple(
      slice(_STRIDE * first, _STRIDE * last) for first, last in (rows, across)
    )]  # fmt: skip
    top, left = _STRIDE * own_rows.start, _STRIDE * own_columns.start
    values = x_hat[0, top : top + len(part), left : left + part.shape[1]]
    if not np.isfinite(values).all():
      raise FloatingPointError("the synthesis gave NaN or infinity")
    part[:] = np.round(values.clip(0.0, 1.0) * np.float32(255))
  return picture
