"""The table of tuning is printed from trainings that were done before."""

import json

import pytest

from tests import forced_choices
from tests.smoke import runs
from tfpercept.data import judgement_layouts
from trainers import preference_training, tuning_rows


def _write_folds(folder, data, *, are_right):
  """Writes the values of trainings that each left out one of the contents."""
  (choices,) = judgement_layouts.load(data)
  # There are fewer contents than folds, so some are left out twice.
  names = (2 * choices.contents)[: tuning_rows.FOLDS]
  for i, name in enumerate(names):
    part = choices.only(lambda item, name=name: item.content == name)
    # People find the brighter picture nearer than the noisy one.
    right = {
      (r.key, p.key): 1.0 if "light" in p.key else 2.0 for r, p in part.pairs
    }
    after = {k: v if are_right else 3 - v for k, v in right.items()}
    values = {
      "before": [[*pair, 3 - value] for pair, value in right.items()],
      "after": [[*pair, value] for pair, value in after.items()],
    }
    fold = folder / f"fold_{i}"
    fold.mkdir(parents=True)
    (fold / preference_training.VALUES).write_text(json.dumps(values))
    told = {"steps": 1, "settings": {"data": [str(data)]}}
    (fold / "run.json").write_text(json.dumps(told))


def _write_whole(folder, spec, tuned):
  """Writes a training on all contents that ended with another distance."""
  (folder / preference_training.VALUES).parent.mkdir(parents=True)
  (folder / preference_training.VALUES).write_text("{}")
  told = {"trained": {spec: [tuned]}}
  (folder / "agreement.json").write_text(json.dumps(told))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  root = tmp_path_factory.mktemp("tuning")
  # MS-SSIM, a term of the sum, takes no smaller ones.
  data = forced_choices.write(root / "choices", size=(176, 176))
  for name in tuning_rows.JOINT:
    _write_folds(root / name, data, are_right=name != "lpips")
    _write_whole(root / f"{name}_all", tuning_rows.ROWS[name].spec, "mae")
  return data, runs.run(
    "tuning_table",
    f"--rows={','.join(tuning_rows.JOINT)}",
    f"--also={data}",
    f"--out={root}",
  )


def _cells(text, row):
  (line,) = [x for x in text.splitlines() if x.startswith(f"| {row} |")]
  return [cell.strip().split(" ")[0] for cell in line.split("|")[2:-1]]


def test_nothing_is_trained_twice(table):
  done = table[1]
  assert done.returncode == 0, done.stderr
  assert done.stderr.count("trained already") == 2 * len(tuning_rows.JOINT)


def test_rows_have_what_they_gain_on_contents_not_trained_on(table):
  own, _ = table[1].stdout.split("by the training on all contents")
  # 0.9 and 0.8 of people choose the brighter picture.
  assert _cells(own, "`watson_dft`")[:3] == ["0.150", "0.850", "+0.700"]
  assert _cells(own, "`lpips`")[:3] == ["0.150", "0.150", "+0.000"]


def test_the_tuned_distances_are_added_up_beside_the_baseline(table):
  own, _ = table[1].stdout.split("by the training on all contents")
  joint = f"{' + '.join(tuning_rows.JOINT)}, tuned"
  # Two of three terms are right, and all have the same mean.
  assert _cells(own, f"`{joint}`")[1] == "0.850"
  # To `mse` noise of a deviation of 8 levels, cut to whole ones, is a little
  # farther than 8 levels of brightness.
  assert _cells(own, "`mse`")[0] == "0.850"


def test_other_data_are_judged_by_the_training_on_all_contents(table):
  _, other = table[1].stdout.split("by the training on all contents")
  # All three trainings ended with `mae`, to which noise of a deviation of 8
  # levels is nearer than 8 levels of brightness.
  for name in tuning_rows.JOINT:
    assert _cells(other, f"`{tuning_rows.ROWS[name].spec}`")[1] == "0.150"


@pytest.mark.parametrize(
  ("flag", "why"),
  [
    ("--rows=watson_dft,other", "got other"),
    ("--rows=", "name at least one each"),
  ],
)
def test_rows_that_do_not_exist_are_refused(tmp_path, flag, why):
  done = runs.run("tuning_table", flag, f"--out={tmp_path / 'out'}")
  assert done.returncode != 0
  assert why in done.stderr.strip().splitlines()[-1]
