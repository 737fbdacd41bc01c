"""A cell of a table means one thing, or the table or line is refused."""

import csv
import io
import math

import hypothesis
import pytest
from hypothesis import strategies as st

from tfpercept.data import csv_tables

COLUMNS = ("image", "score")


@pytest.fixture
def read(tmp_path):
  def read(text, columns=COLUMNS):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "t.csv").write_bytes(data)
    return csv_tables.read(tmp_path / "t.csv", columns)

  return read


def plain(rows):
  return [(row.line, row["image"], row["score"]) for row in rows]


@pytest.mark.parametrize(
  "text",
  [
    "image,score\na,1\nb,2\n",
    "image,score\na,1\nb,2",
    " image ,\tscore\n a , 1 \nb,2  \n",
    "score,image\n1,a\n2,b\n",
    '"image","score"\n"a","1"\n"b" , "2"\n',
    "image;score\na;1\nb;2\n",
    '"image";"score"\n"a";"1"\n"b";"2"\n',
    "image\tscore\na\t1\nb\t2\n",
    "image|score\na|1\nb|2\n",
    "image,score,note\na,1,x\nb,2,\n",
    ",image,score\n0,a,1\n1,b,2\n",
    "image,score,,\na,1,,\nb,2\n",
    "image,score\na,1,,\nb,2,\n",
  ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_makes_no_difference_does_not_matter(read, text, end, encoding):
  data = text.replace("\n", end).encode(encoding)
  assert plain(read(data)) == [(2, "a", "1"), (3, "b", "2")]


def test_lines_have_the_numbers_that_an_editor_shows(read):
  text = 'image,score,note\n\na,1,"two\nlines"\n,,\n  \nb,2,\n'
  assert plain(read(text)) == [(3, "a", "1"), (7, "b", "2")]
  assert plain(read("sep=;\r\n\r\nimage;score\r\na;1\r\n"))[0][1:] == ("a", "1")


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("image,score,score\na,1,2\n", "names a column twice: score"),
    ("image,score, score\na,1,2\n", "names a column twice: score"),
    ("image,Score,score\na,1,2\n", "names a column twice: Score, score"),
    ("image,score,x,x\na,1,2,3\n", "names a column twice: x"),
    ('image,score\na,1\n"b,2\n', "a quote in line 3 is not closed"),
    ('image,score\n"a"b,1\n', "a quote in line 2 is not closed"),
    ('image,"score\na,1\n', "a quote in line 1 is not closed"),
    ("image,Score\na,1\n", "lacks the columns score; it has image, Score"),
    ("image\na\n", "lacks the columns score; it has image"),
    ("", "lacks the columns image, score; it has none"),
    (b"image,score\n\xe9,1\n", "line 2 is not UTF-8; save"),
    ("image,score\na,1\n".encode("utf-16-le"), "zero bytes; save it as text"),
    (b"\xff\xfeimage,score", "is not a table: line 1 is not UTF-16"),
    (b"PK\x03\x04", "a ZIP file, probably a spreadsheet; export it as CSV"),
  ],
)
def test_what_can_be_read_in_two_ways_is_refused(read, text, message):
  with pytest.raises(ValueError, match=message):
    read(text)


@pytest.mark.parametrize(
  ("line", "fault"),
  [
    ("a", "it has 1 cells, the header 2"),
    ("a,0,5", "it has 3 cells, the header 2; a comma in a cell needs quotes"),
  ],
)
def test_a_line_with_other_cells_than_the_header_has_none(read, line, fault):
  bad, good = read(f"image,score\n{line}\nb,2\n")
  assert (good["image"], good.fault) == ("b", "")
  for ask in (
    lambda: bad["image"],
    lambda: bad.get("note"),
    lambda: bad.number("score"),
  ):
    with pytest.raises(ValueError, match=fault):
      ask()


@pytest.mark.parametrize(
  ("text", "value"),
  [
    ("1", 1),
    ("-1.5", -1.5),
    ("+.5", 0.5),
    ("1.", 1),
    ("2e-3", 0.002),
    ("07", 7),
  ],
)
def test_numbers_as_people_write_them(text, value):
  assert csv_tables.Row(1, {"x": text}).number("x") == value


@pytest.mark.parametrize(
  "text",
  [
    "", "1_0", "0x10", "\uff11", "\u0663", "inf", "-inf", "nan",
    "1e999", "1 0", "1,5", "50%", "1d3", "1.2.3", "--1",
    "\u22121", "1e", ".", "e5", "true",
  ],
)  # fmt: skip
def test_what_only_a_program_takes_for_a_number_is_none(text):
  row = csv_tables.Row(1, {"x": text})
  with pytest.raises(ValueError, match=r"x is '.*', not a finite number"):
    row.number("x")
  with pytest.raises(ValueError, match=r"x is '.*', not a whole number"):
    row.whole("x")


def test_a_decimal_comma_gets_a_hint():
  with pytest.raises(ValueError, match=r"not a finite number; write -0\.05"):
    csv_tables.Row(1, {"x": "-0,05"}).number("x")


def test_whole_numbers_are_whole_and_in_their_range():
  assert csv_tables.Row(1, {"x": "012"}).whole("x") == 12
  for text, message in (
    ("1.0", "not a whole number"),
    ("-1", "from 0 to 9; got -1"),
    ("10", "from 0 to 9; got 10"),
    ("1" * 5000, "not a whole number"),
  ):
    with pytest.raises(ValueError, match=message):
      csv_tables.Row(1, {"x": text}).whole("x", most=9)


# The module csv leaves a lone \r without quotes, as if it ended no line.
ANY = st.text(
  st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8
)
TABLES = st.lists(
  st.tuples(ANY, ANY).filter(lambda cells: any(c.strip() for c in cells)),
  max_size=5,
)


@hypothesis.given(
  rows=TABLES,
  delimiter=st.sampled_from(",;\t|"),
  quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
  end=st.sampled_from(["\n", "\r\n"]),
)
@hypothesis.settings(
  deadline=None,
  suppress_health_check=[
    hypothesis.HealthCheck.function_scoped_fixture,
    hypothesis.HealthCheck.too_slow,  # the machine may be busy
  ],
)
def test_what_a_program_writes_is_read_as_it_was(
  read, rows, delimiter, quoting, end
):
  text = io.StringIO()
  writer = csv.writer(
    text, delimiter=delimiter, quoting=quoting, lineterminator=end
  )
  # A quote inside is then always a doubled one inside quotes.
  writer.writerows([COLUMNS, *rows])
  wanted = [tuple(cell.strip() for cell in row) for row in rows]
  assert [line[1:] for line in plain(read(text.getvalue()))] == wanted


@hypothesis.given(data=st.binary(max_size=60) | st.text(max_size=60))
@hypothesis.settings(
  deadline=None,
  suppress_health_check=[
    hypothesis.HealthCheck.function_scoped_fixture,
    hypothesis.HealthCheck.too_slow,  # the machine may be busy
  ],
)
def test_whatever_the_file_holds_it_is_rows_or_a_sentence(read, data):
  head = "image,score\n" if isinstance(data, str) else b"image,score\n"
  for content in (data, head + data):
    if isinstance(content, str):
      content = content.encode(errors="replace")
    try:
      rows = read(content)
    except ValueError as error:
      assert "t.csv" in str(error)  # noqa: PT017 - either may happen
      continue
    for row in rows:
      assert row.fault or set(row.cells) == set(COLUMNS)


@hypothesis.given(st.text(max_size=10) | st.floats().map(repr))
@hypothesis.settings(deadline=None)
def test_a_number_is_finite_and_written_in_ascii_digits(text):
  row = csv_tables.Row(1, {"x": text})
  try:
    value = row.number("x")
  except ValueError:
    return
  assert math.isfinite(value)
  assert set(text) <= set("0123456789.+-eE")
