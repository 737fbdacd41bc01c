"""A Spark cluster loses an executor and no picture.

`make test-spark` runs this; elsewhere it is skipped, since Spark takes half a
gigabyte and a Java runtime. With TFPERCEPT_SPARK_PICTURES=200 it takes more.
"""

import contextlib
import importlib.util
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from pipelines import jobs
from tfpercept.io import files

COUNT = int(os.environ.get("TFPERCEPT_SPARK_PICTURES", "40"))
BAD = (3, 7, 19)
ROOT = pathlib.Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
  importlib.util.find_spec("pyspark") is None,
  reason="PySpark is not installed; `make test-spark` installs and runs it",
)


def _port():
  with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    return one.getsockname()[1]


@contextlib.contextmanager
def _started(folder, name, *arguments):
  """Starts a daemon of Spark, whose log goes to a file."""
  home = pathlib.Path(importlib.util.find_spec("pyspark").origin).parent
  command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}"]
  with open(
    folder / f"{name.split('.')[0]}-{os.urandom(2).hex()}.log", "w"
  ) as log:
    process = subprocess.Popen(
      [*command, *arguments],
      stdout=log,
      stderr=subprocess.STDOUT,
      env={**os.environ, "SPARK_HOME": str(home), "SPARK_NO_DAEMONIZE": "1"},
      cwd=folder,
      start_new_session=True,
    )
  try:
    yield process
  finally:
    with contextlib.suppress(ProcessLookupError):
      os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
  """A master and two workers of one core on this machine."""
  folder = tmp_path_factory.mktemp("spark")
  port = _port()
  master = f"spark://127.0.0.1:{port}"
  common = ("--host", "127.0.0.1", "--webui-port", "0")
  with contextlib.ExitStack() as stack:
    stack.enter_context(
      _started(folder, "master.Master", *common, "--port", str(port))
    )
    for number in range(2):
      place = folder / f"worker{number}"
      stack.enter_context(
        _started(
          folder, "worker.Worker", *common, "--cores", "1", "--memory", "1g",
          "--work-dir", str(place), master,
        )
      )  # fmt: skip
    yield master, folder


@pytest.fixture
def pictures(tmp_path_factory, photograph):
  folder = tmp_path_factory.mktemp("pictures")
  for number in range(COUNT):
    path = folder / f"{number % 5}" / f"{number:04d}.png"
    files.write_image(path, photograph(64, 80, seed=number))
    if number in BAD:
      path.write_bytes(path.read_bytes()[: 40 + number])
  return folder


def _command(pictures, out, *flags):
  return subprocess.Popen(
    [
      *(sys.executable, "-m", "pipelines.compress", f"--input={pictures}"),
      *(f"--output={out}", "--chunk=2", *flags),
    ],
    cwd=ROOT,
    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
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


def test_a_lost_executor_costs_nothing(cluster, pictures, tmp_path):
  master, folder = cluster
  alone = _command(pictures, tmp_path / "local", "--workers=1")
  expected, said = alone.communicate()
  assert alone.returncode == 1, said  # three of them are damaged
  out = tmp_path / "spark"
  done = _command(pictures, out, "--engine=spark", f"--master={master}")
  killed = False
  while done.poll() is None:
    if not killed and len(list(out.glob("*/*.tfp"))) > COUNT // 4:
      executors = _executors(folder)
      if executors:
        os.kill(executors[0], signal.SIGKILL)
        killed = True
    time.sleep(0.05)
  printed, said = done.communicate()
  assert done.returncode == 1, said
  assert killed
  count = COUNT - len(BAD)
  assert printed.startswith(f"{count} of {COUNT} pictures compressed")
  assert expected.startswith(f"{count} of {COUNT} pictures compressed, 0 ")
  made = {
    # What an executor had begun when it was killed lies in a hidden folder.
    place: {p.relative_to(place): p.read_bytes() for p in place.glob("*/*.tfp")}
    for place in (tmp_path / "local", out)
  }
  assert len(made[out]) == count
  assert made[out] == made[tmp_path / "local"]
  failed = (out / jobs.FOLDER / jobs.FAILED).read_text().splitlines()
  names = sorted(json.loads(line)["name"] for line in failed)
  assert names == sorted(f"{n % 5}/{n:04d}.png" for n in BAD)
