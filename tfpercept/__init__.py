"""Perceptual distances for Keras, and what makes them useful.

`import tfpercept` imports all distances, losses and metrics, so that Keras
finds them when it loads a model. Only the command `tfpercept` does not wait for
them: it imports what a run of it needs. Where TensorFlow is not installed the
codec works, and whoever asks for one of them is told what to install.
"""

import importlib
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from tfpercept import extras

__all__ = ["__version__", "callbacks", "distances", "losses", "metrics"]
__version__ = "0.1.0"
_MODULES = ("callbacks", "distances", "losses", "metrics")


def _is_command() -> bool:
  """Whether this process is the console script or `python -m tfpercept.cli`."""
  program = sys.argv[0] if getattr(sys, "argv", None) else ""
  if program == "-m":  # while Python looks for the module, its packages too
    named = "".join(sys.orig_argv[-len(sys.argv) :][:1]).removeprefix("-m")
    return named in ("tfpercept.cli", "tfpercept.cli.__main__")
  path = pathlib.PurePath(program)
  if path.parts[-3:] == ("tfpercept", "cli", "__main__.py"):
    return True  # as Bazel runs it
  script = path.name.removesuffix(".exe").removesuffix("-script.py")
  return script == "tfpercept"


class _Absent:
  """A finder that says what the public modules lack, however they are named."""

  @staticmethod
  def find_spec(name: str, *_rest: Any) -> None:
    package, _dot, module = name.rpartition(".")
    if package == __name__ and module in _MODULES:
      with extras.needed("distances and what uses them"):
        importlib.import_module("tensorflow")


_HAS_TENSORFLOW = extras.is_installed("tensorflow")
if not _HAS_TENSORFLOW:
  sys.meta_path.insert(0, _Absent)
if TYPE_CHECKING or (_HAS_TENSORFLOW and not _is_command()):
  from tfpercept import callbacks, distances, losses, metrics


def __getattr__(name: str) -> Any:
  if name in _MODULES:
    return importlib.import_module(f"tfpercept.{name}")
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
