"""A stopwatch for the parts of a codec."""

import time


class Stopwatch:
  """Adds up seconds by the name of the part that took them.

  Each call of a codec has its own, so threads that share a codec do not share
  seconds.

  Attributes:
    seconds: Seconds so far, by the name of the part.
  """

  def __init__(self) -> None:
    self.seconds: dict[str, float] = {}
    self._last = time.perf_counter()

  def lap(self, name: str) -> None:
    """Adds the time since the last lap, or since the start, to a part."""
    now = time.perf_counter()
    self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
    self._last = now
