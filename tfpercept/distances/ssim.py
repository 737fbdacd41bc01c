"""Structural similarity at one scale."""

import math
from typing import Any, Literal

import tensorflow as tf

from tfpercept.distances.base import Distance, register
from tfpercept.ops import checks, filters, padding, structure, tiling

WINDOW = 11  # Wang et al. 2004, section III.C: 11x11 Gaussian, sigma 1.5
SIGMA = 1.5
SMALLEST_WINDOW = 3  # one tap has no variance
BORDERS = ("valid", "mirror", "zero")


@register("ssim")
class SSIM(Distance):
  """One minus the mean structural similarity (SSIM).

  Images: float `[N, H, W, C]` in [0, 1], each channel on its own. At least as
  wide and high as the window, unless padded or shrunk.
  Value: `[N]` in [0, 2], 0 when identical; more than 1 where the images are
  anti-correlated. `score` is SSIM itself. Symmetric.
  Gradient: finite everywhere, 0 at identical images.

  Args:
    window: Odd number of taps of the Gaussian window, at least 3; `"shrink"`
      stands for 11 with `on_small="shrink_window"`.
    sigma: Standard deviation of the window in pixels.
    k1: Positive constant that stabilizes the luminance term, C1 = k1^2.
    k2: Positive constant that stabilizes the contrast-structure term,
      C2 = k2^2.
    border: Treatment of borders. `"valid"` compares where the window fits, as
      TensorFlow does; it hardly sees the outer five pixels, which are 37 % of a
      picture of 48x48. `"mirror"` mirrors the images there, so that all pixels
      count; it suits networks that make small pictures. `"zero"` pads with
      black, as some published losses do, which darkens the border.
    on_small: Treatment of images smaller than the window. `"error"` raises an
      error. `"shrink_window"` takes the largest odd window that fits, with
      sigma in proportion; it needs sizes known when a graph is traced.
    padding: Older name of `border`.

  Raises:
    ValueError: if an option is out of range, or an image is too small.

  Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error
  visibility to structural similarity", 2004, section III. As in TensorFlow,
  moments are population moments and color is not converted.
  """

  copes_with_no_images = True

  def __init__(
    self,
    *,
    window: int | Literal["shrink"] = WINDOW,
    sigma: float = SIGMA,
    k1: float = 0.01,
    k2: float = 0.03,
    border: str = "valid",
    on_small: str = "error",
    padding: str | None = None,
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    if window == "shrink":
      window, on_small = WINDOW, "shrink_window"
    check_window("ssim", window, sigma, k1, k2)
    if padding is not None and border not in ("valid", padding):
      raise ValueError(
        f"ssim has one border; got border={border!r} and padding={padding!r}, "
        "its older name"
      )
    border = border if padding is None else padding
    checks.choice("ssim", "border", border, BORDERS)
    checks.choice("ssim", "on_small", on_small, ("error", "shrink_window"))
    self.window = window
    self.sigma = sigma
    self.k1 = k1
    self.k2 = k2
    self.border = border
    # No pictures cannot be mirrored.
    self.copes_with_no_images = border != "mirror"
    self.on_small = on_small

  @property
  def min_size(self) -> int:
    if self.border != "valid":
      return 1
    return SMALLEST_WINDOW if self.on_small == "shrink_window" else self.window

  @property
  def support(self) -> int:
    return self.window // 2

  def unseen_share(self, height: int, width: int) -> float:
    if self.border != "valid":
      return 0.0
    return border_share(height, width, self.window)

  @property
  def locality(self) -> tiling.Locality | None:
    if self.on_small != "error":
      return None  # the window may shrink to a narrow tile
    return tiling.Locality(strides=(1,), reach=self.window)

  def embed(self, image: tf.Tensor) -> tf.Tensor:
    return self._padded(image)

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    luminance, contrast = shortfalls(
      reference, image, self._taps(image), self.k1, self.k2
    )
    # 1 - l cs = (1 - l) + (1 - cs) - (1 - l)(1 - cs), without loss of digits.
    return [luminance + contrast - luminance * contrast]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])

  def can_fuse(self, image: tf.Tensor) -> bool:
    margin = self.window // 2 if self.border == "mirror" else 0
    return structure.applies(image, margin=margin)

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    mirrors = self.border == "mirror"
    if not mirrors:
      reference, image = self._padded(reference), self._padded(image)
    deficits = structure.deficits(
      reference,
      image,
      taps=self._taps(image),
      c1=self.k1**2,
      c2=self.k2**2,
      scales=1,
      margin=self.window // 2 if mirrors else 0,
    )  # [N, C, 1]
    return tf.reduce_mean(deficits, axis=[1, 2])

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    return place(tf.reduce_mean(maps[0], axis=-1), height, width)

  def score_of(self, value: tf.Tensor) -> tf.Tensor:
    return 1 - value

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "window": self.window,
      "sigma": self.sigma,
      "k1": self.k1,
      "k2": self.k2,
      "border": self.border,
      "on_small": self.on_small,
    }

  def _padded(self, image: tf.Tensor) -> tf.Tensor:
    half = self.window // 2
    if self.border == "valid":
      return image
    if self.border == "mirror":
      return padding.mirror(image, half)
    return tf.pad(image, [[0, 0], [half, half], [half, half], [0, 0]])

  def _taps(self, image: tf.Tensor) -> tuple[float, ...]:
    window = self.window
    if self.on_small == "shrink_window" and self.border == "valid":
      window = fitting_window(window, min(checks.static_size(image, self.spec)))
    return filters.gaussian(window, self.sigma * window / self.window)


def shortfalls(
  reference: tf.Tensor,
  image: tf.Tensor,
  taps: tuple[float, ...],
  k1: float,
  k2: float,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the maps 1 - l and 1 - cs, each `[N, h, w, C]`, in [0, 2].

  In the sum u and the difference v of the images, with variances Vu and Vv:

      1 - cs = Vv / ((Vu + Vv) / 2 + C2)
      1 - l = mu_v^2 / ((mu_u^2 + mu_v^2) / 2 + C1)

  This is equal to the factors of equation 13. It filters four maps instead of
  five, and keeps in float32 the digits that the textbook form loses when the
  images are nearly equal. A variance does not depend on an offset, so u is
  taken around twice mid-gray.
  """
  u, v = reference + image - 1, reference - image
  # All four at once: filters are vectorized over channels. `tf.square` because
  # eager `**` is a power, forty times slower.
  stack = tf.concat([u, v, tf.square(u), tf.square(v)], axis=-1)
  moments = filters.separable(stack, taps)
  mean_u, mean_v, square_u, square_v = tf.split(moments, 4, axis=-1)
  # Rounding can take a variance below 0, where the quotient has its pole.
  var_u = tf.nn.relu(square_u - tf.square(mean_u))
  mean_v_2 = tf.square(mean_v)
  var_v = tf.nn.relu(square_v - mean_v_2)
  luminance = mean_v_2 / ((tf.square(mean_u + 1) + mean_v_2) / 2 + k1**2)
  contrast = var_v / ((var_u + var_v) / 2 + k2**2)
  return luminance, contrast


def place(band: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
  """Centers `[N, h, w]` in `[N, height, width]`, with zeros around it."""
  rows = (height - tf.shape(band)[1]) // 2
  columns = (width - tf.shape(band)[2]) // 2
  return tf.pad(band, [[0, 0], [rows, rows], [columns, columns]])


def border_share(height: int, width: int, window: int) -> float:
  """Returns the share of an image within half a window of its border.

  All rows there together weigh as half a window of rows too few.

  Args:
    height: Height of the image in pixels.
    width: Width of the image in pixels.
    window: Number of taps of the window.
  """
  inner = (max(side - window + 1, 0) for side in (height, width))
  return 1 - math.prod(inner) / (height * width)


def fitting_window(window: int, side: int) -> int:
  """Returns the largest odd window up to `window` that fits in `side`."""
  return min(window, side - (side + 1) % 2)


def check_window(
  owner: str, window: int, sigma: float, k1: float, k2: float
) -> None:
  """Raises ValueError if the options of a window are out of range."""
  if not checks.is_whole(window) or window < SMALLEST_WINDOW or not window % 2:
    raise ValueError(
      f"{owner} needs an odd window of at least {SMALLEST_WINDOW} taps; got "
      f"window={window!r}"
    )
  for option, value in (("sigma", sigma), ("k1", k1), ("k2", k2)):
    checks.positive(owner, option, value)
