"""Times functions side by side, since only ratios within one run mean much."""

import statistics
import time
from collections.abc import Callable


def medians(
  functions: dict[str, Callable[[], object]], *, rounds: int, warm_up: int = 2
) -> dict[str, float]:
  """Returns the median seconds of a call of each function.

  The functions take turns, so that what else the machine does meets all alike.

  Args:
    functions: By name; each waits for its result before it returns.
    rounds: Timed calls of each.
    warm_up: Calls of each before, which trace and compile.
  """
  seconds = {name: [] for name in functions}
  for turn in range(warm_up + rounds):
    for name, function in functions.items():
      start = time.perf_counter()
      function()
      if turn >= warm_up:
        seconds[name].append(time.perf_counter() - start)
  return {name: statistics.median(values) for name, values in seconds.items()}
