"""Modules that are imported when a command runs, not for its help.

TensorFlow takes seconds to import, and `--help` should not wait for it. In a
module of a command, `files = deferred.module("tfpercept.io.files")` stands for
`from tfpercept.io import files`. The first use of an attribute imports it, and
raises `extras.MissingExtra` where TensorFlow is missing that it needs.
"""

import importlib
from typing import Any

from tfpercept import extras


def module(name: str) -> Any:
  """Returns a stand-in that imports a module when it is first used."""
  return _Deferred(name)


class _Deferred:
  """A stand-in with the attributes of a module."""

  def __init__(self, name: str):
    self._name = name

  def __getattr__(self, attribute: str) -> Any:
    with extras.needed("parts of this command"):
      module = importlib.import_module(self._name)
    return getattr(module, attribute)
