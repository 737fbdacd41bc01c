"""A reader of CSV tables that people wrote, in which no cell is ambiguous.

It refuses, with the number of the line, text that can be read in two ways: a
column that is named twice, a quote that is not closed, a line with more or
fewer cells than the header, a number that only Python accepts. It accepts
differences that do not matter: blanks around cells, a byte order mark, UTF-16,
any ends of lines, empty lines, and a comma, semicolon, tab or bar between
cells.
"""

import codecs
import collections
import dataclasses
import io
import math
import pathlib
import re
from collections.abc import Iterable, Iterator

MAX_BYTES = 64 << 20
_MAX_CELL = 1 << 17  # characters
_DELIMITERS = (",", ";", "\t", "|")
# Marks of four bytes come first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
  (codecs.BOM_UTF32_LE, "utf-32"),
  (codecs.BOM_UTF32_BE, "utf-32"),
  (codecs.BOM_UTF16_LE, "utf-16"),
  (codecs.BOM_UTF16_BE, "utf-16"),
  (codecs.BOM_UTF8, "utf-8-sig"),
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+)", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Row:
  """A line of a table.

  Attributes:
    line: Number of the line in the file, from 1, counting the header.
    cells: Text of each cell by column name.
    fault: Reason why the cells are ambiguous, or an empty string. If there is
      one, reading a cell raises it.
  """

  line: int
  cells: dict[str, str]
  fault: str = ""

  def __getitem__(self, column: str) -> str:
    """Returns a cell without blanks around it; raises the `fault`, if any."""
    if self.fault:
      raise ValueError(self.fault)
    return self.cells[column]

  def get(self, column: str) -> str:
    """Returns a cell of an optional column, or an empty string."""
    return self[column] if column in self.cells or self.fault else ""

  def number(self, column: str) -> float:
    """Returns a cell as a finite number in decimal digits.

    Raises:
      ValueError: if the cell holds anything else, such as `1_0`, `0x10`, `nan`
        or `0,5`.
    """
    text = self[column]
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if math.isfinite(value):
      return value
    comma = _DECIMAL_COMMA.fullmatch(text)
    hint = f"; write {comma[1] or 0}.{comma[2]}" if comma else ""
    raise ValueError(f"{column} is {text!r}, not a finite number{hint}")

  def whole(self, column: str, least: int = 0, most: int = 10**18) -> int:
    """Returns a cell as a whole number in decimal digits within a range.

    Raises:
      ValueError: if the cell holds anything else.
    """
    text = self[column]
    if not _WHOLE.fullmatch(text):
      raise ValueError(f"{column} is {text!r}, not a whole number")
    if not least <= int(text) <= most:
      raise ValueError(f"{column} must be from {least} to {most}; got {text}")
    return int(text)


def read(path: pathlib.Path, columns: Iterable[str]) -> list[Row]:
  """Reads a table that has at least these columns.

  Names of columns have to match exactly, in any order. Empty lines are skipped.

  Args:
    path: Path of a text file with a header.
    columns: Names of columns that the table must have.

  Returns:
    The lines below the header. A line with more or fewer cells than there are
    columns has a `fault`.

  Raises:
    ValueError: if the file is missing, too large or not text, lacks a column,
      names one twice or has a quote that is not closed.
  """
  text = _text(path)
  try:
    start, delimiter, names = _header(text, set(columns))
    rows = []
    for line, cells in _records(text, delimiter, start):
      if any(cells):
        rows.append(_row(line, cells, names))
  except _NoTableError as error:
    raise ValueError(f"{path} is not a table: {error}") from error
  except ValueError as error:
    raise ValueError(f"{path} {error}") from error
  return rows


def decoded(data: bytes) -> str:
  """Returns the text of bytes in UTF-8 or in the encoding of their mark.

  Raises:
    ValueError: if the bytes are not valid in that encoding.
  """
  encoding = next((e for mark, e in _MARKS if data.startswith(mark)), "utf-8")
  try:
    text = data.decode(encoding)
  except UnicodeDecodeError as error:
    line = 1 + data.count(b"\n", 0, error.start)
    raise _NoTableError(
      f"line {line} is not {encoding.removesuffix('-sig').upper()}; save the "
      "file as UTF-8"
    ) from error
  if "\0" in text:
    raise _NoTableError("it holds zero bytes; save it as text in UTF-8")
  return text


class _NoTableError(ValueError):
  """The file as a whole is no table."""


def _text(path: pathlib.Path) -> str:
  if not path.is_file():
    raise ValueError(f"expected a table; {path} does not exist")
  with open(path, "rb") as file:
    data = file.read(MAX_BYTES + 1)
  if len(data) > MAX_BYTES:
    raise ValueError(
      f"{path} is too large; a table has at most {MAX_BYTES >> 20} MiB"
    )
  if data.startswith(b"PK\x03\x04"):
    raise ValueError(
      f"{path} is a ZIP file, probably a spreadsheet; export it as CSV"
    )
  try:
    return decoded(data)
  except ValueError as error:
    raise ValueError(f"{path} is not a table: {error}") from error


def _header(text: str, wanted: set[str]) -> tuple[int, str, list[str]]:
  """Returns the number of lines up to the header, delimiter and columns."""
  filled = (
    (place, line)
    for place, line in enumerate(io.StringIO(text, newline=""))
    if line.strip()
  )
  delimiters: tuple[str, ...] = _DELIMITERS
  place, line = next(filled, (0, ""))
  told = re.fullmatch(r'"?sep=(.)"?', line.rstrip("\r\n"))
  if told and told[1] in _DELIMITERS:  # Excel's own line for the delimiter
    delimiters = (told[1],)
    place, line = next(filled, (0, ""))
  found = {d: _names(line, d) for d in delimiters}
  delimiter = next(
    (d for d, names in found.items() if wanted <= set(names)),
    max(found, key=lambda d: len(found[d])),
  )
  names = found[delimiter]
  if len(names) < 2:
    next(_records(line, delimiters[0]), None)  # raises if a quote is wrong
  if missing := sorted(wanted - set(names)):
    raise ValueError(
      f"lacks the columns {', '.join(missing)}; it has "
      f"{', '.join(filter(None, names)) or 'none'}"
    )
  _require_once([name for name in names if name])
  return place + 1, delimiter, names


def _names(line: str, delimiter: str) -> list[str]:
  """Returns the columns of a header, split at this delimiter."""
  try:
    names = next((cells for _, cells in _records(line, delimiter)), [])
  except _NoTableError:
    return []
  while names and not names[-1]:
    names.pop()
  return names


def _require_once(names: list[str]) -> None:
  """Raises ValueError if two columns have one name, ignoring case."""
  counts = collections.Counter(name.casefold() for name in names)
  twice = dict.fromkeys(n for n in names if counts[n.casefold()] > 1)
  if twice:
    raise ValueError(
      f"names a column twice: {', '.join(twice)}; give each column its own name"
    )


def _row(line: int, cells: list[str], names: list[str]) -> Row:
  while len(cells) > len(names) and not cells[-1]:
    cells.pop()  # programs for spreadsheets end lines with empty cells
  if len(cells) != len(names):
    hint = (
      "; a comma in a cell needs quotes around the cell"
      if len(cells) > len(names)
      else ""
    )
    fault = f"it has {len(cells)} cells, the header {len(names)}{hint}"
    return Row(line, {}, fault)
  pairs = zip(names, cells, strict=True)
  return Row(line, {name: cell for name, cell in pairs if name})


def _records(
  text: str, delimiter: str, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
  """Yields the number of the first line of each record, and its cells.

  The module csv is not used because it guesses: it takes text after a closing
  quote, or a quote that is never closed, for a part of the cell, and counts
  blanks before a quote as text.
  """
  blank = " " if delimiter == "\t" else " \t"
  apart = re.escape(delimiter)
  cell = re.compile(
    rf'[{blank}]*"([^"]*(?:""[^"]*)*)"[{blank}]*(?={apart}|[\r\n]|\Z)'
    rf"|([^{apart}\r\n]*)"
  )
  ends = re.compile(r"\r\n|\r|\n")
  place, line = 0, 1
  while skip and (end := ends.search(text, place)):
    place, line, skip = end.end(), line + 1, skip - 1
  if skip:
    return
  while place < len(text):
    first, cells = line, []
    while True:
      found = cell.match(text, place)
      assert found  # an unquoted cell may be empty, so there always is one
      quoted, plain = found.groups()
      if quoted is None and plain.lstrip().startswith('"'):
        raise _NoTableError(
          f"a quote in line {line} is not closed, or has text after it"
        )
      if len(found[0]) > _MAX_CELL:
        raise _NoTableError(
          f"a cell in line {line} has more than {_MAX_CELL} characters"
        )
      line += len(ends.findall(quoted or ""))
      cells.append(plain if quoted is None else quoted.replace('""', '"'))
      place = found.end()
      if not text.startswith(delimiter, place):
        break
      place += 1
    if end := ends.match(text, place):
      place, line = end.end(), line + 1
    yield first, [text.strip() for text in cells]
