"""WebP files of pictures for pages: exact, or small.

Browsers have read both kinds since 2020. A photograph takes two thirds of its
bytes in PNG, and a decoded one of low rate half of them.
"""

import io

import numpy as np

from tfpercept import extras

_EFFORT = 4
"""Method of libwebp; more takes seconds for each picture."""


def encode(image: np.ndarray, *, quality: int | None = None) -> bytes:
  """Returns a WebP file of uint8 `[H, W, 1 or 3]`; grey becomes three channels.

  Args:
    image: Picture.
    quality: Quality of a lossy file, from 0 to 100; None writes a lossless one,
      which holds the very pixels.

  Raises:
    ValueError: if the picture is of another type or shape.
    MissingExtra: if Pillow is not installed.
  """
  if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
    raise ValueError(
      f"expected uint8 [H, W, 1 or 3]; got {image.dtype} {list(image.shape)}"
    )
  with extras.needed("pages"):
    from PIL import Image

  rgb = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
  how = {"lossless": True} if quality is None else {"quality": quality}
  made = io.BytesIO()
  Image.fromarray(rgb).save(made, "WEBP", method=_EFFORT, **how)
  return made.getvalue()
