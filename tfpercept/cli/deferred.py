"""Modules that a command needs when it runs, not to say what it takes.

TensorFlow takes seconds to import, and `--help` should not wait for it. In a
module of a command, `scores = deferred.module("tfpercept.evaluation.scores")`
would stand for `from tfpercept.evaluation import scores`; the first attribute
asked for imports it.
"""

import importlib
from typing import Any


def module(name: str) -> Any:
  """Returns what stands for a module until something of it is used."""
  return _Deferred(name)


class _Deferred:
  """Has the attributes of a module, which the first of them imports."""

  def __init__(self, name: str):
    self._name = name

  def __getattr__(self, attribute: str) -> Any:
    return getattr(importlib.import_module(self._name), attribute)
