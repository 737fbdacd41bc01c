"""What a table trains once is not taken for another training."""

import numpy as np
import pytest

from tfpercept import training
from tfpercept.data import identity
from tfpercept.io import files
from trainers import processes, super_resolution


@pytest.fixture
def trained(tmp_path, monkeypatch):
  """Trains nothing, but leaves what a trainer leaves."""
  data, out = tmp_path / "data", tmp_path / "out" / "srcnn"
  files.write_image(data / "a.png", np.zeros((4, 4, 3), np.uint8))
  preset = tmp_path / "preset.flags"
  preset.write_text(f"\ufeff# as published\n--data={data}\n--steps=3\n")
  calls = []

  def run(command, **options):
    calls.append(command)
    own = super_resolution.Settings(data=(str(data),))
    run = training.Run(out=out, steps=3, settings=own)
    run.on(data=lambda: identity.of([str(data)])).claim()
    (out / "model").mkdir(exist_ok=True)

  monkeypatch.setattr(processes.subprocess, "run", run)

  def train(*more):
    processes.train("srcnn", out, *more, preset=preset)
    return len(calls)

  assert train(f"--initial={out.parent}/initial") == 1
  return tmp_path, train


def test_what_is_trained_is_not_trained_again(trained):
  folder, train = trained
  assert train(f"--initial={folder}/out/initial") == 1


def test_other_flags_are_another_training(trained):
  folder, train = trained
  with pytest.raises(ValueError, match=r"then none, now --seed=1\)"):
    train(f"--initial={folder}/out/initial", "--seed=1")
  (folder / "preset.flags").write_text(f"--data={folder}/data\n--steps=4\n")
  with pytest.raises(ValueError, match="then --steps=3, now --steps=4"):
    train(f"--initial={folder}/out/initial")


def test_other_data_are_another_training(trained):
  folder, train = trained
  files.write_image(folder / "data/b.png", np.zeros((4, 4, 3), np.uint8))
  with pytest.raises(ValueError, match=r"other data.*b\.png was added"):
    train(f"--initial={folder}/out/initial")


def test_what_has_no_notes_is_taken_as_it_is(trained):
  folder, train = trained
  for name in (processes.FLAGS, "data.json", "run.json"):
    (folder / "out/srcnn" / name).unlink()
  assert train("--seed=1") == 1


def unfinished(folder, **told):
  """Leaves a model as a trainer does that renews it and is killed."""
  run = folder / "out/srcnn"
  (run / processes.FLAGS).unlink()
  files.write_json(run / "model/manifest.json", told)
  return run


def test_a_model_of_an_earlier_step_is_trained_on(trained):
  folder, train = trained
  run = unfinished(folder, step=2)
  assert not processes.is_finished(run)
  assert train(f"--initial={folder}/out/initial") == 2
  files.write_json(run / "model/manifest.json", {"step": 3})
  assert processes.is_finished(run)
  assert train(f"--initial={folder}/out/initial") == 2


def test_where_a_model_tells_no_step_its_checkpoints_do(trained):
  folder, _ = trained
  run = unfinished(folder)
  for step, is_finished in ((2, False), (3, True)):
    files.write_text(run / f"checkpoints/ckpt-{step}.index", "")
    assert processes.is_finished(run) is is_finished
  (run / "model/manifest.json").unlink()
  assert processes.is_finished(run)


def test_what_is_no_model_is_not_finished(tmp_path):
  assert not processes.is_finished(tmp_path)


@pytest.mark.parametrize(
  ("name", "text", "why"),
  [
    ("run.json", "{steps: 3}", "Expecting property name"),
    ("run.json", "[3]", "it is no object"),
    ("run.json", "{}", "its steps is None"),
    ("model/manifest.json", '{"step": "2"}', "its step is '2'"),
  ],
)
def test_a_damaged_note_is_told_by_its_path(trained, name, text, why):
  folder, _ = trained
  run = folder / "out/srcnn"
  files.write_text(run / name, text)
  with pytest.raises(ValueError, match=f"{run / name} is damaged.*{why}"):
    processes.is_finished(run)


def test_a_run_without_settings_is_told_by_its_path(trained):
  folder, train = trained
  files.write_json(folder / "out/srcnn/run.json", {"steps": 3})
  with pytest.raises(
    ValueError, match=r"run\.json is damaged.*its settings is"
  ):
    train(f"--initial={folder}/out/initial")
