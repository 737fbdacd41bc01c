"""Curves of runs are read from their logs and drawn beside each other."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.io import files
from trainers import training_chart


def _log(run, folder="tensorboard", **series):
  writer = tf.summary.create_file_writer(str(run / folder))
  with writer.as_default():
    for name, values in series.items():
      for step, value in enumerate(values, 1):
        tf.summary.scalar(name.replace("__", "/"), value, step)
    tf.summary.image("picture", np.zeros((1, 4, 4, 3), np.float32), step=1)
  writer.close()
  return run


def test_every_scalar_of_every_run_is_drawn(tmp_path):
  first = _log(tmp_path / "a", train__loss=[3.0, 2.0], train__kl=[1.0, 1.0])
  second = _log(tmp_path / "b", train__loss=[4.0, 1.0])
  _log(first, "tensorboard/validation", validation__loss=[0.5])
  out = tmp_path / "curves.png"
  drawn = training_chart.draw([first, second], out)
  assert drawn == ["train/loss", "train/kl", "Loss on held-out pictures"]
  both = files.read_image(out)
  assert training_chart.draw([first], out) == drawn
  assert not np.array_equal(files.read_image(out), both)


def test_tags_pick_scalars_by_the_start_of_their_names(tmp_path):
  run = _log(tmp_path / "a", train__loss=[3.0], held_out__psnr=[20.0])
  out = tmp_path / "curves.png"
  assert training_chart.draw([run], out, tags=["held_out"]) == ["held_out/psnr"]
  with pytest.raises(ValueError, match="a has no curves of valid; give"):
    training_chart.draw([run], out, tags=["valid"])


def test_the_file_of_a_validation_goes_before_its_logs(tmp_path):
  run = _log(tmp_path / "a", validation__loss=[9.0, 9.0, 9.0])
  (run / "validation.csv").write_text("step,loss,bd_rate\n1,0.9,-40\n")
  out, other = tmp_path / "curves.png", tmp_path / "other.png"
  training_chart.draw([run], out, tags=["validation"])
  (tmp_path / "b").mkdir()
  (run / "validation.csv").rename(tmp_path / "b" / "validation.csv")
  training_chart.draw([tmp_path / "b"], other)
  assert out.read_bytes() == other.read_bytes()


def test_a_killed_run_is_drawn_up_to_its_last_whole_record(tmp_path):
  run = _log(tmp_path / "a", train__loss=[3.0, 2.0, 1.0])
  (log,) = (run / "tensorboard").iterdir()
  log.write_bytes(log.read_bytes()[:-5])
  out = tmp_path / "curves.png"
  assert training_chart.draw([run], out) == ["train/loss"]


def test_scalars_of_old_logs_are_drawn_and_text_is_passed_over(tmp_path):
  run = _log(tmp_path / "a")
  with tf.compat.v1.Graph().as_default():
    writer = tf.compat.v1.summary.FileWriter(str(run / "tensorboard"))
    value = tf.compat.v1.Summary.Value(tag="old", simple_value=2.0)
    writer.add_summary(tf.compat.v1.Summary(value=[value]), 1)
    writer.close()
  out = tmp_path / "curves.png"
  assert training_chart.draw([run], out) == ["old"]


def test_a_file_of_something_else_does_not_end_a_training(tmp_path):
  run = _log(tmp_path / "a", train__loss=[1.0])
  place = run / "tensorboard" / "events.out.tfevents.9"
  with tf.io.TFRecordWriter(str(place)) as writer:
    writer.write(b"\xff\xff no event")
  with pytest.raises(ValueError, match="holds no events"):
    training_chart.draw([run], tmp_path / "curves.png")
  training_chart.keep(run)  # warns
  assert not (run / training_chart.FILE).exists()


def test_a_tag_of_several_folders_is_drawn_for_each(tmp_path):
  run = _log(tmp_path / "a", train__loss=[1.0])
  _log(run, "tensorboard/worker", train__loss=[2.0])
  drawn = training_chart.draw([run], tmp_path / "curves.png")
  assert drawn == ["train/loss", "worker: train/loss"]


def test_a_run_named_twice_is_refused(tmp_path):
  run = _log(tmp_path / "a", train__loss=[1.0])
  with pytest.raises(ValueError, match="named twice"):
    training_chart.draw([run, tmp_path / "." / "a"], tmp_path / "curves.png")


def test_a_run_without_logs_is_refused_and_a_training_goes_on(tmp_path):
  with pytest.raises(ValueError, match="has no curves; give the folder of a"):
    training_chart.draw([tmp_path], tmp_path / "curves.png")
  training_chart.keep(tmp_path)  # warns
  assert not (tmp_path / training_chart.FILE).exists()
