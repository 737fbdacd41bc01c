"""Output of commands: printed, or written to the file of `--out`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from tfpercept.cli import deferred
from tfpercept.io import notes

if TYPE_CHECKING:
  from tfpercept.io import files
else:
  files = deferred.module("tfpercept.io.files")


def add(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
  """Adds the options `--format`, whose default is the first, and `--out`."""
  parser.add_argument(
    "--format",
    choices=formats,
    default=formats[0],
    help="format of the output (default: %(default)s)",
  )
  parser.add_argument(
    "--out", metavar="FILE", help="file to write (default: standard output)"
  )


def formats(module: ModuleType) -> dict[str, Callable[[Any], str]]:
  """Returns the formats of a module that has `to_text`, `to_csv`, `to_json`."""
  return {
    "table": lambda found: module.to_text(found),
    "csv": lambda found: module.to_csv(found).rstrip("\n"),
    "json": lambda found: json.dumps(module.to_json(found), indent=2),
  }


def status(*, failures: object, results: object) -> int:
  """Returns the exit status of a command that goes on after failures.

  Args:
    failures: Anything that is true if something failed.
    results: Anything that is true if something did not.
  """
  if not failures:
    return 0
  return 1 if results else 2


def check(arguments: argparse.Namespace) -> None:
  """Raises OSError if `--out` cannot be written, before the work is done."""
  if arguments.out:
    files.require_writable(arguments.out)


def emit(arguments: argparse.Namespace, text: str) -> None:
  """Prints or writes a text, and prints it if it cannot be written.

  Raises:
    OSError: as `show`, or if the file cannot be written; the text is shown.
  """
  try:
    if arguments.out:
      files.write_text(arguments.out, text + "\n")
  except OSError:
    show(text)  # rather than lose it
    raise
  if not arguments.out:
    show(text)


def show(text: str, stream: TextIO | None = None) -> None:
  """Prints a text, on standard error if standard output fails.

  Characters that the encoding lacks are escaped. If the disk is full, say, the
  text goes to standard error, since its numbers took long to measure. A reader
  of a pipe may close it, as `head` does.

  Args:
    text: Lines to print.
    stream: Stream to print to; None is standard output.

  Raises:
    OSError: if the text could not be printed to the stream.
  """
  stream = sys.stdout if stream is None else stream
  try:
    print(printable(text, stream.encoding), file=stream, flush=True)
  except BrokenPipeError:
    raise
  except OSError as error:
    drop()
    print(printable(text, sys.stderr.encoding), file=sys.stderr)
    raise OSError(
      f"standard output cannot be written, so the table is above: {error}"
    ) from error


def tell(found: Sequence[notes.Note]) -> None:
  """Prints what was not kept of pictures, a line for each kind of note."""
  for line in notes.lines(found):
    print(printable(line, sys.stderr.encoding), file=sys.stderr)


def settle() -> None:
  """Opens the standard streams of a process that was started without them."""
  if sys.stderr is None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
  if sys.stdout is None:
    sys.stdout = sys.stderr
  for stream in (sys.stdout, sys.stderr):
    if hasattr(stream, "reconfigure"):
      stream.reconfigure(errors="backslashreplace")


def finish() -> None:
  """Flushes standard output; raises OSError if that fails."""
  try:
    sys.stdout.flush()
  except OSError:
    drop()
    raise


def drop() -> None:
  """Drops pending output, which Python would try to write again at exit."""
  with contextlib.suppress(OSError, ValueError):
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def printable(text: str, encoding: str | None = None) -> str:
  """Escapes the characters of a text that an encoding lacks."""
  encoding = encoding or "utf-8"
  return text.encode(encoding, errors="backslashreplace").decode(encoding)
