"""Notes on what was not kept of files that were read.

A reader adds a note, and whoever wants to tell a person collects them:

    with notes.collected() as found:
      picture = files.read_image("a.png")
    for line in notes.lines(found):
      print(line, file=sys.stderr)

Without a collector a note is dropped. Thus a folder of pictures gives one line
for each kind of note, not one for each picture.
"""

import contextlib
import contextvars
import os
from collections.abc import Iterable, Iterator

Note = tuple[str, str]
"""Name of a file, and what was not kept of it."""
_NAMED = 3  # files that a line names

_FOUND: contextvars.ContextVar[list[Note] | None] = contextvars.ContextVar(
  "notes", default=None
)


@contextlib.contextmanager
def collected() -> Iterator[list[Note]]:
  """Yields a list that gets the notes of the block.

  Blocks may be nested; the inner one keeps its notes from the outer one.
  """
  found: list[Note] = []
  token = _FOUND.set(found)
  try:
    yield found
  finally:
    _FOUND.reset(token)


def add(name: str | os.PathLike, what: str) -> None:
  """Adds a note, unless nobody collects them.

  Args:
    name: Name of the file.
    what: Clause that says what was not kept, the same for all such files.
  """
  found = _FOUND.get()
  if found is not None:
    found.append((os.fspath(name), what))


def extend(found: Iterable[Note]) -> None:
  """Adds notes that an inner block has collected."""
  for name, what in found:
    add(name, what)


def lines(found: Iterable[Note]) -> list[str]:
  """Returns one line for each kind of note, with its first files."""
  names: dict[str, dict[str, None]] = {}
  for name, what in found:
    names.setdefault(what, {})[name] = None
  return [f"{what}: {listed(list(files))}" for what, files in names.items()]


def listed(names: list[str]) -> str:
  """Returns the first few names, and the number of the others."""
  others = len(names) - _NAMED
  if others < 1:
    return ", ".join(names)
  word = "others" if others > 1 else "other"
  return f"{', '.join(names[:_NAMED])} and {others} {word}"
