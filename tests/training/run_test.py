"""A run folder belongs to its settings."""

import pytest

from tfpercept import training
from tfpercept.training import precision


def test_a_folder_is_claimed_once_and_recognised_again(tmp_path):
  run = training.Run(out=tmp_path, steps=3, settings={"kernels": (9, 5, 5)})
  run.claim()
  run.claim()
  with pytest.raises(ValueError, match="seed: 0 there, 1 now"):
    training.Run(out=tmp_path, steps=3, seed=1, settings=run.settings).claim()


def test_a_run_folder_may_be_moved(tmp_path):
  training.Run(out=tmp_path / "a", steps=3).claim()
  settings = (tmp_path / "a/run.json").read_bytes()
  (tmp_path / "a").rename(tmp_path / "b")
  training.Run(out=tmp_path / "b", steps=3).claim()
  assert (tmp_path / "b/run.json").read_bytes() == settings


def test_a_damaged_run_file_is_named(tmp_path):
  (tmp_path / "run.json").write_text("{")
  with pytest.raises(ValueError, match=r"run\.json is damaged"):
    training.Run(out=tmp_path, steps=3).claim()


@pytest.mark.parametrize(
  "options", [{"steps": 0}, {"interval": 0}, {"learning_rate": 0.0}]
)
def test_settings_that_train_nothing_are_refused(options, tmp_path):
  with pytest.raises(ValueError, match="must be positive"):
    training.Run(**{"out": tmp_path, "steps": 1, **options})


def test_an_unknown_strategy_or_precision_is_refused(tmp_path):
  with pytest.raises(ValueError, match="strategy is one of none, mirrored"):
    training.prepare(training.Run(out=tmp_path, steps=1, strategy="tpu"))
  with pytest.raises(ValueError, match="precision is one of"):
    precision.policy("float8")


def test_a_run_remembers_which_precision_auto_was(tmp_path):
  run = training.Run(out=tmp_path, steps=1)
  assert run.precision == precision.resolve("auto") != "auto"
  assert run.to_json()["precision"] == run.precision


def test_precision_is_a_keras_policy():
  assert precision.policy("float32") == "float32"
  assert precision.policy("bfloat16") == "mixed_bfloat16"
  assert precision.policy("auto") in ("float32", "mixed_bfloat16")
