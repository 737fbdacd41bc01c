"""Files and models that are not what they were, with right checksums."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import coding_tables, learned_codec
from tfpercept.io import files

Change = Callable[[np.ndarray], np.ndarray]


def opened(
  data: bytes, codec: learned_codec.Hyperprior
) -> tuple[container.Header, list[bytes]]:
  """Returns the header and the strings of a file."""
  header = container.read_header(data).header
  return container.unpack(
    data,
    codec=header.codec,
    model=codec.identity,
    symbols=codec._coder.counts,
  )


def rewritten(
  data: bytes,
  codec: learned_codec.Hyperprior,
  *,
  strings: Sequence[bytes] | None = None,
  **changes: Any,
) -> bytes:
  """Returns a file with another header, or other strings."""
  header, kept = opened(data, codec)
  return container.pack(dataclasses.replace(header, **changes), strings or kept)


def model(
  folder: pathlib.Path, copy: pathlib.Path, name: str, change: Change
) -> str:
  """Copies a model folder, another array in its `coding.npz`."""
  shutil.copytree(folder, copy)
  with np.load(copy / coding_tables.FILE) as file:
    arrays = dict(file)
  arrays[name] = change(arrays[name])
  np.savez(copy / coding_tables.FILE, **arrays)
  manifest = json.loads((copy / "manifest.json").read_text())
  manifest["files"][coding_tables.FILE] = files.sha256(
    copy / coding_tables.FILE
  )
  (copy / "manifest.json").write_text(json.dumps(manifest))
  return str(copy)


def replaced(at: int, value: float) -> Change:
  """Returns what puts a value in a place of an array."""

  def change(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array[at] = value
    return array

  return change
