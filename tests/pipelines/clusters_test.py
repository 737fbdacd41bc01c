"""Clusters lose a process and no picture.

`make test-clusters` runs this; elsewhere it is skipped, since Spark takes half
a gigabyte and a Java runtime. TFPERCEPT_CLUSTER_PICTURES=200 has it take more.
"""

import contextlib
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from pipelines import jobs
from tests import ports
from tfpercept.io import files

COUNT = int(os.environ.get("TFPERCEPT_CLUSTER_PICTURES", "40"))
BAD = (3, 7, 19)
ROOT = pathlib.Path(__file__).parents[2]


def _needs(module):
  return pytest.mark.skipif(
    importlib.util.find_spec(module) is None,
    reason=f"{module} is not installed; `make test-clusters` runs this",
  )


@contextlib.contextmanager
def _started(folder, command, **environment):
  """Starts a daemon, whose log goes to a file."""
  with open(folder / f"{os.urandom(4).hex()}.log", "w") as log:
    process = subprocess.Popen(
      command,
      stdout=log,
      stderr=subprocess.STDOUT,
      env=os.environ | environment,
      cwd=folder,
      start_new_session=True,
    )
  try:
    yield process
  finally:
    with contextlib.suppress(ProcessLookupError):
      os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _spark(folder, name, *arguments):
  home = pathlib.Path(importlib.util.find_spec("pyspark").origin).parent
  program = home / "bin" / "spark-class"
  return _started(
    folder,
    [program, f"org.apache.spark.deploy.{name}", *arguments],
    SPARK_HOME=str(home),
    SPARK_NO_DAEMONIZE="1",
  )


def _dask(folder, name, *arguments):
  """Starts a daemon of Dask, which finds the package as Spark's do."""
  return _started(
    folder,
    [sys.executable, "-m", f"distributed.cli.{name}", *arguments],
    PYTHONPATH=os.pathsep.join([str(ROOT), *sys.path]),
  )


@pytest.fixture
def spark(tmp_path):
  """A master and two workers of one core on this machine."""
  folder = tmp_path / "cluster"
  folder.mkdir()
  (port,) = ports.free()
  master = f"spark://127.0.0.1:{port}"
  common = ("--host", "127.0.0.1", "--webui-port", "0")
  with contextlib.ExitStack() as stack:
    stack.enter_context(
      _spark(folder, "master.Master", *common, "--port", str(port))
    )
    for number in range(2):
      place = folder / f"worker{number}"
      stack.enter_context(
        _spark(
          folder, "worker.Worker", *common, "--cores", "1", "--memory", "1g",
          "--work-dir", str(place), master,
        )
      )  # fmt: skip
    yield master, lambda: _executors(folder)


@pytest.fixture
def dask(tmp_path):
  """A scheduler and two workers of one thread on this machine."""
  folder = tmp_path / "cluster"
  folder.mkdir()
  (port,) = ports.free()
  master = f"tcp://127.0.0.1:{port}"
  with contextlib.ExitStack() as stack:
    stack.enter_context(
      _dask(
        folder, "dask_scheduler", "--host=127.0.0.1", f"--port={port}",
        "--no-dashboard", "--no-show",
      )
    )  # fmt: skip
    flags = ("--nthreads=1", "--no-nanny", "--no-dashboard", "--host=127.0.0.1")
    workers = [
      stack.enter_context(_dask(folder, "dask_worker", master, *flags))
      for _ in range(2)
    ]
    yield master, lambda: [worker.pid for worker in workers]


@pytest.fixture
def pictures(tmp_path_factory, photograph):
  folder = tmp_path_factory.mktemp("pictures")
  for number in range(COUNT):
    path = folder / f"{number % 5}" / f"{number:04d}.png"
    files.write_image(path, photograph(64, 80, seed=number))
    if number in BAD:
      path.write_bytes(path.read_bytes()[: 40 + number])
  return folder


@contextlib.contextmanager
def _command(pictures, out, *flags):
  """Yields a running command and its output, and leaves none behind."""
  log = out.with_suffix(".log")
  with open(log, "wb") as file:  # a pipe that nobody reads would fill up
    started = _launched(file, pictures, out, *flags)
  try:
    yield started, log
  finally:
    with contextlib.suppress(ProcessLookupError):
      os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def _launched(log, pictures, out, *flags):
  return subprocess.Popen(
    [
      *(sys.executable, "-m", "pipelines.compress", f"--input={pictures}"),
      *(f"--output={out}", "--chunk=2", *flags),
    ],
    cwd=ROOT,
    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    stdout=log,
    stderr=subprocess.STDOUT,
    start_new_session=True,
  )


def _executors(folder):
  """Returns the processes of the executors of the cluster of a folder."""
  found = []
  for place in pathlib.Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(OSError):
      is_one = (
        b"CoarseGrainedExecutorBackend" in (place / "cmdline").read_bytes()
      )
      # Executors work in the folder of their worker.
      if is_one and folder in pathlib.Path(os.readlink(place / "cwd")).parents:
        found.append(int(place.name))
  return found


@pytest.mark.parametrize(
  "engine",
  [
    pytest.param("spark", marks=_needs("pyspark")),
    pytest.param("dask", marks=_needs("distributed")),
  ],
)
def test_a_lost_process_costs_nothing(engine, pictures, tmp_path, request):
  master, processes = request.getfixturevalue(engine)
  local, out = tmp_path / "local", tmp_path / "cluster_made"
  with _command(pictures, local, "--workers=1") as (alone, expected):
    assert alone.wait() == 1, expected.read_text()  # three are damaged
  flags = f"--engine={engine}", f"--master={master}"
  killed = False
  with _command(pictures, out, *flags) as (done, printed):
    while done.poll() is None:
      if not killed and len(list(out.glob("*/*.tfp"))) > COUNT // 4:
        for process in processes()[:1]:
          with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            killed = True
      time.sleep(0.05)
  assert done.returncode == 1, printed.read_text()
  assert killed
  count = COUNT - len(BAD)
  said = f"{count} of {COUNT} pictures compressed"
  assert said in printed.read_text()
  assert f"{said}, 0 " in expected.read_text()
  made = {
    # What a process had begun when it was killed lies in a hidden folder.
    place: {p.relative_to(place): p.read_bytes() for p in place.glob("*/*.tfp")}
    for place in (tmp_path / "local", out)
  }
  assert len(made[out]) == count
  assert made[out] == made[tmp_path / "local"]
  failed = (out / jobs.FOLDER / jobs.FAILED).read_text().splitlines()
  names = sorted(json.loads(line)["name"] for line in failed)
  assert names == sorted(f"{n % 5}/{n:04d}.png" for n in BAD)
