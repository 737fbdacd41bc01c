"""Transforms of large pictures in strips, to the same numbers as in one piece.

An output of a transform depends on inputs a few positions away. A strip is
given that much more above and below, and what that makes is cut off again, so
memory does not grow with the picture.

A latent of the analysis sees 30 pixels beyond its own 16, a pixel of the
synthesis 2 latents.
"""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tfpercept.models import hyperprior, transforms
from tfpercept.ops import padding

PIXELS = 1 << 21
"""About what a strip has."""
_PIXEL_HALO = 2 * transforms.STRIDE
_LATENT_HALO = 2


def heights(height: int, width: int) -> int:
  """Returns the rows of pixels of a strip, a multiple of 64, for a picture."""
  rows = max(PIXELS // max(width, 1), 1)
  rows = -(-rows // hyperprior.STRIDE) * hyperprior.STRIDE
  return min(rows, height)


def spans(height: int, rows: int) -> Iterator[tuple[int, int]]:
  """Yields the first row of each strip, and the row after its last."""
  for top in range(0, height, rows):
    yield top, min(top + rows, height)


def analyse(
  analysis: Callable[[tf.Tensor], tf.Tensor],
  picture: np.ndarray,
  size: tuple[int, int],
) -> np.ndarray:
  """Returns the latents of a padded picture.

  Args:
    analysis: From float32 `[1, H, W, 3]` to `[1, H/16, W/16, latents]`.
    picture: uint8 `[H, W, 3]`, not padded.
    size: Height and width once it is, multiples of 64.

  Returns:
    Float32 `[1, h, w, latents]`.
  """
  height, width = size
  made = []
  for top, bottom in spans(height, heights(height, width)):
    first = max(top - _PIXEL_HALO, 0)
    rows = padded(picture, (first, min(bottom + _PIXEL_HALO, height)), width)
    y = analysis(tf.constant(rows[None] / np.float32(255)))
    start = (top - first) // transforms.STRIDE
    count = (bottom - top) // transforms.STRIDE
    made.append(y[:, start : start + count].numpy())
  return made[0] if len(made) == 1 else np.concatenate(made, axis=1)


def padded(
  picture: np.ndarray, rows: tuple[int, int], width: int
) -> np.ndarray:
  """Returns rows of a picture mirrored at its right and lower border.

  The border pixel is repeated; a picture smaller than what is missing is
  mirrored again and again.

  Args:
    picture: `[H, W, C]`.
    rows: The first one, and the one after the last; may lie beyond H.
    width: At least W.
  """
  down = padding.mirror_index(tf.range(*rows), picture.shape[0])
  across = padding.mirror_index(tf.range(width), picture.shape[1])
  return picture[down.numpy()[:, None], across.numpy()]


def synthesise(
  synthesis: Callable[[tf.Tensor], tf.Tensor],
  y_hat: np.ndarray,
  size: tuple[int, int],
) -> np.ndarray:
  """Returns the picture of latents, uint8 `[H, W, 3]`.

  Args:
    synthesis: From float32 `[1, h, w, latents]` to `[1, 16 h, 16 w, 3]`.
    y_hat: Float32 `[1, h, w, latents]`.
    size: Height and width of the picture.

  Raises:
    FloatingPointError: if a value is NaN or infinite.
  """
  height, width = size
  picture = np.empty((height, width, 3), np.uint8)
  full = y_hat.shape[2] * transforms.STRIDE
  rows = heights(y_hat.shape[1] * transforms.STRIDE, full)
  for top, bottom in spans(height, rows):
    row = top // transforms.STRIDE
    end = -(-bottom // transforms.STRIDE)
    first = max(row - _LATENT_HALO, 0)
    x_hat = synthesis(tf.constant(y_hat[:, first : end + _LATENT_HALO]))
    start = top - first * transforms.STRIDE
    values = x_hat[0, start : start + bottom - top, :width].numpy()
    if not np.isfinite(values).all():
      raise FloatingPointError("the synthesis gave NaN or infinity")
    picture[top:bottom] = np.round(values.clip(0.0, 1.0) * np.float32(255))
  return picture
