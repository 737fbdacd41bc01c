"""Bars are for people who look."""

import sys

from tfpercept.cli import progress


def test_the_bar_is_drawn_on_a_terminal_and_vanishes(capsys, monkeypatch):
  monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
  with progress.Bar(4) as bar:
    bar.show(2, "cat")
  lines = capsys.readouterr().err.split("\r")
  assert lines[1].endswith("[############............] 2/4 cat")
  assert lines[-1] == "\x1b[K"


def test_no_bar_is_drawn_elsewhere(capsys):
  with progress.Bar(4) as bar:
    bar.show(2, "cat")
  assert capsys.readouterr().err == ""
