"""Color difference in CIE L*a*b*."""

from typing import Any

import tensorflow as tf

from tfpercept.distances.base import Distance, register
from tfpercept.ops import checks, lab, tiling

FORMULAS = {"CIE76": lab.cie76, "CIEDE2000": lab.ciede2000}


@register("delta_e")
class DeltaE(Distance):
  """Mean color difference of the pixels of two images.

  Images: float `[N, H, W, 3]` in [0, 1], sRGB, any size; `[N, H, W, 1]` is
  taken as R = G = B.
  Value: `[N]`, 0 when identical; about 1 is just noticeable on large patches,
  100 is black against white. Symmetric.
  Gradient: finite everywhere, 0 where colors are equal. CIEDE2000 itself jumps
  where two hues are opposite, and its gradient does not see that.

  Args:
    formula: Formula of the color difference, `"CIEDE2000"`, or `"CIE76"`, the
      Euclidean distance in L*a*b*.

  Raises:
    ValueError: if there is no such formula, or images do not have 1 or 3
      channels.

  Source: CIE 15:2004; Sharma, Wu, Dalal, "The CIEDE2000 color-difference
  formula", 2005. Illuminant D65, 2 degree observer. Pixels are compared one by
  one: there is no blur by the eye, as S-CIELAB has.
  """

  channels = (1, 3)

  copes_with_no_images = True

  def __init__(self, *, formula: str = "CIEDE2000", **kwargs: Any):
    super().__init__(**kwargs)
    checks.choice("delta_e", "formula", formula, tuple(FORMULAS))
    self.formula = formula

  @property
  def locality(self) -> tiling.Locality:
    return tiling.PIXELS

  def embed(self, image: tf.Tensor) -> tf.Tensor:
    if image.shape[-1] == 1:
      image = tf.repeat(image, 3, axis=-1)
    return lab.rgb_to_lab(image)

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    return [tf.expand_dims(FORMULAS[self.formula](reference, image), -1)]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"formula": self.formula}
