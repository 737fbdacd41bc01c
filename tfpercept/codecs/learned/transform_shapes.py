"""The weights of the transforms that an engine without their network runs."""

from collections.abc import Mapping
from typing import Any

from tfpercept.codecs.learned import engines, layout
from tfpercept.ops import codec_constants

Shapes = dict[str, tuple[int, ...]]
"""Shapes of weights by name."""
_VALUES = 3 * codec_constants.STRIDE**2  # in a block of 16x16 pixels
_SIDE = 5  # of most kernels
_INSTEAD = f"take the engine {engines.AUTO!r} or {engines.TENSORFLOW!r}"
_PREFIXES = ("analysis/", "hyper_analysis/", "synthesis/", "deviation")


def places(manifest: Mapping[str, Any]) -> dict[str, int]:
  """Returns where the weights of transforms are in the file, by name.

  Other weights have names of which some occur twice.

  Raises:
    Unfit: if the manifest does not name each weight, or names one twice.
  """
  names = manifest.get("names")
  if not isinstance(names, list) or len(names) != len(manifest["weights"]):
    raise engines.Unfit("the manifest does not name each weight")
  found: dict[str, int] = {}
  for place, name in enumerate(map(str, names)):
    if name.startswith(_PREFIXES):
      if name in found:
        raise engines.Unfit(f"the manifest names {name} twice")
      found[name] = place
  return found


def require(found: Shapes, laid: layout.Layout, blocks: int) -> None:
  """Raises Unfit unless weights are those of the transforms that run here.

  Args:
    found: Shapes of the weights of transforms.
    laid: Layout of what the model codes with.
    blocks: Number of residual blocks of each transform.
  """
  try:
    wanted = _analysis_shapes(found, laid, blocks)
    wanted |= _synthesis_shapes(found, laid, blocks)
    if laid.has_side_information:
      wanted |= _hyper_analysis_shapes(found, laid)
    wanted["deviation"] = (laid.latents,)
  except (KeyError, IndexError) as error:
    raise engines.Unfit(f"the model has no {error}; {_INSTEAD}") from error
  if found != wanted:
    raise engines.Unfit(
      f"the model has other transforms than this engine runs; {_INSTEAD}"
    )


def _width(found: Shapes, layer: str) -> int:
  return found[f"{layer}/bias"][0]


def _analysis_shapes(found: Shapes, laid: layout.Layout, blocks: int) -> Shapes:
  name, inputs = "analysis", 3
  wanted: Shapes = {}
  for i in (1, 2, 3):
    outputs = _width(found, f"{name}/conv{i}")
    wanted[f"{name}/conv{i}/kernel"] = (_SIDE, _SIDE, inputs, outputs)
    wanted |= _hidden_shapes(name, i, outputs, laid.levels)
    inputs = outputs
  wanted |= _block_shapes(name, inputs, blocks)
  return wanted | {
    f"{name}/last/kernel": (_SIDE, _SIDE, inputs, laid.latents),
    f"{name}/last/bias": (laid.latents,),
    f"{name}/linear/kernel": (1, 1, _VALUES, laid.latents),
    f"{name}/linear/bias": (laid.latents,),
  }


def _synthesis_shapes(
  found: Shapes, laid: layout.Layout, blocks: int
) -> Shapes:
  name, inputs = "synthesis", laid.latents
  wanted: Shapes = {}
  for i in (1, 2, 3):
    outputs = _width(found, f"{name}/conv{i}")
    wanted[f"{name}/conv{i}/kernel"] = (_SIDE, _SIDE, outputs, inputs)
    wanted |= _hidden_shapes(name, i, outputs, laid.levels)
    inputs = outputs
    if i == 1:
      wanted |= _block_shapes(name, inputs, blocks)
  return wanted | {
    f"{name}/last/kernel": (_SIDE, _SIDE, 3, inputs),
    f"{name}/last/bias": (3,),
    f"{name}/linear/kernel": (1, 1, laid.latents, _VALUES),
    f"{name}/linear/bias": (_VALUES,),
  }


def _hidden_shapes(name: str, i: int, outputs: int, levels: int) -> Shapes:
  return {
    f"{name}/conv{i}/bias": (outputs,),
    f"{name}/gdn{i}/beta_root": (outputs,),
    f"{name}/gdn{i}/gamma_root": (outputs, outputs),
    f"{name}/quality{i}/scale": (levels, outputs),
    f"{name}/quality{i}/offset": (levels, outputs),
  }


def _block_shapes(name: str, channels: int, blocks: int) -> Shapes:
  inner = max(channels // 2, 1)
  wanted: Shapes = {}
  for j in range(1, blocks + 1):
    wanted |= {
      f"{name}/block{j}/conv1/kernel": (3, 3, channels, inner),
      f"{name}/block{j}/conv1/bias": (inner,),
      f"{name}/block{j}/conv2/kernel": (3, 3, inner, channels),
      f"{name}/block{j}/conv2/bias": (channels,),
    }
  return wanted


def _hyper_analysis_shapes(found: Shapes, laid: layout.Layout) -> Shapes:
  name, inputs = "hyper_analysis", laid.latents
  wanted: Shapes = {}
  for i, side in ((1, 3), (2, _SIDE), (3, _SIDE)):
    outputs = laid.hyper_latents
    if i < 3:
      outputs = _width(found, f"{name}/conv{i}")
      wanted[f"{name}/conv{i}/bias"] = (outputs,)
    wanted |= {
      f"{name}/conv{i}/kernel": (side, side, inputs, outputs),
      f"{name}/quality{i}/scale": (laid.levels, outputs),
      f"{name}/quality{i}/offset": (laid.levels, outputs),
    }
    inputs = outputs
  return wanted
