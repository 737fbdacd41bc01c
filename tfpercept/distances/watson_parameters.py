"""The parameters of Watson's model, as weights and as the authors' files.

As a weight, a parameter has the planes on its first axis: thresholds in color
are `[3, 8, 8]`. In a file each plane has its own array: `ly.t_tild`,
`lcb.t_tild` and `lcr.t_tild`, or `t_tild` for gray. The `w_tild` beside them
weights the planes.
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tfpercept import weights

# With much less, the root of 1e5 summands near 1 overflows float32: 1e5 to the
# power 1 / 0.2 is 1e25 and fits, to the power 1 / 0.1 it is 1e50 and does not.
MIN_BETA = 0.2

SETS = {"released": "", "tuned": "tuned_"}
"""Sets of parameters by name, with what the names of their files add."""
INITIAL = "initial"
"""Name of the parameters before any tuning, which None stands for, too."""
_PREFIXES = {1: ("",), 3: ("ly.", "lcb.", "lcr.")}
# The weights of the planes. The masking exponent has the same name in files,
# after the prefix of a plane.
_MIX = "w_tild"


class AtLeast(keras.constraints.Constraint):
  """A constraint that raises a weight to a smallest value."""

  def __init__(self, least: float):
    self._least = least

  def __call__(self, w: tf.Tensor) -> tf.Tensor:
    return tf.maximum(w, tf.cast(self._least, w.dtype))


def weight_name(key: str) -> str:
  """Returns the name of the weight that files call `key`, such as `t_tild`."""
  return key.replace("tild", "tilde")


def source(distance: str, planes: int, given: str | None) -> str | None:
  """Returns what the option `weights` of a distance stands for.

  Args:
    distance: Name of the distance, such as `watson_dft`.
    planes: Number of planes: 1, or 3 for color.
    given: The option: None or `INITIAL`, a name of `SETS`, or anything that
      `weights.load` takes.

  Returns:
    A name or path for `weights.load`, or None for the initial parameters.

  Raises:
    ValueError: if there is no such set for gray or for color.
  """
  if given == INITIAL:
    return None
  if given not in SETS:
    return given
  name = f"{distance}_{SETS[given]}{'rgb' if planes == 3 else 'gray'}"
  if name not in weights.manifest():
    raise ValueError(
      f"{distance}(channels={planes}) has no parameters {given!r}; take "
      "'initial', 'released', or a path"
    )
  return name


def arrays(
  plane: Mapping[str, np.ndarray],
  planes: int,
  source: str | None,
  owner: str,
) -> dict[str, np.ndarray]:
  """Returns the value of each weight by its name.

  Args:
    plane: Initial parameters of one plane, by their names in files.
    planes: Number of planes: 1, or 3 for color, which adds `color_tilde`,
      `[3]`.
    source: Name or path for `weights.load`, or None for the initial parameters.
    owner: Name of the distance for error messages.

  Raises:
    ValueError: if the source lacks a parameter or has it in another shape.
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


def require_beta(key: str, value: np.ndarray, source: str, owner: str) -> None:
  """Raises ValueError if the beta of a file makes roots overflow.

  Args:
    key: Name of the beta in the file.
    value: The beta, a scalar.
    source: Name or path of the file.
    owner: Name of the distance.
  """
  # The least one is a little less once it is packed in half precision.
  if not value >= MIN_BETA * (1 - 2**-10):
    raise ValueError(
      f"{owner} needs {key!r} of at least {MIN_BETA}, below which its root "
      f"overflows; {source} has {float(value):g}. Take other weights, or train "
      "them on"
    )


def checkpoint(
  stacked: Mapping[str, np.ndarray], keys: tuple[str, ...]
) -> dict[str, np.ndarray]:
  """Returns the arrays of a file with the parameters `keys`.

  It is the inverse of `arrays`.

  Args:
    stacked: Value of each weight by its name, planes on the first axis.
    keys: Names of the parameters of one plane in files.
  """
  values = {}
  for key in keys:
    planes = stacked[weight_name(key)]
    for prefix, value in zip(_PREFIXES[len(planes)], planes, strict=True):
      values[prefix + key] = value
  if "color_tilde" in stacked:
    values[_MIX] = stacked["color_tilde"]
  return values


def _loaded(
  source: str, expected: Mapping[str, np.ndarray], owner: str
) -> dict[str, np.ndarray]:
  """Reads arrays with the keys and shapes of `expected`."""
  found = weights.load(source)
  for key, value in expected.items():
    if key not in found or found[key].shape != value.shape:
      is_there = key in found
      have = f"one of {found[key].shape}" if is_there else "no such array"
      raise ValueError(
        f"{owner} needs {key!r} of shape {value.shape}; {source} has {have}. "
        "Set channels and blocks to what the file was made for."
      )
  for key in expected:
    if key.endswith("beta"):
      require_beta(key, found[key], source, owner)
  return {key: np.asarray(found[key], np.float64) for key in expected}
