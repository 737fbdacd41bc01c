"""Start of the programs beside the package, and their errors."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from absl import app, flags, logging


class ProgramError(RuntimeError):
  """An error that ends a program with one line, its message."""


# Mistakes of the user end with one line; other errors are bugs and show a
# trace.
_MISTAKES = (
  ValueError,
  OSError,
  ProgramError,
  subprocess.CalledProcessError,
)
_HELP = re.compile(r"--?(help|helpshort|helpfull|helpxml|h|\?)")
_FLAGFILE = re.compile(r"--?flagfile(?:=(.*))?", re.DOTALL)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


_first: list[Callable[[], None]] = []


def first(action: Callable[[], None]) -> None:
  """Has an action done once flags are parsed, before the program's `main`.

  Args:
    action: Function whose mistakes exit with one line, as those of `main` do.
  """
  _first.append(action)


def start(
  main: Callable[[], None], *, also: tuple[type[Exception], ...] = ()
) -> None:
  """Parses the flags and calls `main`; a user's mistake exits with one line.

  A value that begins with `~` is a path in the home folder, since shells do not
  expand it behind `--out=`. With `--verbosity=1` the log shows where the
  mistake was noticed.

  Args:
    main: Function that does the work of the program.
    also: Further exceptions that exit with one line.
  """
  mistakes: tuple[type[BaseException], ...] = (*_MISTAKES, *also)

  def guarded(argv: list[str]) -> None:
    if len(argv) > 1:
      raise app.UsageError(
        f"unexpected arguments {argv[1:]}; flags start with --"
      )
    try:
      _expand_homes()
      for action in _first:
        action()
      main()
    except mistakes as error:
      logging.debug("%s", error, exc_info=True)
      sys.exit(f"error: {error}")

  for stream in (sys.stdout, sys.stderr):  # names of files may be any bytes
    if hasattr(stream, "reconfigure"):
      stream.reconfigure(errors="backslashreplace")
  app.run(guarded, flags_parser=parsed)


def parsed(argv: list[str]) -> list[str]:
  """Parses flags as `absl` does, except flag files and the status of help."""
  try:
    argv = [argv[0], *expanded(argv[1:])]
  except (ValueError, OSError) as error:
    sys.exit(f"error: {error}")
  try:
    return app.parse_flags_with_usage(argv)
  except SystemExit:
    if any(_HELP.fullmatch(argument) for argument in argv[1:]):
      sys.exit(0)  # help that was asked for is no failure
    raise


def expanded(arguments: list[str], within: tuple[str, ...] = ()) -> list[str]:
  """Returns arguments with those of flag files in place of `--flagfile`.

  Args:
    arguments: Arguments of a program.
    within: Paths of the flag files that contain these arguments.

  Raises:
    ValueError: if a flag file is not UTF-8 text, or includes itself.
    OSError: if it cannot be read.
  """
  found, rest = [], list(arguments)
  while rest:
    argument = rest.pop(0)
    match = _FLAGFILE.fullmatch(argument)
    if argument == "--" or not match:
      found.append(argument)
      if argument == "--":
        return found + rest
      continue
    if match[1] is None and not rest:
      raise ValueError("--flagfile needs the name of a file")
    name = rest.pop(0) if match[1] is None else match[1]
    path = os.path.realpath(os.path.expanduser(name))
    if path in within:
      raise ValueError(f"the flag file {name} includes itself")
    found += expanded(lines(path), (*within, path))
  return found


def lines(path: str | os.PathLike) -> list[str]:
  """Returns the flags in a flag file: a line each, comments left out.

  Raises:
    ValueError: if it is not UTF-8 text; a byte order mark is skipped.
    OSError: if it cannot be read.
  """
  with open(path, "rb") as file:
    data = file.read()
  if data.startswith(_UTF16) or b"\0" in data:
    raise ValueError(
      f"the flag file {path} is UTF-16, or not text; save it as UTF-8"
    )
  try:
    text = data.decode("utf-8-sig")
  except UnicodeDecodeError as error:
    raise ValueError(
      f"the flag file {path} is not UTF-8 ({error}); save it as UTF-8"
    ) from error
  stripped = (line.strip() for line in text.splitlines())
  return [s for s in stripped if s and not s.startswith(("#", "//"))]


def _expand_homes() -> None:
  """Replaces `~` at the beginning of paths that flags were given."""
  given = flags.FLAGS
  for name in given:
    value: Any = given[name].value
    if _begins_with_tilde(value):
      given[name].value = home(value)
    elif isinstance(value, list) and any(map(_begins_with_tilde, value)):
      given[name].value = [home(v) for v in value]
  if "out" in given and given["out"].value == "":
    raise ValueError("--out is empty; name a folder or a file")


def _begins_with_tilde(value: object) -> bool:
  return isinstance(value, str) and value.startswith("~")


def home(path: str) -> str:
  """Returns a path with `~` or `~user` at its beginning replaced.

  Raises:
    ValueError: if there is no such user.
  """
  found = os.path.expanduser(path)
  if found.startswith("~"):
    raise ValueError(
      f"{path} begins with ~, and there is no such user; write ./{path} for "
      "what is called so"
    )
  return found
