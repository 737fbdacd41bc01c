"""A safe reader of `.npz` files of numbers from untrusted sources."""

import collections
import math
import os
import pathlib
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, Literal

import numpy as np

MAX_BYTES = 1 << 30
"""Largest size in bytes of a file, and of its unpacked arrays together."""
_HEADER = 1 << 16  # bytes, more than any header of a numeric array has


def read(
  path: str | os.PathLike, *, numbers_only: bool = False
) -> dict[str, np.ndarray]:
  """Returns the arrays of a file by name. Pickled objects are not loaded.

  Args:
    path: Path of the file.
    numbers_only: If True, arrays of other types, such as text, are left out;
      else the file is refused.

  Raises:
    ValueError: if the file is damaged, too large, or claims to hold more than
      it does.
  """
  path = pathlib.Path(path)
  with open(path, "rb") as file:
    try:
      with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        total = sum(info.file_size for info in entries)
        if max(total, path.stat().st_size) > MAX_BYTES:
          raise ValueError(f"it unpacks to more than {MAX_BYTES} bytes")
        counts = collections.Counter(
          info.filename.removesuffix(".npy") for info in entries
        )
        if twice := sorted(name for name, n in counts.items() if n > 1):
          raise ValueError(f"it names {', '.join(twice)} twice")
        arrays = {
          info.filename.removesuffix(".npy"): _array(
            archive, info, numbers_only
          )
          for info in entries
        }
        return {k: array for k, array in arrays.items() if array is not None}
    # All errors that zipfile raises for damage and for unknown features.
    except (
      ValueError,
      OSError,
      EOFError,
      RuntimeError,
      zipfile.BadZipFile,
      zlib.error,
    ) as error:
      raise ValueError(f"{path} cannot be read as weights: {error}") from error


def header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
  """Reads the header of a `.npy` file.

  Returns:
    The shape, True for Fortran order, and the type.

  Raises:
    ValueError: if there is no header, or it is damaged.
  """
  version = np.lib.format.read_magic(file)
  readers: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
  }
  if version not in readers:
    raise ValueError(f"an array file of the unknown version {version}")
  try:
    shape, fortran, dtype = readers[version](file, _HEADER)
  # NumPy parses the header as a literal and lets the errors of that through.
  except (
    TypeError,
    LookupError,
    SyntaxError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
  ) as error:
    raise ValueError(f"a damaged header of an array ({error!r})") from error
  if not all(type(n) is int and n >= 0 for n in shape):
    raise ValueError(f"an array of the impossible shape {shape}")
  return shape, fortran, dtype


def _array(
  archive: zipfile.ZipFile, info: zipfile.ZipInfo, numbers_only: bool
) -> np.ndarray | None:
  """Reads one array after a check that its header fits its size."""
  if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    raise ValueError(f"{info.filename} has a compression that NumPy never uses")
  with archive.open(info) as file:
    shape, fortran, dtype = header(file)
    # The check of the size below would not catch text of length 0: any number
    # of such items takes no bytes.
    if dtype.kind not in "biuf":
      if numbers_only:
        return None
      what = "objects" if dtype.hasobject else f"{dtype!s:.80}"
      raise ValueError(f"{info.filename} holds {what}; only numbers are read")
    room = info.file_size - file.tell()
    if math.prod(shape) * dtype.itemsize != room:
      raise ValueError(
        f"{info.filename} of shape {shape} and type {dtype} has {room} bytes"
      )
    data = file.read()
  order: Literal["F", "C"] = "F" if fortran else "C"
  return np.array(np.ndarray(shape, dtype, data, order=order))
