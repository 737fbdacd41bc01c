"""Where commands put their results."""

import io
import os
import subprocess
import sys

import pytest

from tfpercept import cli
from tfpercept.cli import output


@pytest.mark.parametrize(
  "command",
  [
    ["agreement", "--data=no/such/data"],
    ["doctor", "no_such_distance"],
    ["evaluate", "no/such/folder"],
    ["score", "no/such/folder", "no/such/folder"],
  ],
)
def test_a_place_that_can_not_be_written_is_found_before_the_work(
  command, tmp_path, capsys
):
  # Before the mistake in what is to be done, even.
  assert cli.main([*command, f"--out={tmp_path}"]) == 2
  assert "is a folder" in capsys.readouterr().err


_SHOW = """
import sys
sys.argv = ["tfpercept", "list"]  # for which TensorFlow is not imported
from tfpercept import cli
from tfpercept.cli import listing, output
def run(arguments):
  output.show("0.25 \\u00e9")
  output.show("0.75")
  return 0
cli.listing.add = lambda commands: commands.add_parser("list").set_defaults(
  run=run
)
sys.exit(cli.main())
"""


def shown(redirection, **environment):
  """What a command that prints two lines leaves, by its streams in a shell."""
  command = f'"$0" -c "$1" {redirection}'
  return subprocess.run(
    ["bash", "-c", f"set -o pipefail; {command}", sys.executable, _SHOW],
    capture_output=True,
    text=True,
    env={**os.environ, **environment},
    check=False,
  )


@pytest.mark.parametrize(
  ("environment", "wanted"),
  [
    ({"PYTHONIOENCODING": "utf-8"}, "0.25 é"),
    ({"PYTHONIOENCODING": "ascii"}, r"0.25 \xe9"),
    ({"PYTHONIOENCODING": "cp437:strict"}, None),
    ({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0",
      "PYTHONCOERCECLOCALE": "0"}, r"0.25 \xe9"),
  ],
)  # fmt: skip
def test_no_encoding_loses_what_was_measured(environment, wanted):
  run = subprocess.run(
    [sys.executable, "-c", _SHOW],
    capture_output=True,
    env={**os.environ, **environment},
    check=False,
  )
  assert (run.returncode, run.stderr) == (0, b"")
  first, second = run.stdout.splitlines()
  assert second == b"0.75"
  if wanted is not None:
    assert first == wanted.encode()


def test_a_full_disk_loses_nothing_that_was_measured():
  if not os.path.exists("/dev/full"):
    pytest.skip("there is no /dev/full")
  run = shown("> /dev/full")
  assert run.returncode == 2
  lines = run.stderr.splitlines()
  assert lines[0] == "0.25 é"
  assert lines[1].startswith("error: standard output cannot be written")
  assert len(lines) == 2  # and nothing of Python's own


def test_a_closed_output_loses_nothing_that_was_measured():
  run = shown(">&-")
  assert (run.returncode, run.stderr) == (0, "0.25 é\n0.75\n")
  run = shown("2>&-")
  assert (run.returncode, run.stdout) == (0, "0.25 é\n0.75\n")


def test_who_reads_one_line_is_left_in_peace():
  run = shown("| head -1")
  assert (run.stdout, run.stderr) == ("0.25 é\n", "")
  assert run.returncode in (0, 141)  # as it was in time or not


def test_a_table_is_shown_before_an_encoding_can_spoil_it(monkeypatch):
  raw = io.BytesIO()
  stream = io.TextIOWrapper(raw, encoding="cp1252", errors="strict")
  monkeypatch.setattr(sys, "stdout", stream)
  output.show("0.5 \u03b1 \ud800")
  assert raw.getvalue() == rb"0.5 \u03b1 \ud800" + b"\n"


@pytest.mark.parametrize(
  ("failures", "results", "status"),
  [({}, [], 0), ({}, [1], 0), ({"a": "why"}, [1], 1), ({"a": "why"}, [], 2)],
)
def test_the_status_tells_some_failures_from_all(failures, results, status):
  assert output.status(failures=failures, results=results) == status
