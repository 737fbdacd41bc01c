"""Distance between normalized Laplacian pyramids."""

from typing import Any

import tensorflow as tf

from tfpercept.distances.base import Distance, register
from tfpercept.ops import checks, normalized_pyramid, numerics, pyramids, tiling

# Laparra et al. 2017, section 2.A: the exponent of the photoreceptors, then the
# pool P of a band's neighbors and the constants sigma of both normalizations.
GAMMA = 1 / 2.6
POOL = (
  (0.04, 0.04, 0.05, 0.04, 0.04),
  (0.04, 0.03, 0.04, 0.03, 0.04),
  (0.05, 0.04, 0.05, 0.04, 0.05),
  (0.04, 0.03, 0.04, 0.03, 0.04),
  (0.04, 0.04, 0.05, 0.04, 0.04),
)
SIGMA = 0.17
SIGMA_RESIDUAL = 4.86
BETA = 0.6  # exponent of the norm over levels, equation 5

DISPLAY_GAMMA = 2.4  # of the display that shows the sRGB image


@register("nlpd")
class NLPD(Distance):
  """Distance between normalized Laplacian pyramids (NLPD).

  Images: float `[N, H, W, C]` in [0, 1], sRGB, each channel on its own; values
  below 0 count as 0. At least 65 pixels wide and high for 6 levels, 33 for 5.
  Value: `[N]`, mean over channels, unitless, 0 when identical, below 40: the
  weight of a sample in its own pool, 0.05, bounds a normalized band by 20.
  Symmetric.
  Gradient: finite everywhere, 0 at identical images.

  Args:
    levels: Number of pyramid levels, including the lowpass residual.
    cd_min: Luminance of black on the display, in cd/m^2.
    cd_max: Luminance of white on the display, in cd/m^2.
    fast: If True, leaves out display and photoreceptors, as the authors' quick
      approximation does. Then `cd_min` and `cd_max` have no effect.
    on_small: Treatment of images too small for all levels. `"error"` raises an
      error. `"fewer_levels"` takes as many levels as fit, which needs sizes
      known when a graph is traced.

  Raises:
    ValueError: if an option is out of range, or an image is too small.

  Source: Laparra, Berardino, Ballé, Simoncelli, "Perceptually optimized image
  rendering", 2017, sections 2.A and 2.B. Differs from the authors' code: finite
  gradient at identical images and below 0.
  """

  def __init__(
    self,
    *,
    levels: int = 6,
    cd_min: float = 5.0,
    cd_max: float = 180.0,
    fast: bool = False,
    on_small: str = "error",
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    if not checks.is_whole(levels) or levels < 1:
      raise ValueError(f"nlpd needs levels >= 1; got levels={levels!r}")
    checks.positive("nlpd", "cd_min", cd_min)
    checks.positive("nlpd", "cd_max", cd_max)
    if cd_min >= cd_max:
      raise ValueError(
        f"nlpd needs cd_min < cd_max; got cd_min={cd_min!r}, cd_max={cd_max!r}"
      )
    checks.choice("nlpd", "fast", fast, (True, False))
    checks.choice("nlpd", "on_small", on_small, ("error", "fewer_levels"))
    self.levels = levels
    self.cd_min = cd_min
    self.cd_max = cd_max
    self.fast = fast
    self.on_small = on_small
    self._display = normalized_pyramid.Display(
      None if fast else DISPLAY_GAMMA, GAMMA, cd_min, 255.0 if fast else cd_max
    )

  @property
  def min_size(self) -> int:
    if self.on_small == "fewer_levels":
      return 1
    return pyramids.min_side(self.levels)

  def validate(self, height: int | None, width: int | None) -> None:
    side = min(s for s in (height, width, self.min_size) if s is not None)
    if side < self.min_size:
      raise ValueError(
        f"nlpd needs images of at least {self.min_size}x{self.min_size} for "
        f"{self.levels} levels; got {height}x{width}. Use "
        f"nlpd(levels={pyramids.max_levels(side)}), or larger crops."
      )

  @property
  def locality(self) -> tiling.Locality | None:
    if self.on_small != "error":
      return None  # levels may be fewer in a narrow tile
    strides = tuple(2**level for level in range(self.levels))
    # Filters of 5 taps down, up and, to normalize, across.
    return tiling.Locality(strides, reach=6 * strides[-1])

  def embed(self, image: tf.Tensor) -> list[tf.Tensor]:
    image = self._photoreceptors(image)
    # A constant does not change the bands. The value of the first pixel is
    # subtracted, so that flat images have bands that are exactly 0. Rounding
    # errors there would grow under the roots of `_combine`.
    first = tf.stop_gradient(image[:, :1, :1])
    *bands, residual = pyramids.laplacian(
      image - first, self._levels_for(image)
    )
    residual += first
    normalized = [band / (_pool(tf.abs(band)) + SIGMA) for band in bands]
    return [*normalized, residual / (tf.abs(residual) + SIGMA_RESIDUAL)]

  def compare(
    self, reference: list[tf.Tensor], image: list[tf.Tensor]
  ) -> list[tf.Tensor]:
    return [
      tf.math.squared_difference(r, i)
      for r, i in zip(reference, image, strict=True)
    ]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    means = [numerics.spatial_mean(m) for m in maps]
    return self._combine(tf.stack(means, axis=-1))

  def can_fuse(self, image: tf.Tensor) -> bool:
    return normalized_pyramid.applies(image)

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    means = normalized_pyramid.mean_squares(
      reference,
      image,
      levels=self._levels_for(image),
      display=self._display,
      pool=POOL,
      sigma=SIGMA,
      sigma_residual=SIGMA_RESIDUAL,
    )
    return self._combine(means)

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Averages the maps of all levels, each enlarged to the picture."""
    total = 0.0
    for level, band in enumerate(maps):
      band = tf.reduce_mean(band, axis=-1)  # [N, h, w]
      for axis in (1, 2):
        band = tf.repeat(band, 2**level, axis=axis)
      total += band[:, :height, :width]
    return total / len(maps)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "levels": self.levels,
      "cd_min": self.cd_min,
      "cd_max": self.cd_max,
      "fast": self.fast,
      "on_small": self.on_small,
    }

  def _photoreceptors(self, image: tf.Tensor) -> tf.Tensor:
    """Returns the input of the pyramid, in (cd/m^2)^(1/2.6)."""
    if self.fast:
      return 255 * image
    light = tf.pow(tf.nn.relu(image), DISPLAY_GAMMA)
    return tf.pow(light * (self.cd_max - self.cd_min) + self.cd_min, GAMMA)

  def _combine(self, means: tf.Tensor) -> tf.Tensor:
    """Turns mean squares of the levels `[N, C, levels]` into the value `[N]`.

    Equation 5 takes root mean squares to the power 0.6, their mean, and the
    inverse power.
    """
    # Root and power in one: (m^(1/2))^0.6 = m^0.3. Its slope at 0 is infinite,
    # so both powers are guarded.
    norms = tf.reduce_mean(numerics.power(means, BETA / 2), axis=-1)
    return tf.reduce_mean(numerics.convex_power(norms, 1 / BETA), axis=-1)

  def _levels_for(self, image: tf.Tensor) -> int:
    if self.on_small == "error":
      return self.levels
    side = min(checks.static_size(image, self.spec))
    return min(self.levels, pyramids.max_levels(side))


def _pool(magnitudes: tf.Tensor) -> tf.Tensor:
  """Returns the sums over 5x5 neighbors weighted by P, with zeros outside."""
  channels = magnitudes.shape[-1] or tf.shape(magnitudes)[-1]
  window = tf.constant(POOL, magnitudes.dtype)[:, :, None, None]
  window = tf.tile(window, [1, 1, channels, 1])
  return tf.nn.depthwise_conv2d(magnitudes, window, [1, 1, 1, 1], "SAME")
