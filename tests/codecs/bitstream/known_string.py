"""A string of a shipped model's tables, by its SHA-256 for every Python.

    python known_string.py

prints which loops were used and fails where the bytes differ. It needs NumPy
and the package alone, so `.ci/wheel_on` runs it without TensorFlow, too.
"""

import hashlib
import importlib.util
import pathlib

import numpy as np

import tfpercept
from tfpercept.codecs.bitstream import escape_symbols, range_coder

SHA256 = "80dbb9eb166ef774f82777fe986005a382356b200629f339d1bf87bb8953dcb5"
"""Of the strings that TensorFlow Compression 2.14.1 writes, one after the
other; escape_symbols_test.py compares."""


def symbols() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
  """Returns arrays of a model's folder, numbers of tables, and symbols."""
  folder = pathlib.Path(tfpercept.__file__).parent / "pretrained" / "photo_mse"
  with np.load(folder / "coding.npz") as file:
    kept = {name: file[name] for name in file.files}
  at = np.arange(20_000, dtype=np.int32)
  which = at * 7919 % len(kept["y_offsets"])
  # Out of reach of the narrow tables now and then.
  return kept, which, at * at % 101 % 17 - 8


def strings() -> tuple[bytes, bytes]:
  """Returns what the range coder at hand writes."""
  kept, which, values = symbols()
  tables = range_coder.Tables(kept["y_tables"])
  far = range_coder.Tables(kept["far_tables"])
  encoder = escape_symbols.FarEncoder(tables, kept["y_offsets"], far)
  encoder.write(which, values)
  written = encoder.finish()
  decoder = escape_symbols.FarDecoder(tables, kept["y_offsets"], far, *written)
  assert (decoder.read(which) == values).all()
  decoder.require_end()
  return written


def main() -> None:
  """Writes the strings, and reads them."""
  assert hashlib.sha256(b"".join(strings())).hexdigest() == SHA256
  loops = "C" if range_coder.is_compiled() else "Python"
  tensorflow = "with" if importlib.util.find_spec("tensorflow") else "without"
  print(f"range coder, loops in {loops}, {tensorflow} TensorFlow: as known")


if __name__ == "__main__":
  main()
