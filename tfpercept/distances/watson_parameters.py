"""The parameters of Watson's model: as weights here, and in the authors' files.

Here a parameter is one weight with the planes on its first axis, `[3, 8, 8]`
for thresholds in colour. In a file each plane has its own: `ly.t_tild`,
`lcb.t_tild`, `lcr.t_tild`, or `t_tild` for grey; `w_tild` beside them weights
the planes.
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tfpercept import weights

# With less, the root of 1e5 summands near 1 overflows float32.
MIN_BETA = 0.2

_PREFIXES = {1: ("",), 3: ("ly.", "lcb.", "lcr.")}
_MIX = "w_tild"  # of the planes; theirs has the prefix of a plane


class AtLeast(keras.constraints.Constraint):
  """A constraint that raises a weight to a smallest value."""

  def __init__(self, least: float):
    self._least = least

  def __call__(self, w: tf.Tensor) -> tf.Tensor:
    return tf.maximum(w, tf.cast(self._least, w.dtype))


def weight_name(key: str) -> str:
  """Returns the name here of what files call `key`, such as `t_tild`."""
  return key.replace("tild", "tilde")


def arrays(
  plane: Mapping[str, np.ndarray],
  planes: int,
  source: str | None,
  owner: str,
) -> dict[str, np.ndarray]:
  """Returns the value of each weight by its name.

  Args:
    plane: Initial parameters of one plane, by their names in files.
    planes: 1, or 3 for colour, which adds `color_tilde`, `[3]`.
    source: What `weights.load` takes, or None for the initial parameters.
    owner: Named in errors.

  Raises:
    ValueError: if the source lacks one or has it in another shape.
  """
  values = {p + key: plane[key] for p in _PREFIXES[planes] for key in plane}
  if planes == 3:
    values[_MIX] = np.zeros(3)
  if source is not None:
    values = _loaded(source, values, owner)
  stacked = {
    weight_name(key): np.stack([values[p + key] for p in _PREFIXES[planes]])
    for key in plane
  }
  if planes == 3:
    stacked["color_tilde"] = values[_MIX]
  return stacked


def checkpoint(
  stacked: Mapping[str, np.ndarray], keys: tuple[str, ...]
) -> dict[str, np.ndarray]:
  """Inverse of `arrays`: what a file holds, for parameters named `keys`."""
  values = {}
  for key in keys:
    planes = stacked[weight_name(key)]
    for prefix, value in zip(_PREFIXES[len(planes)], planes, strict=True):
      values[prefix + key] = value
  if "color_tilde" in stacked:
    values[_MIX] = stacked["color_tilde"]
  return values


def _loaded(source, expected, owner):
  """Reads arrays with the keys and shapes of `expected`."""
  found = weights.load(source)
  for key, value in expected.items():
    if key not in found or found[key].shape != value.shape:
      have = f"it in {found[key].shape}" if key in found else "no such"
      raise ValueError(
        f"{owner} needs {key!r} of shape {value.shape}; {source} has {have}. "
        "Set channels and blocks to what the file was made for."
      )
  return {key: np.asarray(found[key], np.float64) for key in expected}
