"""Notes are collected once for a block, and told in a line for each kind."""

from tfpercept.io import notes


def test_a_kind_of_note_is_one_line_with_the_first_files():
  with notes.collected() as found:
    for name in "abcdea":
      notes.add(f"{name}.png", "laid over white")
    notes.add("b.png", "no profile")
  assert notes.lines(found) == [
    "laid over white: a.png, b.png, c.png and 2 others",
    "no profile: b.png",
  ]
  assert notes.listed(["a", "b", "c", "d"]) == "a, b, c and 1 other"


def test_the_inner_block_keeps_its_notes_unless_they_are_passed_on():
  with notes.collected() as outer:
    with notes.collected() as inner:
      notes.add("a", "x")
    assert (outer, inner) == ([], [("a", "x")])
    notes.extend(inner)
  assert outer == inner


def test_without_a_collector_notes_are_dropped():
  notes.add("a", "x")
  with notes.collected() as found:
    pass
  assert found == []
