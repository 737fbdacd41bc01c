"""Coefficients of a picture, each with parameters in the adaptive robust loss.

All changes of coordinates here are linear, and all but `scale_base` have a
constant determinant, which is 1 where sides are powers of 2. So the density of
the coefficients is that of the pixels, up to a constant factor.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from tfpercept.ops import checks, dct, wavelets

COLORS = ("YUV", "RGB")
REPRESENTATIONS = (*wavelets.NAMES, "dct", "pixel")

# Columns give Y, U and V. The scale makes the determinant 1.
_YUV_SCALE = 1.580227820074
_YUV = (
  (0.299, -0.14714119, 0.61497538),
  (0.587, -0.28886916, -0.51496512),
  (0.114, 0.43601035, -0.10001026),
)


def checked_size(size: Any) -> tuple[int, ...]:
  """Returns height, width and channels; raises ValueError if they are none."""
  sides = tuple(size) if isinstance(size, Iterable) else ()
  if len(sides) != 3 or not all(checks.is_whole(s) and s > 0 for s in sides):
    raise ValueError(
      "robust needs size=(height, width, channels) of positive integers; got "
      f"size={size!r}"
    )
  return tuple(map(int, sides))


@dataclasses.dataclass(frozen=True)
class Coefficients:
  """A change of coordinates of pictures `[N, *size]`.

  Attributes:
    size: Height, width and channels of the pictures.
    color: Color space: `"YUV"`, scaled to determinant 1, or `"RGB"`, which
      leaves channels as they are.
    representation: Transform of each channel: `"pixel"` for none; `"dct"` over
      the whole picture; or the name of a wavelet.
    levels: Number of levels of the wavelet.
    scale_base: Factor of the bands of a wavelet level over those of the finer
      level.
    czolbe_layout: If True, repeats a mistake of a published program: it takes
      the picture, channels first, for one of `channels` rows, `height` columns
      and `width` channels. So YUV mixes runs of three pixels of a row, and the
      DCT runs over channels and rows.

  Raises:
    ValueError: if an attribute is out of range or does not fit the others.
  """

  size: tuple[int, ...]
  color: str
  representation: str
  levels: int
  scale_base: float
  czolbe_layout: bool

  def __post_init__(self) -> None:
    owner, size = "robust", self.size
    checked_size(size)
    checks.choice(owner, "color", self.color, COLORS)
    checks.choice(owner, "representation", self.representation, REPRESENTATIONS)
    checks.choice(owner, "czolbe_layout", self.czolbe_layout, (False, True))
    checks.positive(owner, "scale_base", self.scale_base)
    if size[2] == checks.ALPHA:
      raise ValueError(
        "robust needs images without alpha, which is no color; got "
        f"size={size!r}. Use 3 channels, or 1."
      )
    if self.color == "YUV" and size[2] != 3:
      raise ValueError(
        f"robust(color='YUV') needs 3 channels; got size={size!r}. Use "
        "color='RGB', which leaves channels as they are."
      )
    most = wavelets.max_levels(*self.shape[:2])
    if not checks.is_whole(self.levels) or self.levels < 0:
      raise ValueError(f"robust needs levels >= 0; got levels={self.levels!r}")
    if self.is_wavelet and self.levels > most:
      raise ValueError(
        f"robust has at most {most} levels for pictures of {size[0]}x{size[1]};"
        f" got levels={self.levels}. Use fewer levels, or larger pictures."
      )

  @property
  def is_wavelet(self) -> bool:
    """True if the representation is a wavelet."""
    return self.representation in wavelets.NAMES

  @property
  def shape(self) -> tuple[int, int, int]:
    """Shape of the coefficients of one picture."""
    height, width, channels = self.size
    if self.czolbe_layout:
      return channels, height, width
    return height, width, channels

  def transform(self, image: tf.Tensor) -> tf.Tensor:
    """Returns coefficients `[N, *shape]` of pictures or their differences."""
    image = tf.ensure_shape(image, [None, *self.size])
    if self.czolbe_layout:
      image = tf.transpose(image, [0, 3, 1, 2])
    if self.color == "YUV":
      matrix = _YUV_SCALE * tf.constant(_YUV, image.dtype)
      image = tf.reshape(tf.reshape(image, [-1, 3]) @ matrix, tf.shape(image))
      image = tf.ensure_shape(image, [None, *self.shape])
    if self.is_wavelet:
      return wavelets.analyze(
        image, self.representation, self.levels, scale_base=self.scale_base
      )
    if self.representation == "dct":
      down, across = (
        tf.constant(dct.dct_matrix(side), image.dtype)
        for side in self.shape[:2]
      )
      return tf.einsum("yi,nijc,xj->nyxc", down, image, across)
    return image

  def place(self, maps: tf.Tensor) -> tf.Tensor:
    """Lays maps of the coefficients over the picture, `[N, height, width]`.

    Raises:
      ValueError: if a coefficient belongs to the whole picture.
    """
    if self.representation == "dct" or self.czolbe_layout:
      raise ValueError(
        "robust has no map of coefficients that cover the whole picture; use "
        "representation='CDF9/7' or 'pixel' to see where pictures differ"
      )
    maps = tf.reduce_mean(maps, axis=-1)
    return wavelets.spread(maps, self.levels) if self.is_wavelet else maps
