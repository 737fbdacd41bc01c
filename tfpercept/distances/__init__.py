"""Distances between images, each 0 when identical and larger when worse.

d = distances.get("0.84*ms_ssim + 0.16*mae")
d(reference, image)  # [N]
"""

from tfpercept import registry
from tfpercept.distances.base import DISTANCES, Distance
from tfpercept.distances.mae import MAE
from tfpercept.distances.ms_ssim import MSSSIM
from tfpercept.distances.mse import MSE
from tfpercept.distances.psnr import PSNR
from tfpercept.distances.ssim import SSIM
from tfpercept.distances.weighted_sum import WeightedSum

__all__ = [
  "DISTANCES",
  "MAE",
  "MSE",
  "MSSSIM",
  "PSNR",
  "SSIM",
  "Distance",
  "WeightedSum",
  "get",
  "names",
]


def get(
  spec: str | Distance, *, dtype: str = "float32", check_range: bool = False
) -> Distance:
  """Returns the distance that a spec names.

  Args:
    spec: For example `"ms_ssim(scales=3)"` or `"0.84*ms_ssim + 0.16*mae"`; a
      `Distance` is returned as it is.
    dtype: `"float32"`, or `"float64"` for reference work.
    check_range: Whether eager calls refuse images far outside [0, 1].

  Raises:
    ValueError: if the spec is malformed, or a name or an option is unknown.
  """
  if isinstance(spec, Distance):
    return spec
  terms = registry.parse_spec(spec)
  options = {"dtype": dtype, "check_range": check_range}
  if len(terms) == 1 and terms[0].weight == 1.0:
    return DISTANCES.create(terms[0].name, terms[0].options, **options)
  return WeightedSum(registry.format_spec(terms), **options)


def names() -> tuple[str, ...]:
  """Names of all registered distances, sorted."""
  return DISTANCES.names()
