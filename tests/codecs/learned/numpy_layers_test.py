"""Convolutions in NumPy are those of the reference decoder, however cut up."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfpercept.codecs.learned import numpy_layers, reference_transforms

ROOT = pathlib.Path(__file__).parents[3]


def as_is(sums):
  return sums


def arrays(*shapes):
  random = np.random.default_rng(0)
  return [random.integers(-9, 9, s).astype(np.float32) for s in shapes]


@pytest.fixture(params=[1, 700, 1 << 20])
def strip(request, monkeypatch):
  """Bytes of windows at a time: a row, a few, and all."""
  monkeypatch.setattr(numpy_layers, "_STRIP", request.param)


@pytest.fixture(params=["", "1"])
def threads(request, monkeypatch):
  monkeypatch.setenv("OPENBLAS_NUM_THREADS", request.param)
  numpy_layers._pool.cache_clear()
  yield request.param
  numpy_layers._pool.cache_clear()


@pytest.mark.parametrize(
  ("count", "threads"), [("1", 1), ("3", 3), ("0", 1), ("many", 1)]
)
def test_the_environment_says_how_many_threads(monkeypatch, count, threads):
  monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
  monkeypatch.setenv(numpy_layers.THREADS, count)
  numpy_layers._pool.cache_clear()
  try:
    pool = numpy_layers._pool()
    assert (1 if pool is None else pool._max_workers) == threads
  finally:
    numpy_layers._pool.cache_clear()


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (16, 7)])
@pytest.mark.parametrize("side", [1, 3, 5])
def test_a_convolution_is_that_of_the_reference(strip, threads, size, side):
  x, kernel = arrays((*size, 3), (side, side, 3, 4))
  found = numpy_layers.convolved(x, kernel, as_is)
  wanted = reference_transforms.convolved(x, kernel)
  np.testing.assert_array_equal(found, wanted)  # whole numbers


@pytest.mark.parametrize("size", [(2, 2), (6, 10), (16, 4)])
def test_a_stride_takes_every_second_output(strip, threads, size):
  x, kernel = arrays((*size, 3), (5, 5, 3, 4))
  found = numpy_layers.convolved(x, kernel, as_is, stride=2)
  # With TensorFlow's padding of even sides: 1 before, 2 after.
  shifted = np.pad(x, [(0, 1), (0, 1), (0, 0)])
  wanted = reference_transforms.convolved(shifted, kernel)[1::2, 1::2]
  np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (16, 7)])
def test_a_transposed_convolution_is_that_of_the_reference(
  strip, threads, size
):
  x, kernel = arrays((*size, 3), (5, 5, 4, 3))
  found = numpy_layers.upsampled(x, kernel, as_is)
  wanted = reference_transforms.upsampled(x, kernel)
  np.testing.assert_array_equal(found, wanted)


def test_what_follows_sees_all_sums_once(strip):
  x, kernel = arrays((9, 8, 3), (3, 3, 3, 4))
  seen = []

  def doubled(sums):
    seen.append(len(sums))
    return 2 * sums

  found = numpy_layers.convolved(x, kernel, doubled)
  np.testing.assert_array_equal(
    found, 2 * reference_transforms.convolved(x, kernel)
  )
  assert sum(seen) == 72


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked")
def test_a_forked_process_has_threads_of_its_own():
  program = """
import os, signal, sys
sys.argv = ["tfpercept"]
os.sched_getaffinity = lambda _: {0, 1}
import numpy as np
from tfpercept.codecs.learned import numpy_layers
x, kernel = np.ones((64, 64, 8), "f"), np.ones((5, 5, 8, 8), "f")
numpy_layers._STRIP = 1
def total():
  return numpy_layers.convolved(x, kernel, lambda sums: sums).sum()
wanted = total()
child = os.fork()
if not child:
  signal.alarm(3600)  # instead of waiting for ever
  os._exit(int(total() != wanted))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
  done = subprocess.run(
    [sys.executable, "-W", "ignore", "-c", program],
    cwd=ROOT,
    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    check=True,
    capture_output=True,
    text=True,
  )
  assert done.stdout == "0\n"
