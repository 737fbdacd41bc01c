"""The trainer on people's choices, from its flags to weights that load."""

import json

import pytest

from tests import forced_choices
from tests.smoke import runs
from tfpercept import distances

SMALL = ("--patch=16", "--batch=2", "--steps=6", "--interval=2")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  return forced_choices.write(tmp_path_factory.mktemp("judged") / "choices")


def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(
  data, tmp_path
):
  flags = [
    *SMALL,
    f"--data={data}",
    "--distance=1.0*mse + 1.0*mae",
    f"--judge_by={data}",
  ]
  folders = runs.unbroken_and_killed(tmp_path, "watson", *flags)
  for name in ("agreement.json", "curve.json"):
    one, other = (json.loads((f / name).read_text()) for f in folders)
    assert one == other
  assert list(one) == ["0", "2", "4", "6"]
  # Killed after a checkpoint and before the curve's point: so after the last.
  path = folders[0] / "curve.json"
  path.write_text(json.dumps({k: v for k, v in one.items() if k != "6"}))
  done = runs.run("watson", *flags, f"--out={folders[0]}")
  assert done.returncode == 0, done.stderr
  assert json.loads(path.read_text()) == one
  (spec,) = json.loads((folders[0] / "agreement.json").read_text())["trained"][
    "1.0*mse + 1.0*mae"
  ]
  weights = distances.get(spec).weights_of_terms
  assert weights != (1.0, 1.0)
  assert repr(spec) in (folders[0] / "README.md").read_text()


def test_one_content_is_left_out_at_a_time(data, tmp_path):
  done = runs.run(
    "watson",
    *SMALL, f"--data={data}", "--distance=1.0*mse + 1.0*mae",
    "--leave_one_out", "--head=ranking", f"--out={tmp_path / 'run'}",
    "--folds=2",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  assert "--folds has no effect beside it" in done.stderr
  assert "not trained on, n = 3 contents" in done.stdout
  text = (tmp_path / "run" / "agreement.txt").read_text()
  assert done.stdout.endswith(text)
  assert [line.split()[0] for line in text.splitlines()[2:6]] == [
    "before", "1.0*mse", "people,", "people,",
  ]  # fmt: skip
  page = (tmp_path / "run" / "report.html").read_text()
  assert "agreement on a_reference.png" in page
  folders = [p.name for p in (tmp_path / "run").iterdir() if p.is_dir()]
  assert sorted(folders) == [f"without_{n}_reference.png" for n in "abc"]


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["--distance=mse"], "mse has no parameters to train"),
    (["--distance=watson_dct", "--patch=12"], "multiples of 8; got 12x12"),
  ],
)
def test_a_mistake_is_answered_in_a_line(data, tmp_path, flags, message):
  done = runs.run(
    "watson", *SMALL, f"--data={data}", *flags, f"--out={tmp_path / 'a'}"
  )
  assert done.returncode == 1
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert not (tmp_path / "a").exists()
