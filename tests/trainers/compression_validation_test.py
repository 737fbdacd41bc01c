"""The curve of a codec has every step, and is of known pictures only."""

import csv

import keras
import numpy as np
import pytest

from tfpercept import distances, models
from tfpercept.io import files
from tfpercept.tasks import compression
from trainers import compression_validation

WHAT = [{"source": "unseen", "files": {"0.png": "1 a"}}]


@pytest.fixture(scope="module")
def task():
  """A small codec, as if it had taken four steps."""
  network = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=8, hyper_width=4, hyper_latents=4, levels=2
  )
  network.build()
  made = compression.Compression(network, distances.get("mse"))
  made.compile(optimizer=keras.optimizers.Adam(1e-3))
  made.step.assign(4)
  return made


@pytest.fixture
def begin(task, photograph, tmp_path):
  """Begins to train with a curve; returns how often the codec was measured."""
  measured = []

  def kept():
    measured.append(int(task.step.numpy()))
    return task.network

  def begun(every=2):
    curve = compression_validation.Validation(
      task, kept, [photograph(64, 64)], folder=tmp_path, every=every, what=WHAT
    )
    curve.set_model(task)
    curve.on_train_begin()
    return list(measured)

  return begun


def steps(folder):
  with (folder / compression_validation.FILE).open(newline="") as file:
    return [int(row["step"]) for row in csv.DictReader(file)]


def test_a_step_that_a_killed_run_did_not_measure_is_made_up(begin, tmp_path):
  assert begin(every=3) == []
  assert begin() == [4]
  assert steps(tmp_path) == [4]
  assert begin() == [4]  # what is there is not measured again


def test_measuring_leaves_random_shifts_where_they_were(
  task, photograph, tmp_path
):
  objective = distances.get("watson_dft(shift='random')")
  drawing = compression.Compression(task.network, objective, lmbda=(0.1, 0.1))
  drawing.compile(optimizer=keras.optimizers.Adam(1e-3))
  objective.weights[-1].assign(5)
  curve = compression_validation.Validation(
    drawing, lambda: task.network, [photograph(64, 64)], folder=tmp_path,
    every=2, what=WHAT,
  )  # fmt: skip
  curve.make_up(4)
  assert objective.weights[-1].numpy() == 5


def test_a_run_that_was_killed_after_its_last_step_has_its_line(
  task, photograph, tmp_path
):
  curve = compression_validation.Validation(
    task, lambda: task.network, [photograph(64, 64)], folder=tmp_path, every=2,
    what=WHAT,
  )  # fmt: skip
  for step in (0, 3, 4):
    curve.make_up(step)
  assert steps(tmp_path) == [4]


@pytest.mark.parametrize(
  "note", ["{}", "[]", "", "{", '{"validation": 3}', "\0", None]
)
def test_a_note_that_is_damaged_or_lost_is_named(begin, tmp_path, note):
  (tmp_path / compression_validation.FILE).write_text("step\n4,1\n")
  if note is not None:
    (tmp_path / compression_validation.NOTE).write_text(note)
  with pytest.raises(ValueError, match=r"validation\.json.* is (dam|mis)") as e:
    begin()
  assert "validation.csv away to begin another" in str(e.value)


def test_where_a_curve_was_moved_away_another_is_begun(begin, tmp_path):
  (tmp_path / compression_validation.NOTE).write_text("{}")
  assert begin() == begin() == [4]  # the note is whole again
  assert steps(tmp_path) == [4]


@pytest.mark.parametrize("rows", ["step\nx,1\n", "step\n\n", "step\n\0,2\n"])
def test_a_damaged_curve_is_refused_before_training(begin, tmp_path, rows):
  (tmp_path / compression_validation.FILE).write_text(rows)
  note = {"validation": WHAT}
  files.write_json(tmp_path / compression_validation.NOTE, note)
  with pytest.raises(ValueError, match=r"validation\.csv is damaged"):
    begin()


def test_a_curve_taken_up_keeps_its_rows(begin, task, tmp_path):
  begin()
  before = (tmp_path / compression_validation.FILE).read_text()
  task.step.assign(6)
  try:
    begin()
  finally:
    task.step.assign(4)
  after = (tmp_path / compression_validation.FILE).read_text()
  assert after.startswith(before)
  assert steps(tmp_path) == [4, 6]
  assert np.isfinite(float(after.splitlines()[-1].split(",")[1]))


def test_each_measurement_draws_the_curve(begin, tmp_path):
  begin()
  chart = files.read_image(tmp_path / compression_validation.CHART)
  assert chart.shape[2] == 3
  assert len(np.unique(chart)) > 10


def test_a_chart_that_can_not_be_drawn_does_not_end_the_training(
  begin, tmp_path
):
  (tmp_path / compression_validation.CHART).mkdir()
  assert begin() == [4]
  assert steps(tmp_path) == [4]


def test_the_chart_has_every_measurement(tmp_path):
  curve, out = tmp_path / "validation.csv", tmp_path / "curve.png"
  curve.write_text("step,loss,bd_rate,bpp_1\n2,0.9,-40.1,1\n4,0.8,nan,1\n")
  compression_validation.draw(curve, out)
  drawn = files.read_image(out)
  curve.write_text("step,loss,bd_rate,bpp_1\n2,0.9,-40.1,1\n4,0.5,-44,1\n")
  compression_validation.draw(curve, out)
  assert not np.array_equal(files.read_image(out), drawn)


@pytest.mark.parametrize(
  ("text", "why"),
  [
    ("step,loss,bd_rate\n", "no measurement yet"),
    ("step,loss,bd_rate\n2,0.9\n", "is damaged"),
    ("step,loss,bd_rate\n2,0.9,many\n", "is damaged"),
  ],
)
def test_a_curve_that_holds_none_is_refused(tmp_path, text, why):
  curve = tmp_path / "validation.csv"
  curve.write_text(text)
  with pytest.raises(ValueError, match=why):
    compression_validation.draw(curve, tmp_path / "curve.png")
  assert not (tmp_path / "curve.png").exists()
