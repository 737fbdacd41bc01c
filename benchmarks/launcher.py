"""Runs a command and prints what it took; started by `commands.run`.

    python -I -S benchmarks/launcher.py CPUS WORD...

A child's peak of memory counts from that of the process which forks it. This
process has imported next to nothing, so the peak is the command's own.
"""

import json
import os
import sys
import time


def main(cpus: str, *words: str) -> None:
  said = os.memfd_create("said")
  start = time.perf_counter()
  child = os.fork()
  if not child:
    _become(int(cpus), words, said)
  _, status, usage = os.wait4(child, 0)
  found = {
    "wall": time.perf_counter() - start,
    "processor": usage.ru_utime + usage.ru_stime,
    "peak": usage.ru_maxrss * 1024,
    "status": os.waitstatus_to_exitcode(status),
  }
  with os.fdopen(said, "rb") as file:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
  print(json.dumps({**found, "last": "".join(lines[-1:])}))


def _become(cpus: int, words: tuple[str, ...], said: int) -> None:
  """Turns this process into the command; never returns."""
  try:
    if cpus:
      os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cpus:])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (said, 1), (said, 2)):
      os.dup2(source, target)
    os.execvp(words[0], words)
  except OSError as error:
    os.write(said, f"{words[0]}: {error}".encode())
  finally:
    os._exit(127)


if __name__ == "__main__":
  main(*sys.argv[1:])
