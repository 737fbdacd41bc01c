"""Flags that say what to export: a trained network or a distance."""

import re
from typing import Any

from absl import flags

from export import signatures

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


def define(values: flags.FlagValues = flags.FLAGS) -> None:
  """Defines the flags.

  Args:
    values: Where to define them.
  """
  flags.DEFINE_string(
    "run",
    None,
    "Folder of a finished run, or name of a model of the package.",
    flag_values=values,
  )
  flags.DEFINE_string(
    "distance",
    None,
    "Spec of a distance to export in place of a run.",
    flag_values=values,
  )
  flags.DEFINE_integer(
    "channels",
    None,
    "Number of channels of the pictures of a distance (default: 3).",
    1,
    flag_values=values,
  )


def signatures_of(given: Any) -> signatures.Signatures:
  """Returns the signatures of what the flags name.

  Args:
    given: Values of the flags.

  Raises:
    ValueError: if they name nothing, or two things.
  """
  if (given.run is None) == (given.distance is None):
    raise ValueError(
      "give one of --run, the folder of a finished run or the name of a model"
      " of the package, and --distance, the spec of a distance"
    )
  size = given["size"].value if "size" in given else None
  if given.run is not None:
    if size is not None:
      raise ValueError("--size is for distances; networks take any size")
    if given.channels is not None:
      raise ValueError("--channels is for distances; networks have their own")
    return signatures.load(given.run)
  return signatures.load_distance(
    given.distance, channels=given.channels or 3, size=_size(size)
  )


def _size(text: str | None) -> tuple[int, int] | None:
  if text is None:
    return None
  found = _SIZE.fullmatch(text)
  if not found:
    raise ValueError(f"--size is height x width, such as 256x256; got {text!r}")
  return int(found[1]), int(found[2])
