"""What commands print, or write to the file of `--out`."""

import argparse
from collections.abc import Sequence

from tfpercept.cli import deferred

files = deferred.module("tfpercept.files")


def add(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
  """Adds the options `--format`, whose default is the first, and `--out`."""
  parser.add_argument(
    "--format", choices=formats, default=formats[0], help="of the output"
  )
  parser.add_argument("--out", metavar="FILE", help="write there, not print")


def check(arguments: argparse.Namespace) -> None:
  """Raises OSError if `--out` can not be written, before the work is done."""
  if arguments.out:
    files.require_writable(arguments.out)


def emit(arguments: argparse.Namespace, text: str) -> None:
  """Prints or writes a text, and prints it if it can not be written."""
  try:
    if arguments.out:
      files.write_text(arguments.out, text + "\n")
  except OSError:
    print(printable(text))  # rather than lose it
    raise
  if not arguments.out:
    print(printable(text))


def printable(text: str) -> str:
  """Escapes what names of files may have and Unicode has not."""
  return text.encode(errors="backslashreplace").decode()
