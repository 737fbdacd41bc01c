"""The flag that names exports, which all programs of servers share."""

import pathlib

from absl import flags

from serving import model_repository


def define(values: flags.FlagValues = flags.FLAGS) -> None:
  """Defines the flag.

  Args:
    values: Where to define it.
  """
  flags.DEFINE_string(
    "exports",
    None,
    "Folder of exports, or of one, with its version folders.",
    required=True,
    flag_values=values,
  )


def read() -> dict[str, list[pathlib.Path]]:
  """Returns the version folders of each export that the flag names.

  Raises:
    ValueError: if there are none, or two would have one name.
  """
  return model_repository.versions(pathlib.Path(flags.FLAGS.exports))
