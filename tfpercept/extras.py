"""What a library that is not installed is called, and what brings it."""

import contextlib
from collections.abc import Iterator

LIBRARIES = {
  "PIL": ("Pillow", "images"),
  "av": ("PyAV", "video"),
  "choix": ("choix", "ranking"),
  "matplotlib": ("matplotlib", "report"),
  "scipy": ("SciPy", "agreement"),
  "sklearn": ("scikit-learn", "train"),
  "skimage": ("scikit-image", "train"),
}
"""Name and extra of optional libraries, by the name that is imported."""


class MissingExtra(ImportError, ValueError):  # noqa: N818 - says what
  """An optional library is not installed; the message says what brings it."""


@contextlib.contextmanager
def needed(what: str) -> Iterator[None]:
  """A context for imports of optional libraries.

  Args:
    what: What needs them, in the plural, for the message.

  Raises:
    MissingExtra: if one of `LIBRARIES` is not installed.
  """
  try:
    yield
  except ImportError as error:
    top = (error.name or "").split(".")[0]
    if top not in LIBRARIES:
      raise  # a library is there, but broken
    library, extra = LIBRARIES[top]
    raise MissingExtra(
      f"{what} need {library}, which is not installed: "
      f"pip install 'tfpercept[{extra}]'"
    ) from error
