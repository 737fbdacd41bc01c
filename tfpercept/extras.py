"""Names of optional libraries, and the extras that install them."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator

LIBRARIES = {
  "PIL": ("Pillow", "images"),
  "av": ("PyAV", "video"),
  "choix": ("choix", "ranking"),
  "distributed": ("Dask", "dask"),
  "keras": ("TensorFlow", "tf"),
  "matplotlib": ("matplotlib", "report"),
  "py4j": ("PySpark", "spark"),
  "pyspark": ("PySpark", "spark"),
  "pillow_heif": ("pillow-heif", "formats"),
  "scipy": ("SciPy", "agreement"),
  "sklearn": ("scikit-learn", "train"),
  "skimage": ("scikit-image", "train"),
  "tensorflow": ("TensorFlow", "tf"),
  "tensorflow_addons": ("TensorFlow Addons", "adversarial"),
}
"""Name and extra of optional libraries, by the name that is imported."""


class MissingExtra(ImportError, ValueError):  # noqa: N818 - says what
  """An optional library is not installed; the message names its extra."""


def is_installed(library: str) -> bool:
  """Whether an optional library is installed; does not import it.

  Args:
    library: Name that is imported, one of `LIBRARIES`.
  """
  if library in sys.modules:
    return sys.modules[library] is not None  # as tests hide a library
  return importlib.util.find_spec(library) is not None


@contextlib.contextmanager
def needed(what: str) -> Iterator[None]:
  """Returns a context for imports of optional libraries.

  Args:
    what: Name in the plural of the feature that needs them, for the message.

  Raises:
    MissingExtra: if one of `LIBRARIES` is not installed.
  """
  try:
    yield
  except ImportError as error:
    top = (error.name or "").split(".")[0]
    if top not in LIBRARIES:
      raise  # a library is installed but broken
    library, extra = LIBRARIES[top]
    raise MissingExtra(
      f"{what} need {library}, which is not installed: "
      f"pip install 'tfpercept[{extra}]'"
    ) from error
