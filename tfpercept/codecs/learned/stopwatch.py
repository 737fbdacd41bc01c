"""Seconds of the parts of a codec."""

import time


class Clock:
  """Adds up seconds by the name of what they went into.

  Attributes:
    seconds: So far.
  """

  def __init__(self):
    self.seconds: dict[str, float] = {}
    self._last = time.perf_counter()

  def lap(self, name: str) -> None:
    """Adds what has passed since the last call, or the start, to a part."""
    now = time.perf_counter()
    self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
    self._last = now
