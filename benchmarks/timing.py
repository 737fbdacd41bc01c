"""Times functions side by side, since only ratios within one run mean much."""

import statistics
import time
from collections.abc import Callable, Iterator

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
LEAST = 3  # rounds that a median is worth having of


def medians(
  functions: dict[str, Callable[[], object]],
  *,
  rounds: int,
  budget: float = float("inf"),
  warm_up: int = 2,
  clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
  """Returns the median seconds of a call of each function.

  The functions take turns, so that what else the machine does meets all alike.

  Args:
    functions: By name; each waits for its result before it returns.
    rounds: Timed calls of each.
    budget: Seconds after which slow functions get fewer, but at least `LEAST`
      or `rounds`.
    warm_up: Calls of each before, which trace and compile; one if that takes
      the budget.
    clock: What seconds are: one of `CLOCKS`.
  """
  seconds = {name: [] for name in functions}

  def take_turns(count: int, least: int) -> Iterator[tuple[str, float]]:
    begin = time.perf_counter()
    for turn in range(count):
      if turn >= least and time.perf_counter() - begin > budget:
        return
      for name, function in functions.items():
        start = clock()
        function()
        yield name, clock() - start

  for _ in take_turns(warm_up, 1):
    pass
  for name, duration in take_turns(rounds, LEAST):
    seconds[name].append(duration)
  return {name: statistics.median(values) for name, values in seconds.items()}
