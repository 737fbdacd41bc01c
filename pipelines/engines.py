"""The processes that do a job: those of this machine, or of a cluster.

Spark, run as its standalone cluster, and Dask were chosen since they start the
work of a lost process again elsewhere; a process of this machine that is killed
ends the command, and the same command goes on.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from pipelines import jobs
from programs import program
from tfpercept import extras
from tfpercept.codecs.learned import numpy_layers
from tfpercept.io import messages

Progress = Callable[[int], None]
"""A function that is called with the number of pictures that are done."""
_POLL = 0.5  # seconds between looks at what is done
_ROOT = pathlib.Path(__file__).parents[1]
# One process a core is enough; threads of each would only get in the way.
_THREADS = (
  "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
  numpy_layers.THREADS,
)  # fmt: skip


def local(job: jobs.Job, *, workers: int, progress: Progress) -> None:
  """Does the chunks that are left, by processes of this machine.

  Args:
    job: The job.
    workers: Number of processes; 0 for one a core.
    progress: Function called as chunks are done.

  Raises:
    ProgramError: if a process died, as when the memory is used up.
    OSError: if the file of a chunk cannot be written.
  """
  left = _left(job, progress)
  if not left:
    return
  count = job.count - sum(len(chunk.items) for chunk in left)
  processes = min(workers or os.cpu_count() or 1, len(left))
  with (
    _single_threaded(),
    concurrent.futures.ProcessPoolExecutor(
      processes, multiprocessing.get_context("spawn"), _end_with_parent
    ) as pool,
  ):
    alone = dataclasses.replace(job, chunks=())
    waiting = [pool.submit(jobs.do, alone, chunk) for chunk in left]
    try:
      for done in concurrent.futures.as_completed(waiting):
        count += done.result()
        progress(count)
    except concurrent.futures.process.BrokenProcessPool as error:
      raise program.ProgramError(
        "a process died; if memory was used up, give fewer --workers. The same "
        "command goes on where this one stopped"
      ) from error
    except BaseException:
      pool.shutdown(wait=False, cancel_futures=True)
      raise


def spark(job: jobs.Job, *, master: str, progress: Progress) -> None:
  """Does the chunks that are left, by a Spark cluster.

  All machines of the cluster reach the pictures and the output by the same
  paths, and have this package and its Python at the same place.

  Args:
    job: The job.
    master: Address of the cluster, such as `spark://host:7077`, or
      `local[2]`.
    progress: Function called as chunks are done.

  Raises:
    ProgramError: if Spark gave up, such as after a chunk has ended four
      executors.
    ImportError: if PySpark is not installed.
  """
  left = _left(job, progress)
  if not left:
    return
  with extras.needed("--engine=spark"):
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException

  conf = SparkConf().setMaster(master).setAppName("tfpercept")
  conf.set("spark.ui.enabled", "false").set("spark.logLineage", "false")
  conf.set("spark.executorEnv.PYTHONPATH", str(_ROOT))
  for name in _THREADS:
    conf.set(f"spark.executorEnv.{name}", "1")
  os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
  context = None
  try:
    context = SparkContext(conf=conf)
    context.setLogLevel("ERROR")
    chunks = context.parallelize(left, len(left))
    alone = dataclasses.replace(job, chunks=())
    with _told(job, progress):
      chunks.foreach(functools.partial(_do, alone))
  except (PySparkException, Py4JError) as error:
    raise program.ProgramError(
      f"Spark gave up ({messages.first_line(error)}); the same command goes on "
      "where this one stopped"
    ) from error
  finally:
    if context is not None:
      context.stop()


def dask(job: jobs.Job, *, master: str, progress: Progress) -> None:
  """Does the chunks that are left, by a Dask cluster.

  What all machines need is that of `spark`; one thread a worker is enough.

  Args:
    job: The job.
    master: Address of the scheduler, such as `tcp://host:8786`.
    progress: Function called as chunks are done.

  Raises:
    ProgramError: if there is no scheduler, or if a chunk has ended four workers
      or failed.
    ImportError: if Dask is not installed.
  """
  left = _left(job, progress)
  if not left:
    return
  with extras.needed("--engine=dask"):
    import distributed

  alone = dataclasses.replace(job, chunks=())
  try:
    with distributed.Client(master) as client, _told(job, progress):
      waiting = client.map(functools.partial(_do, alone), left, pure=False)
      client.gather(waiting)
  except (distributed.KilledWorker, OSError) as error:
    raise program.ProgramError(
      f"Dask gave up ({messages.first_line(error)}); the same command goes on "
      "where this one stopped"
    ) from error


def _left(job: jobs.Job, progress: Progress) -> Sequence[jobs.Chunk]:
  """Returns the chunks that are left, and tells how many pictures are done."""
  left = job.left
  progress(job.count - sum(len(chunk.items) for chunk in left))
  return left


def _end_with_parent() -> None:
  """Has a process end when the one that started it does, however that ends."""
  parent = multiprocessing.parent_process()
  if parent is None:
    return

  def wait() -> None:
    parent.join()
    os._exit(1)

  threading.Thread(target=wait, daemon=True).start()


def _do(job: jobs.Job, chunk: jobs.Chunk) -> None:
  jobs.do(job, chunk)


@contextlib.contextmanager
def _told(job: jobs.Job, progress: Progress) -> Iterator[None]:
  """Tells of progress while others work, by looking at the files of chunks."""
  end = threading.Event()

  def tell() -> None:
    progress(job.count - sum(len(chunk.items) for chunk in job.left))

  def watch() -> None:
    while not end.wait(_POLL):
      tell()

  thread = threading.Thread(target=watch, daemon=True)
  thread.start()
  try:
    yield
  finally:
    end.set()
    thread.join()
  tell()


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
  """Has processes that start meanwhile compute with one thread each."""
  before = {name: os.environ.get(name) for name in _THREADS}
  os.environ.update(dict.fromkeys(_THREADS, "1"))
  try:
    yield
  finally:
    for name, value in before.items():
      if value is None:
        del os.environ[name]
      else:
        os.environ[name] = value
