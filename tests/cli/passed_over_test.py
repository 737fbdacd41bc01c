"""Commands that take folders say what they pass over there."""

import numpy as np
import pytest

from tfpercept import cli
from tfpercept.io import files


@pytest.fixture
def folders(tmp_path):
  """Two folders of one picture each, with more in the first."""
  picture = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
  for name in ("one", "two"):
    files.write_image(tmp_path / name / "a.png", picture)
  files.write_image(tmp_path / "one" / "below" / "b.png", picture)
  (tmp_path / "one" / "notes.txt").touch()
  (tmp_path / "one" / "Thumbs.db").touch()
  return tmp_path / "one", tmp_path / "two"


@pytest.mark.parametrize(
  "command",
  [
    ["rate-distortion", "ONE", "--codec=jpeg", "--metric=mse"],
    ["ladder", "ONE", "--size=32", "--metric=mse", "--out=OUT"],
    ["ranking", "make", "ONE", "TWO", "--out=OUT/page.html"],
    ["ranking", "make", "TWO", "b=TWO", "--originals=ONE",
     "--out=OUT/page.html"],
    # These end with a mistake, since the measurement would take seconds.
    ["ranking", "analyse", "OUT/no", "--key=OUT/no", "--folder=TWO",
     "--originals=ONE"],
    ["evaluate", "ONE", "--model=OUT/no"],
    ["realism", "ONE", "--metric=mse"],
    ["realism", "TWO/a.png", "TWO/../b.png", "--decoded=ONE", "--metric=mse"],
  ],
)  # fmt: skip
def test_what_is_passed_over_is_named(command, folders, tmp_path, capsys):
  one, two = folders
  (tmp_path / "b.png").write_bytes((two / "a.png").read_bytes())
  places = {"ONE": one, "TWO": two, "OUT": tmp_path / "out"}
  for word, place in places.items():
    command = [text.replace(word, str(place)) for text in command]
  cli.main(command)
  passed = [
    line
    for line in capsys.readouterr().err.splitlines()
    if line.startswith(("passed", "folders"))
  ]
  assert passed == [
    f"passed over, since of another kind: {one / 'notes.txt'}",
    f"folders below a folder passed over: {one / 'below'}",
  ]
