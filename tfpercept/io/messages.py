"""Messages of errors, for tables and for lines of a command."""

import sys


def first_line(error: BaseException) -> str:
  """Returns the first line of an error's message, or its type without one."""
  lines = str(error).strip().splitlines()
  return lines[0] if lines else type(error).__name__


def of_one_file() -> tuple[type[Exception], ...]:
  """Returns the errors that concern one file, and end no work on others.

  TensorFlow can raise none of its own where it was not imported.
  """
  found = ValueError, OSError, MemoryError, RuntimeError
  tensorflow = sys.modules.get("tensorflow")
  return (*found, tensorflow.errors.OpError) if tensorflow else found
