"""Blocks of many small pictures."""

import numpy as np

from tfpercept.reports import gallery


def test_names_on_cards_are_escaped():
  card = gallery.Card("<x>", np.zeros((2, 2, 1), np.uint8), {"<x>": ["<x>"]})
  text = gallery.cards([card]) + gallery.strip("<x>", ["<x>"], {"<x>": [card]})
  assert "<x>" not in text
  assert text.count("&lt;x&gt;") == 10  # three describe the pictures


def test_the_marked_line_of_a_card_stands_out():
  card = gallery.Card(
    "t", np.zeros((2, 2, 3), np.uint8), {"a": ["1"], "b": ["2"]}, marked="b"
  )
  assert '<tr class="marked"><th scope="row">b</th>' in gallery.cards([card])
  assert '<tr><th scope="row">a</th><td>1</td></tr>' in gallery.cards([card])


def test_a_strip_has_a_cell_for_each_head_and_row():
  card = gallery.Card("0.1", np.zeros((2, 2, 3), np.uint8))
  text = gallery.strip("t", ["1", "2"], {"a": [card] * 2, "b": [card] * 2})
  assert text.count("<img ") == 4
  assert 'alt="b: 2"' in text
  assert "--columns:2" in text
