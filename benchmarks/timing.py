"""Times functions side by side, since only ratios within one run mean much."""

import statistics
import time
from collections.abc import Callable, Iterator

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
LEAST = 3  # smallest number of rounds for a median


def medians(
  functions: dict[str, Callable[[], object]],
  *,
  rounds: int,
  budget: float = float("inf"),
  warm_up: int = 2,
  clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
  """Returns the median seconds of a call of each function.

  The functions take turns, so that other work on the machine affects all of
  them.

  Args:
    functions: Functions to time, by name; each waits for its result before it
      returns.
    rounds: Number of timed calls of each function.
    budget: Time in seconds after which slow functions get fewer calls, but at
      least `LEAST` or `rounds`.
    warm_up: Number of untimed calls before, which trace and compile; one if
      that takes the budget.
    clock: Function that returns the seconds, one of `CLOCKS`.
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
