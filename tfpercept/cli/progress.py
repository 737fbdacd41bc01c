"""A progress bar on the terminal, and nothing where there is none."""

import sys
from types import TracebackType

_WIDTH = 24


class Bar:
  """Draws one line on standard error and draws it anew at each `show`.

  Where standard error is no terminal nothing is drawn, so logs stay clean.

  Args:
    total: Number of things to do, where one number serves for all.
  """

  def __init__(self, total: int = 1):
    self._total = max(total, 1)
    self._is_shown = sys.stderr.isatty()

  def __enter__(self) -> "Bar":
    return self

  def __exit__(
    self,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
  ) -> None:
    if self._is_shown:
      print("\r\x1b[K", end="", file=sys.stderr, flush=True)

  def show(self, done: int, what: str, total: int | None = None) -> None:
    """Shows how many things are done and what comes next."""
    if not self._is_shown:
      return
    total = total or self._total
    filled = _WIDTH * done // total
    bar = "#" * filled + "." * (_WIDTH - filled)
    line = f"\r\x1b[K[{bar}] {done}/{total} {what}"
    print(line, end="", file=sys.stderr, flush=True)
