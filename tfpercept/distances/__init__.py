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
from tfpercept.distances.dists import DISTS
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
  "DISTS",
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

_SAME = {"psnr": "mse"}  # distances whose value is that of another


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
    spec: Name with options, or a sum, such as `"ms_ssim(scales=3)"` or
      `"0.84*ms_ssim + 0.16*mae"`. A `Distance` is returned as it is.
    dtype: Precision of the computation: `"float32"`, the default, or
      `"float64"` for reference work.
    check_range: If True, each call refuses images far outside their range. The
      default is False. `Distance` says how this works in graphs.
    value_range: Lowest and highest value of the images, such as (-1, 1). They
      are mapped to [0, 1]. By default images are in [0, 1].
    data_range: Highest value of the images where the lowest is 0, such as 255;
      a short form of `value_range`.

  Raises:
    ValueError: if the spec is malformed, a name or an option is unknown, or a
      `Distance` was made with another dtype, check or range than asked for.
  """
  value_range = ranges.one_of(value_range, data_range)
  if isinstance(spec, Distance):
    asked: dict[str, Any] = {"dtype": dtype, "check_range": check_range}
    config = spec.get_config()
    if value_range is not None:
      asked["value_range"] = ranges.checked(value_range) or ranges.UNIT
      config["value_range"] = spec.value_range or ranges.UNIT
    for option, value in asked.items():
      if value is not None and value != config[option]:
        raise ValueError(
          f"{spec.spec} was made with {option}={config[option]!r}, which cannot"
          f" become {value!r}. Give a spec, or a distance made with it."
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
  """Returns the form of a distance in Keras configs, its spec if it has one.

  A distance whose class is not registered here is serialized by Keras.
  """
  if distance.is_registered:
    return distance.spec
  return keras.saving.serialize_keras_object(distance)


def deserialize(config: str | dict[str, Any]) -> str | Distance:
  """Returns a spec or a distance for `get`, from the result of `serialize`."""
  if isinstance(config, dict):
    return keras.saving.deserialize_keras_object(config)
  return config


def holder_config(distance: Distance) -> dict[str, Any]:
  """Returns the part of a config that describes the `distance` of its class."""
  kept = ("check_range", "value_range", "checksum")
  config = distance.get_config() | {"checksum": distance.checksum}
  return {"spec": serialize(distance)} | {
    key: config[key] for key in kept if config.get(key) is not None
  }


def rebuild(cls: Callable[..., Any], config: dict[str, Any]) -> Any:
  """Returns an instance of `cls` made from its own `get_config`.

  Args:
    cls: Class that has a `distance` and takes its spec as `spec`.
    config: Config with the entries of `holder_config`.

  Raises:
    ValueError: if the weights have another checksum than when it was saved.
  """
  config = {**config, "spec": deserialize(config["spec"])}
  checksum = config.pop("checksum", None)
  made = cls(**config)
  made.distance.expect(checksum)
  return made


def names() -> tuple[str, ...]:
  """Returns the names of all registered distances, sorted."""
  return DISTANCES.names()


def distinct_names() -> tuple[str, ...]:
  """Returns `names()` with one name for distances that have the same value."""
  return tuple(name for name in names() if name not in _SAME)
