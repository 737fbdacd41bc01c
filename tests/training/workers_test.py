"""Processes share a training as one does it, and go on after one was lost."""

import concurrent.futures
import json
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests import forked, ports
from tests.training import killed_run
from tfpercept.training import workers

HOSTS = ["a:1", "b:2"]


def config(kind="worker", index=0, hosts=HOSTS, **cluster):
  return json.dumps(
    {
      "cluster": {"worker": hosts, **cluster},
      "task": {"type": kind, "index": index},
    }
  )


@pytest.mark.parametrize(
  ("given", "expected"),
  [
    (config(), ("worker", 0, 2, True)),
    (config(index=1), ("worker", 1, 2, False)),
    (config(chief=["c:3"]), ("worker", 0, 3, False)),
    (config("chief", chief=["c:3"]), ("chief", 0, 3, True)),
  ],
)
def test_the_first_process_is_the_chief(monkeypatch, given, expected):
  monkeypatch.setenv(workers.CONFIG, given)
  assert workers.place() == workers.Place(*expected)


@pytest.mark.parametrize(
  "given",
  [
    *("", "{", "[]", "{}", '{"cluster": {"worker": ["a:1"]}}'),
    *(config(index=2), config(index=-1), config("evaluator"), config("chief")),
    config("evaluator", evaluator=["d:4"]),
  ],
)
def test_what_names_no_process_is_refused_with_an_example(monkeypatch, given):
  monkeypatch.setenv(workers.CONFIG, given)
  with pytest.raises(ValueError, match=r"needs TF_CONFIG to name all") as info:
    workers.place()
  example = str(info.value).split("such as ")[1].split("; got")[0]
  monkeypatch.setenv(workers.CONFIG, example)
  assert workers.place().count == 2


def test_all_but_the_chief_work_in_a_copy(monkeypatch, tmp_path):
  out = tmp_path / "run"
  (out / "checkpoints").mkdir(parents=True)
  (out / "tensorboard").mkdir()
  (out / "checkpoints" / "ckpt-4.index").write_text("four")
  (out / "run.lock").touch()
  monkeypatch.setenv(workers.CONFIG, config())
  assert workers.folder(out) == out
  monkeypatch.setenv(workers.CONFIG, config(index=1))
  own = workers.folder(out)
  assert own != out and own.name == "run"
  assert [path.name for path in own.iterdir()] == ["checkpoints"]
  assert (own / "checkpoints" / "ckpt-4.index").read_text() == "four"
  new = workers.folder(tmp_path / "new")
  assert not new.exists() and not (tmp_path / "new").exists()


def test_batches_have_to_be_shared_equally():
  strategy = tf.distribute.get_strategy()
  workers.require_equal_shares(strategy, (tf.zeros([3, 1]), tf.zeros([3])))

  class Three:
    num_replicas_in_sync = 3

  workers.require_equal_shares(Three, tf.zeros([6, 2]))
  with pytest.raises(ValueError, match=r"batches of 4 .* by 3 devices"):
    workers.require_equal_shares(Three, tf.zeros([4, 2]))


def test_only_errors_of_the_network_are_taken_for_a_lost_process(
  monkeypatch, tmp_path
):
  gone = tf.errors.UnavailableError(None, None, "reset by peer")
  assert workers.lost(gone, tmp_path, 4) is gone  # since there is no other
  monkeypatch.setattr(workers._Process, "strategy", object())
  other = tf.errors.InvalidArgumentError(None, None, "shape")
  assert workers.lost(other, tmp_path, 4) is other
  said = str(workers.lost(gone, tmp_path, 4))
  assert f"Step 4 is saved in {tmp_path}; start the same command" in said
  assert "Nothing is saved yet" in str(workers.lost(gone, tmp_path, 0))
  own = tmp_path / "own"
  monkeypatch.setattr(workers._Process, "own", (own, tmp_path / "there"))
  said = str(workers.lost(gone, own / "run" / "mse", 4))
  assert f"in {tmp_path / 'there' / 'run' / 'mse'};" in said


def _together(out, log, kill_at=-1):
  """Runs two processes; the second dies at the end of a step."""
  hosts = [f"127.0.0.1:{port}" for port in ports.free(2)]

  def one(index):
    return forked.run(
      "tests.training.killed_run",
      *(out, f"{log}.{index}", kill_at if index else -1, workers.NAME),
      variables={workers.CONFIG: config(index=index, hosts=hosts)},
    )

  with concurrent.futures.ThreadPoolExecutor() as pool:
    return list(pool.map(one, range(2)))


def _losses(log):
  lines = (line.split() for line in log.read_text().splitlines())
  return {int(step): float.fromhex(loss) for step, loss in lines}


def test_two_processes_train_as_one_and_go_on_after_one_was_killed(tmp_path):
  alone = forked.run(
    "tests.training.killed_run", tmp_path / "one", tmp_path / "one.log", -1,
    "none",
  )  # fmt: skip
  assert alone.returncode == 0, alone.stderr
  unbroken = _together(tmp_path / "a", tmp_path / "a.log")
  assert [done.returncode for done in unbroken] == [0, 0], unbroken
  assert "replicas 2" in unbroken[0].stdout
  # All end with the same weights, and those of one process but for rounding.
  ends = [done.stdout.splitlines()[-2:] for done in unbroken]
  assert ends[0] == ends[1]
  losses = [_losses(tmp_path / name) for name in ("one.log", "a.log.0")]
  np.testing.assert_allclose(*(list(x.values()) for x in losses), rtol=1e-4)
  assert list(losses[1]) == list(range(killed_run.STEPS))

  chief, killed = _together(tmp_path / "b", tmp_path / "b.log", kill_at=10)
  assert killed.returncode == -signal.SIGKILL, killed.stderr
  assert chief.returncode == 1
  assert "another process of this training is gone" in chief.stderr
  assert f"Step 8 is saved in {tmp_path / 'b'}" in chief.stderr
  resumed = _together(tmp_path / "b", tmp_path / "c.log")
  assert [done.returncode for done in resumed] == [0, 0], resumed
  assert [done.stdout.splitlines()[-2:] for done in resumed] == ends
  assert min(_losses(tmp_path / "c.log.0")) == 8
