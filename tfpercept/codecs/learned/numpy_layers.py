"""Convolutions in NumPy, strip by strip, as products of matrices.

A row of such a matrix is the window of inputs that an output sees. Windows of
neighbors overlap, so the matrix of a strip is made, multiplied and forgotten
while it is in the cache of a processor.

Strips run on several threads where the libraries of NumPy are told to use one
each (`OPENBLAS_NUM_THREADS=1`), as the command `tfpercept` does. Otherwise they
run one after the other, and a library may spread each product over its threads.
Its threads wait for each other at every product, which is several times slower
on a machine that others use.
"""

import concurrent.futures
import functools
import os
from collections.abc import Callable

import numpy as np

_STRIP = 1 << 20  # bytes of windows at a time
THREADS = "TFPERCEPT_THREADS"
"""Variable of the environment with the most threads of a process."""
_MOST_THREADS = 16

Finish = Callable[[np.ndarray], np.ndarray]
"""Function from sums `[positions, channels]` to outputs, which may change the
sums in place."""


def convolved(
  x: np.ndarray, kernel: np.ndarray, finish: Finish, *, stride: int = 1
) -> np.ndarray:
  """Returns a convolution padded with zeros, `[H/stride, W/stride, out]`.

  Args:
    x: Inputs, float32 `[H, W, in]`, sides multiples of `stride`.
    kernel: Kernel, float32 `[k, k, in, out]`.
    finish: Function of the sums.
    stride: Stride, 1 or 2. Padding is that of TensorFlow's "SAME".
  """
  size, _, inputs, outputs = kernel.shape
  before = (size - stride) // 2
  after = size - stride - before
  windows = _windows(_padded(x, before, after), size, stride)
  height, width = windows.shape[:2]
  matrix = kernel.reshape(size * size * inputs, outputs)
  out = np.empty((height, width, outputs), np.float32)

  def work(rows: slice) -> None:
    flat = windows[rows].reshape(-1, len(matrix))
    out[rows] = finish(flat @ matrix).reshape(-1, width, outputs)

  _in_strips(work, height, flat_bytes=4 * width * len(matrix))
  return out


def upsampled(x: np.ndarray, kernel: np.ndarray, finish: Finish) -> np.ndarray:
  """Returns a transposed convolution of 5x5 and stride 2, `[2H, 2W, out]`.

  Args:
    x: Inputs, float32 `[H, W, in]`.
    kernel: Kernel, float32 `[5, 5, out, in]`.
    finish: Function of the sums.
  """
  height, width, _ = x.shape
  outputs = kernel.shape[2]
  windows = _windows(_padded(x, 1, 1), 3, 1)
  # Even rows of outputs see two rows of inputs, which are the first of a
  # window; odd ones see all three.
  phases = _phases(kernel)
  out = np.empty((height, 2, width, 2 * outputs), np.float32)

  def work(rows: slice) -> None:
    flat = windows[rows].reshape(-1, len(phases[1]))
    for phase, matrix in enumerate(phases):
      sums = flat[:, : len(matrix)] @ matrix
      made = finish(sums.reshape(-1, outputs))
      out[rows, phase] = made.reshape(-1, width, 2 * outputs)

  _in_strips(work, height, flat_bytes=4 * width * len(phases[1]))
  return out.reshape(2 * height, 2 * width, outputs)


def _phases(kernel: np.ndarray) -> list[np.ndarray]:
  """Returns the matrices of even and of odd rows, `[inputs, 2 out]` each.

  Their columns are those of even and of odd columns of outputs.
  """
  _, _, outputs, inputs = kernel.shape
  # Phase a sees input j of 3 through row a + 3 - 2 j of the kernel.
  kernel = np.pad(kernel, [[1, 0], [1, 0], [0, 0], [0, 0]])
  kernel = kernel.reshape(3, 2, 3, 2, outputs, inputs)[::-1, :, ::-1]
  kernel = kernel.transpose(1, 0, 2, 5, 3, 4)  # [a, j, i, in, b, out]
  kernel = kernel.reshape(2, 9 * inputs, 2 * outputs)
  return [kernel[0, : 6 * inputs], kernel[1]]


def _padded(x: np.ndarray, before: int, after: int) -> np.ndarray:
  height, width, channels = x.shape
  whole = np.zeros(
    (height + before + after, width + before + after, channels), np.float32
  )
  whole[before : before + height, before : before + width] = x
  return whole


def _windows(x: np.ndarray, size: int, stride: int) -> np.ndarray:
  """Returns a view `[rows, columns, size, size * channels]` of all windows."""
  height, width, channels = x.shape
  shape = (
    (height - size) // stride + 1,
    (width - size) // stride + 1,
    size,
    size * channels,
  )
  row, column, number = x.strides
  return np.lib.stride_tricks.as_strided(
    x, shape, (stride * row, stride * column, row, number), writeable=False
  )


def _in_strips(
  work: Callable[[slice], None], height: int, *, flat_bytes: int
) -> None:
  """Calls a function with the rows of each strip, all of a height in the end.

  Args:
    work: Function of rows.
    height: Number of rows.
    flat_bytes: Bytes of the windows of a row.
  """
  pool = _pool()
  rows = max(_STRIP // flat_bytes, 1)
  strips = [slice(top, top + rows) for top in range(0, height, rows)]

  def quiet(strip: slice) -> None:
    with unwarned():  # which is of one thread
      work(strip)

  if pool is None or len(strips) == 1:
    for strip in strips:
      quiet(strip)
  else:
    list(pool.map(quiet, strips))


def unwarned() -> np.errstate:
  """Returns a context in which NumPy does not warn of infinity and NaN.

  A forged file may ask for either; who decodes it looks for them at the end.
  """
  return np.errstate(over="ignore", invalid="ignore", divide="ignore")


@functools.cache
def _pool() -> concurrent.futures.Executor | None:
  """Returns the threads of this process; None for one after the other.

  There is one a core if products of matrices have none of their own, or as many
  as `THREADS` says.
  """
  if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
    return None
  asked = os.environ.get(THREADS, "")
  if asked:
    count = int(asked) if asked.isdecimal() else 1
  elif hasattr(os, "sched_getaffinity"):
    count = len(os.sched_getaffinity(0))
  else:
    count = os.cpu_count() or 1
  if count < 2:
    return None
  return concurrent.futures.ThreadPoolExecutor(min(count, _MOST_THREADS))


if hasattr(os, "register_at_fork"):  # not on Windows
  # A forked process has none of the threads, and would wait for them for ever.
  os.register_at_fork(after_in_child=_pool.cache_clear)
