"""Tasks move what they state, never on bad numbers, and resume whole."""

import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import forked
from tests.tasks import ring_gan
from tfpercept import distances, models, training
from tfpercept.data import crops
from tfpercept.tasks import base, regression
from tfpercept.training import callbacks


class Line(base.Task):
  """Fits y = a x, with an `a` of its own for each optimizer.

  Its terms are `loss`, the squared error of the one, and `other_loss`.
  """

  def __init__(self, moves=None, parts=None, terms=None):
    super().__init__("line", seed=7)
    self.first, self.second = (self._layer(name) for name in ("one", "two"))
    self.seen = []
    self._told = (moves, parts, terms)

  @staticmethod
  def _layer(name):
    layer = keras.layers.Dense(1, use_bias=False, name=name)
    layer.build((None, 1))
    return layer

  def parts(self):
    return self._told[1] or {"first": self.first, "second": self.second}

  def moves(self):
    return (self._told[0] or (lambda task: super().moves()))(self)

  def terms(self, batch, *, seed, step):
    x, y = batch
    self.seen.append((seed, step))
    found = {
      "loss": tf.reduce_mean((self.first(x) - y) ** 2),
      "other_loss": tf.reduce_mean((self.second(x) - y) ** 2),
    }
    return self._told[2](found) if self._told[2] else found


def two_moves(task, **options):
  return {
    "one": base.Move(task.first.trainable_variables, **options),
    "two": base.Move(task.second.trainable_variables, loss="other_loss"),
  }


def adams(*names, rate=0.1):
  return {name: keras.optimizers.Adam(rate) for name in names}


def both():
  """A task whose two optimizers move at once."""
  task = Line(two_moves)
  task.compile(adams("one", "two"))
  return task


X = tf.constant([[1.0], [2.0]])
BAD = (X, tf.constant([[1.0], [float("nan")]]))


def values(task):
  """Returns all numbers that a step may change, but its counters."""
  slots = [v for o in task.optimizers.values() for v in o.variables()]
  return [v.numpy() for v in [*task.trainable_variables, *slots]]


def same(ones, others):
  return all(np.array_equal(a, b) for a, b in zip(ones, others, strict=True))


def test_one_optimizer_moves_all_parts_unless_a_task_says_otherwise():
  task = Line(terms=lambda t: {**t, "loss": t["loss"] + t["other_loss"]})
  task.compile(keras.optimizers.SGD(0.1))
  before = [w.numpy() for w in task.trainable_variables]
  logs = task.train_step((X, X))
  assert sorted(logs) == ["gradient_norm", "loss", "other_loss"]
  for weight, old in zip(task.trainable_variables, before, strict=True):
    # The slope of mean (a x - x)^2 is 2 (a - 1) mean x^2, with a mean of 2.5.
    np.testing.assert_allclose(weight, old - 0.1 * 5 * (old - 1), rtol=1e-5)


def test_each_optimizer_lowers_its_own_term_at_once():
  task = both()
  logs = [task.train_step((X, X)) for _ in range(60)]
  assert sorted(logs[0]) == [
    "gradient_norm_one", "gradient_norm_two", "loss", "other_loss",
  ]  # fmt: skip
  for name in ("loss", "other_loss"):
    assert float(logs[-1][name]) < 0.1 * float(logs[0][name])
  assert [int(o.iterations) for o in task.optimizers.values()] == [60, 60]


def test_optimizers_that_take_turns_leave_each_other_alone():
  task = ring_gan.make()
  task.compile(ring_gan.optimizers())
  step = tf.function(task.train_step)
  data = ring_gan.Ring(8, 0)
  parts = (task.critic, task.generator)
  for place, batch in enumerate(data.batches(0, 4)):
    before = [part.get_weights() for part in parts]
    logs = step(batch)
    moved = [
      not same(part.get_weights(), old)
      for part, old in zip(parts, before, strict=True)
    ]
    assert moved == [place % 2 == 0, place % 2 == 1]
    norms = [logs[f"gradient_norm_{name}"] for name in ("critic", "generator")]
    assert [float(norm) > 0 for norm in norms] == moved
  assert [int(o.iterations) for o in task.optimizers.values()] == [2, 2]
  assert int(task.step) == 4


def test_gradients_are_cut_to_a_norm_and_logged_as_they_were():
  task = Line(lambda task: two_moves(task, clip=1e-2))
  task.compile({n: keras.optimizers.SGD(1.0) for n in ("one", "two")})
  before = task.first.kernel.numpy()
  logs = task.train_step((X, 100 * X))
  assert float(logs["gradient_norm_one"]) > 100
  # float32 weights of about 1 move in steps of 1e-7.
  moved = np.abs(task.first.kernel.numpy() - before)
  np.testing.assert_allclose(moved, 1e-2, rtol=1e-3)


def test_the_loss_is_told_seed_and_step():
  task = both()
  for _ in range(3):
    task.train_step((X, X))
  seen = [(seed.numpy().tolist(), int(step)) for seed, step in task.seen]
  assert seen == [([7, 0], 0), ([7, 1], 1), ([7, 2], 2)]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_bad_number_moves_nothing_and_is_counted(compiled):
  task = both()
  step = tf.function(task.train_step) if compiled else task.train_step
  step((X, X))
  before = values(task)
  assert np.isnan(float(step(BAD)["loss"]))
  assert same(values(task), before)
  assert (int(task.step), int(task.skipped)) == (2, 1)
  step((X, X))
  assert not same(values(task), before)
  assert (int(task.step), int(task.skipped)) == (3, 1)


def test_a_bad_gradient_of_a_good_loss_moves_nothing():
  def rooted(found):
    # The slope of the root at 0 is infinite, and 0 times that is NaN.
    return {**found, "loss": found["loss"] + tf.sqrt(0 * found["other_loss"])}

  task = Line(terms=rooted)
  task.compile(keras.optimizers.Adam(0.1))
  before = values(task)
  logs = task.train_step((X, X))
  assert np.isfinite(float(logs["loss"]))
  assert np.isnan(float(logs["gradient_norm"]))
  assert same(values(task), before)


def test_one_bad_optimizer_holds_up_the_other():
  task = Line(two_moves, terms=lambda t: {**t, "other_loss": t["loss"] / 0.0})
  task.compile(adams("one", "two"))
  before = values(task)
  task.train_step((X, X))
  assert same(values(task), before)


def test_averages_know_nothing_of_bad_steps():
  task = ring_gan.make()
  task.compile(ring_gan.optimizers())
  for batch in ring_gan.Ring(8, 0, bad_steps=[2]).batches(0, 3):
    before = [v.numpy() for v in task.averages.values]
    task.train_step(batch)
  assert int(task.skipped) == 1
  assert same([v.numpy() for v in task.averages.values], before)


def test_what_xla_compiles_is_guarded_where_steps_may_be_skipped():
  task = Line(two_moves)
  task.compile(adams("one", "two"), skip=1, jit_compile=True)
  step = tf.function(task.train_step, jit_compile=True)
  step((X, X))
  before = values(task)
  step(BAD)
  assert same(values(task), before)
  assert int(task.skipped) == 1


@pytest.mark.parametrize(
  ("moves", "message"),
  [
    (
      lambda task: {
        **two_moves(task),
        "three": base.Move(task.first.trainable_variables),
      },
      "kernel:0 of first is moved by two optimizers, one and three",
    ),
    (
      lambda task: {"one": base.Move(task.first.trainable_variables)},
      "no optimizer moves kernel:0 of second; add a move",
    ),
    (
      lambda task: {"one": base.Move([tf.Variable(1.0)])},
      r"one moves a variable that is no trainable one of the parts \(first",
    ),
  ],
)
def test_each_trained_variable_has_one_optimizer(moves, message):
  names = moves(Line()).keys()
  with pytest.raises(ValueError, match=message):
    Line(moves).compile(adams(*names))


def test_a_list_of_variables_is_a_part_like_any_other():
  trained = [tf.Variable(1.0), tf.Variable(1.0, trainable=False)]
  task = Line(parts={"list": trained}, terms=lambda _: {"loss": trained[0]})
  task.compile(keras.optimizers.SGD(0.5))
  task.train_step((X, X))
  assert [float(variable) for variable in trained] == [0.5, 1.0]


def test_what_is_frozen_needs_no_optimizer():
  task = Line(lambda task: {"one": base.Move(task.first.trainable_variables)})
  task.second.trainable = False
  task.compile(adams("one"))
  before = [v.numpy() for v in task.second.variables]
  task.train_step((X, X))
  for variable, value in zip(task.second.variables, before, strict=True):
    np.testing.assert_array_equal(variable, value)


def test_optimizers_are_those_of_the_moves():
  task = Line(two_moves)
  with pytest.raises(ValueError, match=r"there are 2 moves.*one, two"):
    task.compile(keras.optimizers.Adam())
  with pytest.raises(ValueError, match="are for one, two; got one, three"):
    task.compile(adams("one", "three"))
  shared = keras.optimizers.Adam()
  with pytest.raises(ValueError, match="two moves got the same optimizer"):
    task.compile({"one": shared, "two": shared})


def test_a_term_that_is_missing_is_named():
  task = Line(two_moves, terms=lambda t: {"loss": t["loss"]})
  task.compile(adams("one", "two"))
  with pytest.raises(ValueError, match="line lack other_loss; they are loss"):
    task.train_step((X, X))


def gan(out, *, bad_steps=(), **options):
  run = training.Run(out=out, steps=9, interval=3, seed=1, **options)
  with training.prepare(run).scope():
    task = ring_gan.make(1)
  data = ring_gan.Ring(8, 1, bad_steps)
  return run, task, data


def fit(run, task, data, **options):
  optimizers = ring_gan.optimizers()
  return training.fit(task, data, run, optimizer=optimizers, **options)


def test_a_bad_number_stops_a_run_unless_it_may_be_skipped(tmp_path):
  run, task, data = gan(tmp_path, bad_steps=[4])
  with pytest.raises(callbacks.NonFiniteError, match="loss is nan at step 4"):
    fit(run, task, data)
  assert all(np.isfinite(v).all() for v in values(task))
  assert (tmp_path / "nonfinite_step_4.npz").exists()


def test_steps_are_skipped_as_often_as_is_asked_for(tmp_path, caplog):
  run, task, data = gan(tmp_path / "a", bad_steps=[1, 4], skip_nonfinite=2)
  losses = fit(run, task, data)
  assert len(losses) == 9
  assert (
    "critic_loss is nan at step 4, which is skipped (2 of 2)" in caplog.text
  )
  assert (int(task.step), int(task.skipped)) == (9, 2)
  # Of the five even and four odd steps, one each was skipped.
  assert [int(o.iterations) for o in task.optimizers.values()] == [4, 3]
  means = tensorboard(tmp_path / "a", "train/loss")
  assert np.isfinite(means).all() and len(means) == 3

  run, task, data = gan(tmp_path / "b", bad_steps=[1, 4, 8], skip_nonfinite=2)
  with pytest.raises(
    callbacks.NonFiniteError,
    match="at step 8 after 2 steps that were skipped",
  ):
    fit(run, task, data)


def tensorboard(out, tag):
  return [
    tf.make_ndarray(value.tensor)
    for path in (out / "tensorboard").iterdir()
    for event in tf.compat.v1.train.summary_iterator(str(path))
    for value in event.summary.value
    if value.tag == tag
  ]


class Interrupt(keras.callbacks.Callback):
  def on_train_batch_end(self, batch, logs):
    if int(self.model.step.numpy()) == 5:
      raise KeyboardInterrupt


def test_what_was_skipped_is_counted_over_a_resume(tmp_path):
  options = {"bad_steps": [1, 7], "skip_nonfinite": 2}
  run, unbroken, data = gan(tmp_path / "a", **options)
  fit(run, unbroken, data)
  run, task, data = gan(tmp_path / "b", **options)
  with pytest.raises(KeyboardInterrupt):
    fit(run, task, data, extra_callbacks=[Interrupt()])
  run, task, data = gan(tmp_path / "b", **options)
  fit(run, task, data)
  assert int(task.skipped) == 2
  assert ring_gan.digest(task) == ring_gan.digest(unbroken)


def test_all_optimizers_are_in_the_checkpoint(tmp_path):
  run, task, data = gan(tmp_path)
  fit(run, task, data)
  last = tf.train.latest_checkpoint(tmp_path / "checkpoints")
  names = [name for name, _ in tf.train.list_variables(last)]
  for name in ("critic", "generator"):
    # The count of its steps and two moments of six weights, at least.
    slots = [n for n in names if n.startswith(f"optimizer/{name}/")]
    assert len(slots) >= 13
  for part in ("critic", "generator", "averages", "step"):
    assert any(name.startswith(f"{part}/") for name in names)


def test_a_checkpoint_of_another_kind_of_task_is_told(tmp_path):
  fit(*gan(tmp_path))
  run = training.Run(out=tmp_path, steps=9, interval=3, seed=1)
  with training.prepare(run).scope():
    network = models.SRCNN(filters=(4, 4), kernels=(3, 1, 3))
    network.build()
    task = regression.Regression(network, distances.get("mse"))
  image = np.zeros((20, 20, 1), np.float32)
  data = crops.PairedCrops([(image, image)], patch=8, batch=1, seed=0)
  with pytest.raises(ValueError, match="of another kind of task") as caught:
    training.fit(task, data, run)
  assert "it holds averages, critic, generator, opt" in str(caught.value)
  assert "and this task has network, optimizer, step" in str(caught.value)
  assert not any(map(np.any, [w.numpy() for w in task.optimizer.variables()]))


def test_a_task_of_two_optimizers_says_so_where_none_is_given(tmp_path):
  run, task, data = gan(tmp_path)
  with pytest.raises(ValueError, match="critic, generator"):
    training.fit(task, data, run)


def start(out, kill_at=-1, strategy="none"):
  arguments = [out, f"{out}.log", str(kill_at), strategy]
  return forked.run("tests.tasks.ring_gan", *arguments)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
  """Returns what unbroken runs print and log, by strategy."""
  found = {}

  def of(strategy):
    if strategy not in found:
      out = tmp_path_factory.mktemp(strategy) / "run"
      done = start(out, strategy=strategy)
      assert done.returncode == 0, done.stderr
      log = out.with_name("run.log").read_text().splitlines()
      found[strategy] = (done.stdout.splitlines()[-1], log)
    return found[strategy]

  return of


# Checkpoints are of steps 3, 6, 9, 12 and 15: killed in a turn of the critic
# (even) or the generator (odd), a run goes on with a turn of either.
@pytest.mark.parametrize(
  ("kill_at", "strategy"),
  [
    (4, "none"), (5, "none"), (7, "none"), (10, "none"), (16, "none"),
    (11, "mirrored"), (8, "spoiled"),
  ],
)  # fmt: skip
def test_a_run_killed_in_either_turn_ends_as_if_never_interrupted(
  tmp_path, unbroken, kill_at, strategy
):
  expected, log = unbroken(strategy)
  out = tmp_path / "run"
  killed = start(out, kill_at, strategy)
  assert killed.returncode == -signal.SIGKILL, killed.stderr
  assert (tmp_path / "run.log").read_text().splitlines() == log[: kill_at + 1]
  (tmp_path / "run.log").unlink()
  resumed = start(out, strategy=strategy)
  assert resumed.returncode == 0, resumed.stderr
  assert resumed.stdout.splitlines()[-1] == expected
  tail = (tmp_path / "run.log").read_text().splitlines()
  assert tail == log[kill_at // ring_gan.INTERVAL * ring_gan.INTERVAL :]


def test_replicas_skip_alike(unbroken):
  _, log = unbroken("spoiled")
  bad = [int(line.split()[0]) for line in log if "nan" in line]
  assert bad == [4, 7]


def test_the_generator_finds_the_ring(tmp_path):
  run = training.Run(out=tmp_path, steps=1200, interval=1200, seed=0)
  with training.prepare(run).scope():
    task = ring_gan.make(0, width=32)
  optimizers = ring_gan.optimizers(3e-3)
  training.fit(task, ring_gan.Ring(128, 0), run, optimizer=optimizers)
  noise = tf.random.stateless_normal([500, ring_gan.LATENTS], [0, 9])
  points = task.generator(noise).numpy()
  # It starts near the origin.
  assert np.median(np.abs(np.linalg.norm(points, axis=1) - 1)) < 0.15
