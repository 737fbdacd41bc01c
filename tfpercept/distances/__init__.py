"""Distances between images, each 0 when identical and larger when worse.

d = distances.get("0.84*ms_ssim + 0.16*mae")
d(reference, image)  # [N]
"""

from collections.abc import Callable
from typing import Any

import keras

from tfpercept import registry
from tfpercept.distances.base import DISTANCES, Distance
from tfpercept.distances.delta_e import DeltaE
from tfpercept.distances.lpips import LPIPS
from tfpercept.distances.mae import MAE
from tfpercept.distances.ms_ssim import MSSSIM
from tfpercept.distances.mse import MSE
from tfpercept.distances.nlpd import NLPD
from tfpercept.distances.pim import PIM
from tfpercept.distances.psnr import PSNR
from tfpercept.distances.robust import Robust
from tfpercept.distances.ssim import SSIM
from tfpercept.distances.watson_dct import WatsonDCT
from tfpercept.distances.watson_dft import WatsonDFT
from tfpercept.distances.watson_vgg import WatsonVGG
from tfpercept.distances.weighted_sum import WeightedSum
from tfpercept.ops import ranges

__all__ = [
  "DISTANCES",
  "LPIPS",
  "MAE",
  "MSE",
  "MSSSIM",
  "NLPD",
  "PIM",
  "PSNR",
  "SSIM",
  "DeltaE",
  "Distance",
  "Robust",
  "WatsonDCT",
  "WatsonDFT",
  "WatsonVGG",
  "WeightedSum",
  "deserialize",
  "distinct_names",
  "get",
  "holder_config",
  "names",
  "rebuild",
  "serialize",
]

_SAME = {"psnr": "mse"}  # whose value it has


def get(
  spec: str | Distance,
  *,
  dtype: str | None = None,
  check_range: bool | None = None,
  value_range: Any = None,
  data_range: float | None = None,
) -> Distance:
  """Returns the distance that a spec names.

  Args:
    spec: For example `"ms_ssim(scales=3)"` or `"0.84*ms_ssim + 0.16*mae"`; a
      `Distance` is returned as it is.
    dtype: `"float32"`, the default, or `"float64"` for reference work.
    check_range: Whether each call refuses images far outside their range; by
      default none does. `Distance` says how in graphs.
    value_range: Lowest and highest value of the images, such as (-1, 1), which
      are mapped to [0, 1]; by default they are in [0, 1].
    data_range: Highest value alone, above 0, such as 255.

  Raises:
    ValueError: if the spec is malformed, a name or an option is unknown, or a
      `Distance` was made with another dtype, check or range than asked for.
  """
  value_range = ranges.one_of(value_range, data_range)
  if isinstance(spec, Distance):
    asked = {"dtype": dtype, "check_range": check_range}
    config = spec.get_config()
    if value_range is not None:
      asked["value_range"] = ranges.checked(value_range) or ranges.UNIT
      config["value_range"] = spec.value_range or ranges.UNIT
    for option, value in asked.items():
      if value is not None and value != config[option]:
        raise ValueError(
          f"{spec.spec} was made with {option}={config[option]!r}, which can"
          f" not become {value!r}; give a spec, or a distance made with it"
        )
    return spec
  terms = registry.parse_spec(spec)
  options = {
    "dtype": dtype,
    "check_range": bool(check_range),
    "value_range": value_range,
  }
  if len(terms) == 1 and terms[0].weight == 1.0:
    return DISTANCES.create(terms[0].name, terms[0].options, **options)
  return WeightedSum(registry.format_spec(terms), **options)


def serialize(distance: Distance) -> str | dict[str, Any]:
  """Returns what Keras configs hold: a spec, where there is one.

  A distance of the user's own goes by its Keras registration.
  """
  if distance.is_registered:
    return distance.spec
  return keras.saving.serialize_keras_object(distance)


def deserialize(config: str | dict[str, Any]) -> str | Distance:
  """Inverse of `serialize`, to be given to `get`."""
  if isinstance(config, dict):
    return keras.saving.deserialize_keras_object(config)
  return config


def holder_config(distance: Distance) -> dict[str, Any]:
  """Returns what the config of a class that holds a `distance` says of it."""
  kept = ("check_range", "value_range", "checksum")
  config = distance.get_config() | {"checksum": distance.checksum}
  return {"spec": serialize(distance)} | {
    key: config[key] for key in kept if config.get(key) is not None
  }


def rebuild(cls: Callable[..., Any], config: dict[str, Any]) -> Any:
  """Inverse of the `get_config` of a class that holds a `distance`.

  Raises:
    ValueError: if the weights have another checksum than when it was saved.
  """
  config = {**config, "spec": deserialize(config["spec"])}
  checksum = config.pop("checksum", None)
  made = cls(**config)
  made.distance.expect(checksum)
  return made


def names() -> tuple[str, ...]:
  """Names of all registered distances, sorted."""
  return DISTANCES.names()


def distinct_names() -> tuple[str, ...]:
  """Likewise, but one name where several distances have the same value."""
  return tuple(name for name in names() if name not in _SAME)
