"""The options `--stats` and `--format` of `compress` and `decompress`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfpercept.cli import deferred, output

if TYPE_CHECKING:
  from tfpercept.codecs.files import FileStats
  from tfpercept.evaluation.rate_distortion import file_stats
else:
  file_stats = deferred.module(
    "tfpercept.evaluation.rate_distortion.file_stats"
  )


def add(parser: argparse.ArgumentParser, columns: str) -> None:
  """Adds the options `--stats` and `--format`."""
  parser.add_argument(
    "--stats",
    action="store_true",
    help=f"print {columns} of each file; on standard error if the file goes to "
    "standard output",
  )
  parser.add_argument(
    "--format",
    choices=tuple(_FORMATS),
    help="format of --stats, which it turns on (default: table)",
  )


def wanted(arguments: argparse.Namespace) -> bool:
  """Whether there is a table to print."""
  return arguments.stats or arguments.format is not None


def row(name: str, stats: FileStats) -> file_stats.Row:
  """Returns the row of one file from its `codecs.files.FileStats`."""
  return file_stats.Row(
    name, stats.width, stats.height, stats.size, stats.seconds, stats.quality,
    is_lossless=stats.is_lossless,
  )  # fmt: skip


def show(
  arguments: argparse.Namespace,
  rows: Sequence[file_stats.Row],
  *,
  is_streamed: bool,
) -> None:
  """Prints rows, if there are any."""
  if rows:
    text = _FORMATS[arguments.format or "table"](rows)
    place = sys.stderr if is_streamed else sys.stdout
    output.show(text, place)


_FORMATS = output.formats(file_stats)
