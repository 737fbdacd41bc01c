"""Progress: a bar on a terminal, lines elsewhere where a command wants them."""

import sys
import time
from collections.abc import Callable
from types import TracebackType

_WIDTH = 24

Show = Callable[[int, int], None]
"""Called with the steps of a thing that are done, and with those in all."""


class Bar:
  """Draws one line on standard error and draws it anew at each `show`.

  Where standard error is no terminal nothing is drawn, so logs stay clean. A
  command that takes minutes may ask for lines there: one for a new group of
  things, and one every so many seconds.

  Args:
    total: Number of things to do, where one number serves for all.
    every: Seconds between lines where standard error is no terminal; None
      prints none.
    clock: Function that returns seconds.
  """

  PAUSE = 2.0
  """Least time between lines in seconds; what takes less prints nothing."""

  def __init__(
    self,
    total: int = 1,
    *,
    every: float | None = None,
    clock: Callable[[], float] = time.monotonic,
  ):
    self._total = max(total, 1)
    self._is_shown = sys.stderr.isatty()
    self._every = every
    self._clock = clock
    self._last = clock()
    self._group = ""
    self._first: tuple[float, int] | None = None

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
    """Shows how many things are done and what comes next.

    Args:
      done: Number of things done.
      what: Name of the next. Up to a colon it is that of its group.
      total: Number of all things; None takes that of the bar.
    """
    total = total or self._total
    if not self._is_shown:
      if self._every is not None:
        self._line(done, what, total)
      return
    filled = _WIDTH * done // total
    bar = "#" * filled + "." * (_WIDTH - filled)
    line = f"\r\x1b[K[{bar}] {done}/{total} {what}"
    print(line, end="", file=sys.stderr, flush=True)

  def steps_of(self, place: int, what: str) -> Show:
    """Returns what shows the steps of one thing, as if each had as many.

    Args:
      place: Number of things before this one.
      what: Name of the thing, which is shown beside the bar.
    """
    return lambda done, steps: self.show(
      place * steps + done, what, self._total * steps
    )

  def _line(self, done: int, what: str, total: int) -> None:
    """Prints a line if it is time for one."""
    assert self._every is not None  # by `show`
    now, group = self._clock(), what.partition(": ")[0]
    pause = self.PAUSE if group != self._group else self._every
    if now - self._last < pause:
      return
    left = ""
    if self._first is None:
      self._first = now, done
    elif done > self._first[1]:
      seconds = (now - self._first[0]) / (done - self._first[1])
      left = f", about {_time(seconds * (total - done))} left"
    print(f"{done}/{total} {what}{left}", file=sys.stderr, flush=True)
    self._last, self._group = now, group


def _time(seconds: float) -> str:
  return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
