"""Reads `.npz` files of weights whose contents are not to be trusted."""

import math
import os
import pathlib
import zipfile
import zlib

import numpy as np

MAX_BYTES = 1 << 30
"""A file that is larger, or unpacks to more, is refused."""
_HEADER = 1 << 16  # bytes; longer than any header of a numeric array


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
  """Returns the arrays of a file by name. Pickled objects are not loaded.

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
        return {
          info.filename.removesuffix(".npy"): _array(archive, info)
          for info in entries
        }
    # All that zipfile raises for damage and for what it does not know.
    except (
      ValueError,
      OSError,
      EOFError,
      RuntimeError,
      zipfile.BadZipFile,
      zlib.error,
    ) as error:
      raise ValueError(f"{path} can not be read as weights: {error}") from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
  """Reads one array, once its header is known to tell the truth."""
  with archive.open(info) as file:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
      header = np.lib.format.read_array_header_1_0(file, _HEADER)
    elif version == (2, 0):
      header = np.lib.format.read_array_header_2_0(file, _HEADER)
    else:
      raise ValueError(f"{info.filename} has the unknown version {version}")
    shape, fortran, dtype = header
    if dtype.hasobject:
      raise ValueError(f"{info.filename} holds objects; only numbers are read")
    room = info.file_size - file.tell()
    if math.prod(shape) * dtype.itemsize != room:
      raise ValueError(
        f"{info.filename} of shape {shape} and type {dtype} has {room} bytes"
      )
    data = file.read()
  order = "F" if fortran else "C"
  return np.array(np.ndarray(shape, dtype, data, order=order))
