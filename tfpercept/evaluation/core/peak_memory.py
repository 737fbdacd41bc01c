"""The most memory that this process held while something ran."""

import contextlib
import pathlib
from collections.abc import Iterator

_STATUS = pathlib.Path("/proc/self/status")
_CLEAR = pathlib.Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): resets VmHWM to what is held now


class Peak:
  """Result of `watch`.

  Attributes:
    bytes: Largest resident memory of the whole process in bytes, its libraries
      included; None where the system does not report it.
  """

  bytes: int | None = None


@contextlib.contextmanager
def watch() -> Iterator[Peak]:
  """Yields a `Peak` that is filled in when the block ends.

  Linux alone lets a process forget an earlier peak.
  """
  peak = Peak()
  try:
    _CLEAR.write_text(_RESET_PEAK)
  except OSError:
    yield peak
    return
  yield peak
  peak.bytes = _status("VmHWM")


def held() -> int | None:
  """Returns the resident memory of this process, in bytes, if it is known."""
  return _status("VmRSS") if _STATUS.is_file() else None


def _status(field: str) -> int | None:
  for line in _STATUS.read_text().splitlines():
    if line.startswith(f"{field}:"):
      return 1024 * int(line.split()[1])
  return None
