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


def test_lines_elsewhere_are_for_groups_and_every_so_many_seconds(capsys):
  now = [0.0]
  bar = progress.Bar(100, every=15, clock=lambda: now[0])
  for seconds, done, what in (
    (0, 0, "a"),
    (1, 1, "a: x 1"),
    (2, 2, "a: x 2"),  # the first line, once 2 seconds went by
    (16, 16, "a: x 3"),
    (17, 17, "a: x 4"),  # 15 seconds after the last line
    (18, 18, "b: x 1"),
    (19, 19, "b: x 2"),  # another group, 2 seconds after the last line
    (33, 33, "b: x 3"),
    (1034, 50, "b: x 4"),
  ):
    now[0] = seconds
    bar.show(done, what)
  assert capsys.readouterr().err.splitlines() == [
    "2/100 a: x 2",
    "17/100 a: x 4, about 83 s left",
    "19/100 b: x 2, about 81 s left",
    "50/100 b: x 4, about 18 min left",
  ]


def test_lines_are_not_printed_beside_a_bar(capsys, monkeypatch):
  monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
  bar = progress.Bar(4, every=0, clock=lambda: 99.0)
  bar.show(2, "cat")
  assert "\n" not in capsys.readouterr().err


def test_steps_of_one_thing_stand_among_those_of_all(capsys, monkeypatch):
  monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
  with progress.Bar(4) as bar:
    bar.steps_of(2, "cat")(5, 10)
  assert "] 25/40 cat" in capsys.readouterr().err
