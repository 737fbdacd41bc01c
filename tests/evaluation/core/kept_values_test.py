"""When a kept value counts again."""

import json
import os
import pathlib

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.core import kept_lines, kept_values

PAIR = np.zeros((2, 8, 8, 3), np.uint8)


@pytest.fixture
def path(tmp_path):
  kept = kept_values.KeptValues(tmp_path / "values.jsonl")
  kept.of(distances.get("mse"), 1).add(*PAIR, 0.25, 1.5)
  return kept.path


def found(path, spec="mse", downscale=1, pair=PAIR):
  kept = kept_values.KeptValues(path)
  return kept.of(distances.get(spec), downscale).find(*pair)


def test_a_value_is_found_by_all_that_it_depends_on(path, monkeypatch):
  assert found(path) == (0.25, 1.5)
  assert found(path, spec="mae") is None
  assert found(path, downscale=2) is None
  changed = PAIR.copy()
  changed[1, 0, 0, 0] = 1
  assert found(path, pair=changed) is None
  assert found(path, pair=PAIR[:, :4]) is None
  facts = kept_values.machine.facts()
  for name in facts:
    monkeypatch.setattr(
      kept_values.machine,
      "facts",
      lambda name=name: {**facts, name: "another"},
    )
    assert found(path) is None
  monkeypatch.undo()
  kept = kept_values.KeptValues(path)
  for options in ({"dtype": "float64"}, {"value_range": 255}):
    other = kept.of(distances.get("mse", **options), 1)
    assert other.find(*PAIR) is None


def test_default_weights_count_too(path, monkeypatch):
  """A folder of weights may hold others of the same name."""
  distance = distances.get("lpips")
  kept = kept_values.KeptValues(path)
  kept.of(distance, 1).add(*PAIR, 0.5, 1.0)
  assert kept.of(distance, 1).find(*PAIR) == (0.5, 1.0)
  monkeypatch.setattr(type(distance), "checksum", "0" * 64)
  assert kept.of(distance, 1).find(*PAIR) is None


def test_distances_that_may_change_are_refused(path):
  kept = kept_values.KeptValues(path)
  trained = distances.get("watson_dct")
  trained.trainable = True

  class Own(type(distances.get("mse"))):
    registered_name = ""

  for distance in (trained, Own()):
    with pytest.raises(ValueError, match="register it, and freeze it"):
      kept.of(distance, 1)


def test_weights_that_change_while_their_name_stays_count_anew(tmp_path):
  weights = tmp_path / "own.npz"
  spec = f"watson_dct(weights={str(weights)!r})"
  arrays = distances.get("watson_dct").checkpoint()
  np.savez(weights, **arrays)
  kept = kept_values.KeptValues(tmp_path / "values.jsonl")
  kept.of(distances.get(spec), 1).add(*PAIR, 0.5, 1.0)
  assert found(kept.path, spec) == (0.5, 1.0)
  np.savez(weights, **{name: 2 * array for name, array in arrays.items()})
  assert found(kept.path, spec) is None


@pytest.mark.parametrize(
  "value", [[0.5], [0.5, None], ["a", "b"], [float("nan"), 1.0], {"a": 1}, 3]
)
def test_lines_of_something_else_are_passed_over(path, value):
  own = path.read_text()
  key = json.loads(own)["key"]
  path.write_text(json.dumps({"key": key + "x", "value": value}) + "\n" + own)
  assert found(path) == (0.25, 1.5)
  assert len(kept_values.KeptValues(path)) == 1


@pytest.mark.parametrize(
  "text", ["a,b\n1,2\n", "a,b\n1,2", "no line", '{"key": "k", "point": {}}\n']
)
def test_files_of_somebody_else_are_left_alone(path, text):
  path.write_text(text)
  with pytest.raises(ValueError, match="something else than measured values"):
    found(path)
  assert path.read_text() == text


@pytest.mark.parametrize("length", [1, 5, 12, 60])
def test_a_first_line_that_is_not_whole_is_dropped(path, length):
  path.write_text(path.read_text()[:length])
  assert found(path) is None
  assert path.read_text() == ""


def test_two_processes_may_begin_a_file_together(path, tmp_path, monkeypatch):
  """What one has kept must not be gone once the other has opened the file."""
  new = tmp_path / "new.jsonl"
  exists = pathlib.Path.exists

  def late(self):  # the other one keeps a value right after this one looked
    found = exists(self)
    if self == new and not found:
      monkeypatch.undo()
      other = kept_values.KeptValues(new)
      other.of(distances.get("mse"), 1).add(*PAIR, 0.25, 1.5)
    return found

  monkeypatch.setattr(pathlib.Path, "exists", late)
  assert len(kept_values.KeptValues(new)) == 1
  assert found(new) == (0.25, 1.5)


def test_a_line_that_a_full_disk_cut_off_costs_no_other(path, monkeypatch):
  kept = kept_values.KeptValues(path)
  write = os.write
  monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
  with pytest.raises(kept_lines.NotKept, match="No space left"):
    kept.of(distances.get("mae"), 1).add(*PAIR, 0.5, 1.0)
  monkeypatch.undo()
  other = kept_values.KeptValues(path)
  other.of(distances.get("ssim"), 1).add(*PAIR, 0.75, 1.0)
  assert found(path, "ssim") == (0.75, 1.0)
  assert found(path, "mae") is None


def test_two_processes_keep_their_values_in_one_file(path):
  """What one cuts off must not be what another has just kept."""
  whole = path.read_text()
  path.write_text(whole + whole[:20])
  one, other = (kept_values.KeptValues(path) for _ in range(2))
  pairs = np.arange(20, dtype=np.uint8)[:, None, None, None, None] + PAIR
  for number, pair in enumerate(pairs):
    kept = (one, other)[number % 2]
    kept.of(distances.get("mae"), 1).add(*pair, float(number), 1.0)
  last = path.read_text()
  path.write_text(last + whole[:20])
  third = kept_values.KeptValues(path)
  assert len(third) == 21
  assert path.read_text() == last
  for number, pair in enumerate(pairs):
    assert third.of(distances.get("mae"), 1).find(*pair) == (number, 1.0)
