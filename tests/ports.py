"""Ports of this machine for servers of tests."""

import contextlib
import random
import socket

# Below those that the kernel gives to connections and to `bind` of port 0, so
# that nothing else takes one between this program and the server's start.
_RANGE = range(15_000, 32_000)


def free(count: int = 1) -> list[int]:
  """Returns different ports on which nothing listens."""
  places = random.SystemRandom().sample(_RANGE, len(_RANGE))
  found: list[int] = []
  for port in places:
    if len(found) == count:
      break
    with socket.socket() as one, contextlib.suppress(OSError):
      one.bind(("127.0.0.1", port))
      found.append(port)
  return found
