"""Structural similarity at several scales."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfpercept.distances import ssim
from tfpercept.distances.base import Distance, register
from tfpercept.ops import (
  checks,
  filters,
  numerics,
  padding,
  structure,
  tiling,
)

# Wang et al. 2003, section 4: finest scale first; used unnormalized.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@register("ms_ssim")
class MSSSIM(Distance):
  """One minus multi-scale structural similarity (MS-SSIM).

  Images: float `[N, H, W, C]` in [0, 1], each channel on its own. The window
  must fit the coarsest scale, unless borders are mirrored: 161 pixels for 5
  scales, 41 for 3.
  Value: `[N]` in [0, 1], 0 when identical; `score` is MS-SSIM. Symmetric.
  Gradient: finite everywhere, 0 at identical images.

  Args:
    scales: Number of scales, by default one for each weight. A smaller number
      keeps that many weights, finest first, rescaled to the sum of all, so that
      values stay comparable.
    weights: Exponent of each scale, finest first, used as given.
    window: Odd number of taps of the Gaussian window, at least 3.
    sigma: Standard deviation of the window in pixels of each scale.
    k1: Positive constant that stabilizes the luminance term, C1 = k1^2.
    k2: Positive constant that stabilizes the contrast-structure term,
      C2 = k2^2.
    on_small: Treatment of images too small for all scales. `"error"` raises an
      error. `"fewer_levels"` takes as many scales as fit, with weights as for
      `scales`. `"shrink_window"` takes the largest odd window that fits the
      coarsest scale, with sigma in proportion. The latter two need sizes known
      when a graph is traced.
    clamp: Map of the mean r of a scale to a positive number before its power.
      `"relu"` gives max(r, 1e-6), with slope 0 below, as published. `"shifted"`
      gives (1 + r) / 2, which keeps a gradient where images are
      anti-correlated, as they are when training starts from scratch.
    border: Treatment of borders. `"valid"` compares where the window fits, as
      TensorFlow does; it hardly sees the outer five pixels of any scale.
      `"mirror"` mirrors the images of each scale there, so that all pixels
      count, and takes images from 2^(scales - 1) pixels on a side.
    per_pixel: Whether the product over scales is taken at each pixel and then
      averaged, rather than the product of the means. A pixel has at each scale
      the term of the block that it lies in. It needs `border="mirror"`, with
      which the maps of all scales cover the image.

  Raises:
    ValueError: if an option is out of range, or an image is too small.

  Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image
  quality assessment", 2003, equation 7. As in TensorFlow, color channels are
  multiplied over scales before they are averaged, and an odd side repeats its
  last row. Differs from TensorFlow: finite gradient where a scale is negative.
  The form for each pixel: Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning
  to generate images with perceptual similarity metrics", 2017, section 3, as we
  read its sum over pixels.
  """

  copes_with_no_images = True

  def __init__(
    self,
    *,
    scales: int | None = None,
    weights: Sequence[float] = WEIGHTS,
    window: int = ssim.WINDOW,
    sigma: float = ssim.SIGMA,
    k1: float = 0.01,
    k2: float = 0.03,
    on_small: str = "error",
    clamp: str = "relu",
    border: str = "valid",
    per_pixel: bool = False,
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    ssim.check_window("ms_ssim", window, sigma, k1, k2)
    checks.choice(
      "ms_ssim",
      "on_small",
      on_small,
      ("error", "fewer_levels", "shrink_window"),
    )
    checks.choice("ms_ssim", "clamp", clamp, ("relu", "shifted"))
    checks.choice("ms_ssim", "border", border, ("valid", "mirror"))
    checks.choice("ms_ssim", "per_pixel", per_pixel, (False, True))
    if per_pixel and border != "mirror":
      raise ValueError(
        "ms_ssim(per_pixel=True) needs maps that cover the image at all scales,"
        f' with border="mirror"; got border={border!r}'
      )
    self.exponents = _checked_weights(weights)
    self.scales = _checked_scales(scales, len(self.exponents))
    self.window = window
    self.sigma = sigma
    self.k1 = k1
    self.k2 = k2
    self.on_small = on_small
    self.clamp = clamp
    self.border = border
    # No pictures cannot be mirrored.
    self.copes_with_no_images = border != "mirror"
    self.per_pixel = bool(per_pixel)

  @property
  def min_size(self) -> int:
    if self.on_small == "fewer_levels":
      return self._smallest_side(1)
    return self._smallest_side(self._levels)

  def _smallest_side(self, scales: int) -> int:
    """Returns the smallest side that so many scales take."""
    if self.border == "mirror":
      return 2 ** (scales - 1)
    shrinks = self.on_small == "shrink_window"
    window = ssim.SMALLEST_WINDOW if shrinks else self.window
    return _smallest_side(window, scales)

  @property
  def support(self) -> int:
    return _smallest_side(self.window, self._levels) // 2

  def validate(self, height: int | None, width: int | None) -> None:
    side = min(s for s in (height, width, self.min_size) if s is not None)
    if side == self.min_size:
      return
    fitting = self._fitting_scales(side)
    remedy = f"ms_ssim(scales={fitting}), or " if fitting else ""
    raise ValueError(
      f"ms_ssim needs images of at least {self.min_size}x{self.min_size} for "
      f"{self._levels} scales; got {height}x{width}. Use {remedy}larger crops."
    )

  def unseen_share(self, height: int, width: int) -> float:
    if self.border == "mirror":
      return 0.0
    return ssim.border_share(height, width, self.window)

  @property
  def locality(self) -> tiling.Locality | None:
    if self.on_small != "error":
      return None  # scales or windows may be fewer in a narrow tile
    strides = tuple(2**scale for scale in range(self._levels))
    reach = self.window * strides[-1]
    if self.per_pixel:
      return tiling.Locality(strides=(1,), reach=reach)
    return tiling.Locality(strides, reach=reach)

  def embed(self, image: tf.Tensor) -> list[tf.Tensor]:
    pyramid = [image]
    while len(pyramid) < self._levels_for(image):
      pyramid.append(filters.halve(pyramid[-1]))
    return pyramid

  def compare(
    self, reference: list[tf.Tensor], image: list[tf.Tensor]
  ) -> list[tf.Tensor]:
    taps = self._taps_for(image[0], len(image))
    maps = []
    for r, i in zip(reference, image, strict=True):
      if self._margin:
        r, i = (padding.mirror(x, self._margin) for x in (r, i))
      luminance, contrast = ssim.shortfalls(r, i, taps, self.k1, self.k2)
      maps.append(contrast)
    # Luminance counts at the coarsest scale only (equation 7): 1 - l * cs.
    maps[-1] = luminance + contrast - luminance * contrast
    if not self.per_pixel:
      return maps
    size = tf.shape(image[0])[1:3]
    spread = [_spread(m, scale, size) for scale, m in enumerate(maps)]
    return [self._product(tf.stack(spread, axis=-1))]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    means = [numerics.spatial_mean(m) for m in maps]
    if self.per_pixel:
      return tf.reduce_mean(means[0], axis=-1)
    return self._combine(tf.stack(means, axis=-1))

  def can_fuse(self, image: tf.Tensor) -> bool:
    if self.per_pixel or None in image.shape[1:]:
      return False
    return structure.applies(
      image, margin=self._margin, scales=self._levels_for(image)
    )

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    levels = self._levels_for(image)
    deficits = structure.deficits(
      reference,
      image,
      taps=self._taps_for(image, levels),
      c1=self.k1**2,
      c2=self.k2**2,
      scales=levels,
      margin=self._margin,
    )
    return self._combine(deficits)

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Sums the maps of all scales, each times its weight.

    Near 0 the value is the weighted sum of the means of the maps, so the result
    shows the contribution of each pixel. It is 0 at the border where no window
    fits. With `per_pixel` the mean of the map is the value.
    """
    if self.per_pixel:
      return super().render(maps, height, width)
    total, rows, columns = 0.0, height, width
    for scale, weight in enumerate(self._weights_for(len(maps))):
      band = tf.reduce_mean(maps[scale], axis=-1)  # [N, h, w]
      band = ssim.place(band, rows, columns)
      for axis in (1, 2):
        band = tf.repeat(band, 2**scale, axis=axis)
      total += weight * band[:, :height, :width]
      rows, columns = (rows + 1) // 2, (columns + 1) // 2
    return total

  def score_of(self, value: tf.Tensor) -> tf.Tensor:
    return 1 - value

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "scales": self.scales,
      "weights": self.exponents,
      "window": self.window,
      "sigma": self.sigma,
      "k1": self.k1,
      "k2": self.k2,
      "on_small": self.on_small,
      "clamp": self.clamp,
      "border": self.border,
      "per_pixel": self.per_pixel,
    }

  @property
  def _margin(self) -> int:
    """Number of pixels that are mirrored at each border of each scale."""
    return self.window // 2 if self.border == "mirror" else 0

  def _combine(self, deficits: tf.Tensor) -> tf.Tensor:
    """Turns deficits `[N, C, scales]` into the value `[N]`."""
    # As in TensorFlow, the product over scales is taken for each channel, and
    # then the mean over channels.
    return tf.reduce_mean(self._product(deficits), axis=-1)

  def _product(self, deficits: tf.Tensor) -> tf.Tensor:
    """Returns 1 minus the product over scales of `[..., scales]`."""
    if self.clamp == "shifted":
      deficits = deficits / 2  # 1 - (1 + r) / 2
    weights = self._weights_for(deficits.shape[-1])
    return numerics.complement_of_product(deficits, weights)

  @property
  def _levels(self) -> int:
    return self.scales or len(self.exponents)

  def _levels_for(self, image: tf.Tensor) -> int:
    if self.on_small != "fewer_levels":
      return self._levels
    height, width = self._static_size(image)
    return min(self._levels, self._fitting_scales(min(height, width)))

  def _fitting_scales(self, side: int) -> int:
    """Returns the largest number of scales for this smallest side, maybe 0."""
    scales = 0
    while self._smallest_side(scales + 1) <= side:
      scales += 1
    return scales

  def _weights_for(self, levels: int) -> tuple[float, ...]:
    # Rescaled to the sum of all exponents, so that fewer scales give values of
    # the same size.
    kept = self.exponents[:levels]
    if levels == len(self.exponents):
      return kept
    return tuple(w * sum(self.exponents) / sum(kept) for w in kept)

  def _taps_for(self, image: tf.Tensor, levels: int) -> tuple[float, ...]:
    window = self.window
    if self.on_small == "shrink_window" and self.border == "valid":
      height, width = self._static_size(image)
      coarsest = -(-min(height, width) // 2 ** (levels - 1))
      window = ssim.fitting_window(window, coarsest)
    return filters.gaussian(window, self.sigma * window / self.window)

  def _static_size(self, image: tf.Tensor) -> tuple[int, int]:
    return checks.static_size(image, self.spec)


def _smallest_side(window: int, scales: int) -> int:
  """Returns the smallest side whose last halving still holds the window.

  Halves are rounded up, so 161 is enough for 11 taps and 5 scales: 161, 81, 41,
  21, 11. The often quoted 176 = 11 * 16 would need no rounding.
  """
  return (window - 1) * 2 ** (scales - 1) + 1


def _spread(band: tf.Tensor, scale: int, size: tf.Tensor) -> tf.Tensor:
  """Returns the map of a scale `[N, h, w, C]` at each pixel of the image."""
  for axis in (1, 2) if scale else ():
    band = tf.repeat(band, 2**scale, axis=axis)
  return band[:, : size[0], : size[1]]


def _checked_weights(weights: Sequence[float]) -> tuple[float, ...]:
  numbers = isinstance(weights, (list, tuple)) and all(
    checks.is_number(w) for w in weights
  )
  if not numbers or not weights or min(weights) < 0 or not weights[0] > 0:
    raise ValueError(
      "ms_ssim needs at least one weight, none of them negative and the first "
      f"positive, such as weights=(0.5, 0.5); got weights={weights!r}"
    )
  return tuple(float(w) for w in weights)


def _checked_scales(scales: int | None, available: int) -> int | None:
  if scales is None:
    return None
  if not checks.is_whole(scales) or not 1 <= scales <= available:
    raise ValueError(
      f"ms_ssim with {available} weights has 1 to {available} scales; got "
      f"scales={scales!r}. Give more weights to have more scales."
    )
  return scales
