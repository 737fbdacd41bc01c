"""What a process may take before it is ended: memory, time of its own."""

import contextlib
import faulthandler
import pathlib
import resource
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def processor_time(seconds: float) -> Iterator[None]:
  """Ends this process, with its traceback, where a block takes longer.

  Only what its processors do counts, so that a busy machine ends nothing.
  """
  # By faulthandler, since Python's own handlers wait for code in C to return.
  faulthandler.register(signal.SIGPROF, chain=True)
  signal.setitimer(signal.ITIMER_PROF, seconds)
  try:
    yield
  finally:  # or it would end whatever this process does next
    signal.setitimer(signal.ITIMER_PROF, 0)
    faulthandler.unregister(signal.SIGPROF)


def memory(megabytes: int) -> None:
  """Lets this process take that much more address space than it has now."""
  pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
  limit = pages * resource.getpagesize() + (megabytes << 20)
  resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
