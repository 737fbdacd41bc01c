"""When a kept value counts again."""

import json

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.core import kept_values

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
  monkeypatch.setattr(
    kept_values.machine, "facts", lambda: {"Software": "another"}
  )
  assert found(path) is None


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
def test_lines_of_something_else_are_dropped(path, value):
  key = json.loads(path.read_text())["key"]
  path.write_text(json.dumps({"key": key, "value": value}) + "\n")
  assert found(path) is None
  assert path.read_text() == ""
