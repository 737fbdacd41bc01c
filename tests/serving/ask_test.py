"""Numbers that flags give become inputs of a model's own type and shape."""

import numpy as np
import pytest

from serving import ask

KNOWN = {
  "image_bytes": ask.Input("BYTES", (-1, 1)),
  "quality": ask.Input("FP32", (-1, 1)),
  "count": ask.Input("INT32", (1,)),
  "seed": ask.Input("INT32", (2,)),
}


def test_numbers_take_the_type_and_the_shape_of_their_input():
  given = ["quality=4.5", "count=3", "seed=1,2"]
  found = ask._numbers(given, KNOWN)
  assert found["quality"].tolist() == [[4.5]]
  assert found["count"].tolist() == [3] and found["count"].dtype == np.int32
  assert found["seed"].tolist() == [1, 2]


@pytest.mark.parametrize(
  ("item", "line"),
  [
    ("count=3.7", "count takes 1 of int32"),
    ("count=nan", "count takes 1 of int32"),
    ("count=9007199254740993", "count takes 1 of int32"),
    ("seed=1", "seed takes 2 of int32"),
    ("quality", "quality takes 1 of float32"),
    ("image_bytes=1", "inputs that are numbers are quality, count, seed"),
    ("none=1", "inputs that are numbers are quality, count, seed"),
  ],
)
def test_other_numbers_are_refused(item, line):
  with pytest.raises(ValueError, match=line):
    ask._numbers([item], KNOWN)


def test_files_are_written_and_numbers_printed(tmp_path, capsys):
  out = tmp_path / "a.bin"
  ask._show("image_bytes", np.array([[b"abc"]], np.object_), str(out))
  ask._show("status", np.array([[b""]], np.object_), None)
  ask._show("map", np.arange(20.0).reshape(1, 4, 5), None)
  ask._show("value", np.array([0.25]), None)
  assert out.read_bytes() == b"abc"
  assert capsys.readouterr().out.splitlines() == [
    f"Wrote {out}",
    "map: 0 1 2 3 4 5 6 7 ... of [1, 4, 5]",
    "value: 0.25",
  ]
  with pytest.raises(ValueError, match="is a file; give --out"):
    ask._show("image_bytes", np.array([[b"abc"]], np.object_), None)
