"""Numbers of the reference programs; README.md says how they were made."""

import pathlib

from tfpercept.conformance import golden_cases
from tfpercept.conformance.golden_cases import Case

FOLDER = pathlib.Path(__file__).parent


def read(file: str, folder: pathlib.Path = FOLDER) -> tuple[Case, ...]:
  """Returns the cases of one file that compare two images.

  Args:
    file: Name of the file without its suffix.
    folder: Another one than this, for cases that are not in the repository.
  """
  return golden_cases.read(folder, file)
