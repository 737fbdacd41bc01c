"""Messages of errors, for tables and for lines of a command."""


def first_line(error: BaseException) -> str:
  """Returns the first line of an error's message, or its type without one."""
  lines = str(error).strip().splitlines()
  return lines[0] if lines else type(error).__name__
