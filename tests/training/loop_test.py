"""The loop resumes exactly, stops at bad numbers and refuses other runs."""

import dataclasses
import os
import pathlib
import random
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import forked
from tests.training import killed_run
from tfpercept import distances, models, training
from tfpercept.data import crops
from tfpercept.evaluation.core import training_curves
from tfpercept.io import files, lock
from tfpercept.tasks import regression
from tfpercept.training import callbacks, checkpoints


def start(out, log, kill_at=-1, strategy="none"):
  arguments = [out, log, str(kill_at), strategy]
  return forked.run("tests.training.killed_run", *arguments)


def read(log: pathlib.Path) -> list[tuple[int, str]]:
  lines = (line.split() for line in log.read_text().splitlines())
  return [(int(step), loss) for step, loss in lines]


def test_a_run_killed_three_times_ends_as_if_never_interrupted(tmp_path):
  unbroken = start(tmp_path / "a", tmp_path / "a.log")
  assert unbroken.returncode == 0, unbroken.stderr
  expected = dict(read(tmp_path / "a.log"))
  assert sorted(expected) == list(range(killed_run.STEPS))

  steps = sorted(random.Random(20).sample(range(2, killed_run.STEPS - 3), 3))
  for step in steps:
    killed = start(tmp_path / "b", tmp_path / f"{step}.log", step)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
  resumed = start(tmp_path / "b", tmp_path / "last.log")
  assert resumed.returncode == 0, resumed.stderr

  assert resumed.stdout.splitlines()[-2:] == unbroken.stdout.splitlines()[-2:]
  for log in [*(tmp_path / f"{s}.log" for s in steps), tmp_path / "last.log"]:
    assert all(expected[step] == loss for step, loss in read(log))
  tail = read(tmp_path / "last.log")
  assert tail[0][0] == steps[-1] // killed_run.INTERVAL * killed_run.INTERVAL
  assert len(tail) >= 3  # the next three losses, and the rest


def make(out, *, loss="mse", bad_step=None, train_objective=False, **options):
  run = training.Run(
    **{"out": out, "steps": 6, "interval": 3, "loss": loss, **options}
  )
  with training.prepare(run).scope():
    network = models.SRCNN(filters=(4, 4), kernels=(3, 1, 3))
    network.build()
    task = regression.Regression(
      network, distances.get(loss), train_objective=train_objective
    )
  image = np.random.default_rng(0).random((30, 30, 1), np.float32)
  data = crops.PairedCrops([(image, image**2)], patch=16, batch=2, seed=0)
  if bad_step is not None:
    data = Spoiled(data, bad_step)
  return run, task, data


class Interrupt(keras.callbacks.Callback):
  """Ends a run in the midst of an interval."""

  def on_train_batch_end(self, batch, logs):
    if int(self.model.optimizer.iterations.numpy()) == 5:
      raise KeyboardInterrupt


def resumed_as_unbroken(tmp_path, **options):
  """Checks losses and weights of a run that was interrupted; returns a task."""
  run, unbroken, data = make(tmp_path / "a", **options)
  losses = training.fit(unbroken, data, run)
  run, task, data = make(tmp_path / "b", **options)
  with pytest.raises(KeyboardInterrupt):
    training.fit(task, data, run, extra_callbacks=[Interrupt()])
  run, task, data = make(tmp_path / "b", **options)
  assert training.fit(task, data, run) == losses[3:]
  for a, b in zip(task.weights, unbroken.weights, strict=True):
    np.testing.assert_array_equal(a, b)
  return task


def test_an_objective_that_is_trained_too_resumes_as_well(tmp_path):
  likelihood = "robust(adaptive=True, size=(16, 16, 1), color='RGB', levels=2)"
  task = resumed_as_unbroken(tmp_path, loss=likelihood, train_objective=True)
  assert np.abs(task.objective.latent_scale.numpy()).min() > 0


def test_an_objective_that_draws_at_random_goes_on_drawing(tmp_path):
  loss = "watson_dft(channels=1, shift='random')"
  task = resumed_as_unbroken(tmp_path, loss=loss)
  assert task.objective.shift == "random"  # it did draw


class Spoiled:
  """Batches of which one holds a NaN."""

  def __init__(self, data, step):
    self._data, self._step = data, step

  def batches(self, start, stop):
    def spoil(step, batch):
      x, y = batch
      return x, tf.where(step == self._step, float("nan"), y)

    return self._data.batches(start, stop).enumerate(start).map(spoil)


class Bytes:
  """Batches in [0, 255]."""

  def __init__(self, data):
    self._data = data

  def batches(self, start, stop):
    return self._data.batches(start, stop).map(lambda x, y: (x * 255, y * 255))


def test_images_in_another_range_are_refused_unless_that_is_meant(tmp_path):
  run, task, data = make(tmp_path, steps=1, interval=1)
  with pytest.raises(ValueError, match=r"values from 0.* to 25.*check_range"):
    training.fit(task, Bytes(data), run)
  assert len(training.fit(task, Bytes(data), run, check_range=False)) == 1


def test_training_lowers_the_loss(tmp_path):
  run, task, data = make(tmp_path, steps=60, interval=60, learning_rate=1e-2)
  losses = training.fit(task, data, run)
  assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_a_bad_number_stops_the_run_names_the_term_and_saves_the_batch(
  tmp_path,
):
  run, task, data = make(tmp_path, loss="0.5*mae + 0.5*mse", bad_step=4)
  with pytest.raises(callbacks.NonFiniteError, match="mae is nan at step 4"):
    training.fit(task, data, run)
  with np.load(tmp_path / "nonfinite_step_4.npz") as batch:
    assert np.isnan(batch["arr_1"]).any()
    assert batch["arr_0"].shape == (2, 16, 16, 1)
  kept = tf.train.latest_checkpoint(tmp_path / "checkpoints")
  assert kept.endswith("ckpt-3")


def test_a_folder_of_another_run_is_refused(tmp_path):
  run, task, data = make(tmp_path, steps=5)
  training.fit(task, data, run)
  run, task, data = make(tmp_path, steps=6)
  with pytest.raises(ValueError, match="steps: 5 there, 6 now"):
    training.fit(task, data, run)


def test_a_checkpoint_that_can_not_be_written_keeps_the_one_before(
  tmp_path, monkeypatch
):
  run, task, data = make(tmp_path)
  save = tf.train.CheckpointManager.save

  def full_disk(manager, checkpoint_number):
    if checkpoint_number == 6:
      raise tf.errors.ResourceExhaustedError(None, None, "No space left")
    return save(manager, checkpoint_number=checkpoint_number)

  monkeypatch.setattr(tf.train.CheckpointManager, "save", full_disk)
  with pytest.raises(
    OSError, match=r"step 6 could not be saved.*No space left"
  ):
    training.fit(task, data, run)
  monkeypatch.undo()
  run, task, data = make(tmp_path)
  assert len(training.fit(task, data, run)) == 3


def test_a_finished_run_takes_no_more_steps(tmp_path):
  run, task, data = make(tmp_path)
  assert len(training.fit(task, data, run)) == 6
  run, task, data = make(tmp_path)
  assert training.fit(task, data, run) == []


def test_a_task_is_trained_in_one_folder_after_another(tmp_path):
  run, task, data = make(tmp_path / "a")
  training.fit(task, data, run)
  run = dataclasses.replace(run, out=tmp_path / "b", steps=4)
  assert len(training.fit(task, data, run)) == 4
  assert (tmp_path / "b" / "checkpoints" / "ckpt-4.index").exists()


def test_remains_of_an_unfinished_save_do_not_hinder_resuming(tmp_path):
  run, task, data = make(tmp_path)
  training.fit(task, data, run)
  weights = task.network.get_weights()
  (tmp_path / "checkpoints" / "ckpt-9.index").write_bytes(b"half")
  run, task, data = make(tmp_path)
  training.fit(task, data, run)
  for got, want in zip(task.network.get_weights(), weights, strict=True):
    np.testing.assert_array_equal(got, want)


def test_a_damaged_checkpoint_is_named_and_the_one_before_gone_on_from(
  tmp_path, caplog
):
  run, task, data = make(tmp_path)
  losses = training.fit(task, data, run)
  for path in (tmp_path / "checkpoints").glob("ckpt-6.*"):
    path.write_bytes(b"damaged")
  run, task, data = make(tmp_path)
  assert training.fit(task, data, run) == losses[3:]
  assert "ckpt-6 is not whole" in caplog.text
  for path in (tmp_path / "checkpoints").glob("ckpt-*"):
    path.write_bytes(b"damaged")
  run, task, data = make(tmp_path)
  with pytest.raises(ValueError, match="ckpt-6 cannot be resumed"):
    training.fit(task, data, run)


@pytest.mark.parametrize("name", ["[a]*?\\{x}", os.fsdecode(b"\xff[1]")])
def test_a_folder_is_a_name_and_no_pattern(tmp_path, name):
  out = tmp_path / name
  with pytest.raises(KeyboardInterrupt):
    run, task, data = make(out)
    training.fit(task, data, run, extra_callbacks=[Interrupt()])
  run, task, data = make(out)
  assert len(training.fit(task, data, run)) == 3
  kept = {path.name for path in (out / "checkpoints").iterdir()}
  assert {"ckpt-3.index", "ckpt-6.index"} <= kept
  steps, _ = training_curves.read(out / "tensorboard", "train/loss")
  assert steps.tolist() == [3, 6]
  assert [path.name for path in tmp_path.iterdir()] == [name]


def test_want_of_room_is_said_before_the_first_step(tmp_path, monkeypatch):
  run, task, data = make(tmp_path)
  monkeypatch.setattr(files, "free_space", lambda folder: 1000)
  with pytest.raises(OSError, match=r"need 0 MB, and 0 MB are left on its di"):
    training.fit(task, data, run)
  assert not (tmp_path / "tensorboard").exists()


@pytest.mark.parametrize("name", ["checkpoints", "tensorboard", "model"])
def test_a_file_in_the_way_is_said_before_the_first_step(tmp_path, name):
  run, task, data = make(tmp_path)
  (tmp_path / name).write_text("mine")
  with pytest.raises(OSError, match=f"{name} has to be a folder"):
    training.fit(task, data, run)
  assert (tmp_path / name).read_text() == "mine"


def test_a_folder_that_another_process_trains_in_is_left_alone(
  tmp_path, monkeypatch
):
  run, task, data = make(tmp_path)

  def held(folder):
    raise lock.BusyError("by process 7")

  monkeypatch.setattr(lock, "held", held)
  with pytest.raises(ValueError, match="by process 7"):
    training.fit(task, data, run)
  assert not list(tmp_path.iterdir())


# TensorFlow says that input pipelines stay graphs.
@pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
def test_a_run_steps_through_python_where_that_is_asked_for(tmp_path):
  run, task, data = make(tmp_path / "a")
  expected = training.fit(task, data, run)
  tf.config.run_functions_eagerly(True)
  try:
    run, task, data = make(tmp_path / "b")
    losses = training.fit(task, data, run)
  finally:
    tf.config.run_functions_eagerly(False)
  np.testing.assert_allclose(
    losses, expected, rtol=1e-4
  )  # sums round otherwise


def test_tensorboard_gets_scalars_and_pictures(tmp_path):
  run, task, data = make(tmp_path)
  image = tf.zeros((1, 8, 8, 1))
  pictures = callbacks.Pictures(lambda: ({"panel": image}, {"val/psnr": 1.0}))
  training.fit(task, data, run, pictures=pictures)
  tags = set()
  for path in (tmp_path / "tensorboard").iterdir():
    for event in tf.compat.v1.train.summary_iterator(str(path)):
      tags |= {(v.tag, event.step) for v in event.summary.value}
  assert {("train/loss", 3), ("train/loss", 6), ("val/psnr", 3)} <= tags
  assert ("panel", 6) in tags


def test_mirrored_replicas_train_as_one_device_does(tmp_path):
  logs = []
  for strategy in ("none", "mirrored"):
    log = tmp_path / f"{strategy}.log"
    done = start(tmp_path / strategy, log, strategy=strategy)
    assert done.returncode == 0, done.stderr
    logs.append([float.fromhex(loss) for _, loss in read(log)])
  assert "replicas 2" in done.stdout
  # The mean over two halves of a batch is rounded in another order.
  np.testing.assert_allclose(logs[0], logs[1], rtol=1e-4)


def test_mirrored_replicas_resume_exactly(tmp_path):
  unbroken = start(tmp_path / "a", tmp_path / "a.log", strategy="mirrored")
  killed = start(tmp_path / "b", tmp_path / "b.log", 10, "mirrored")
  assert killed.returncode == -signal.SIGKILL, killed.stderr
  resumed = start(tmp_path / "b", tmp_path / "b.log", strategy="mirrored")
  assert resumed.stdout.splitlines()[-2:] == unbroken.stdout.splitlines()[-2:]


class Refusal(keras.callbacks.Callback):
  """Refuses the second interval."""

  def on_epoch_end(self, epoch, logs):
    if epoch == 1:
      raise ArithmeticError("no such step")


def test_what_a_guard_refuses_is_not_kept_and_refused_again(tmp_path):
  for _ in range(3):
    run, task, data = make(tmp_path)
    with pytest.raises(ArithmeticError, match="no such step"):
      training.fit(task, data, run, guards=[Refusal()])
    assert checkpoints.steps(tmp_path / checkpoints.FOLDER) == [run.interval]
