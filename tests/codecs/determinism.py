"""Shows that files decode to the same symbols whatever a process computes with.

    python -m tests.codecs.determinism photographs

Crops of 768x512 of the photographs in some folders are encoded in one process
and decoded in others: by TensorFlow and by NumPy, with other numbers of
threads, libraries and vectors, and by the reference decoder. As a control the
hyper-synthesis runs in floating point too, with the same weights. A table is
printed; the exit status is 1 if a symbol differs, a pixel differs by more than
`LEVELS`, or fewer than `SCALES` scale indexes are in use.
"""

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np

from tests.codecs import symbols_program
from tfpercept import codecs, models
from tfpercept.codecs.learned import model_ids
from tfpercept.io import files

ROOT = pathlib.Path(__file__).parents[2]
SIZE = (512, 768)
LEVELS = 1
"""Of 255: sums of float32 in another order fall on the other side of a half."""
SHARE = 1e-3
"""Of the values that may differ so."""
SCALES = 32
HEADS = (
  "decoder",
  "files with a wrong symbol",
  "values off by",
  "in a share of",
  "in floats: files with a wrong index",
  "with another mean",
)
_THREADS = "TF_NUM_INTRAOP_THREADS"
_BLAS = "OPENBLAS_NUM_THREADS"
_KERNELS = "OPENBLAS_CORETYPE"
BASE = {
  symbols_program.KIND: "tensorflow",
  _THREADS: "2",
  "TF_ENABLE_ONEDNN_OPTS": "1",
  "TF_CPP_MIN_LOG_LEVEL": "3",
}
NUMPY = {symbols_program.KIND: "numpy"}
SETTINGS: Mapping[str, Mapping[str, str]] = {
  "TensorFlow, 2 threads, oneDNN": {},
  "1 thread": {_THREADS: "1"},
  "8 threads": {_THREADS: "8"},
  "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
  "oneDNN, AVX2 at most": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
  "XLA": {symbols_program.KIND: "xla"},
  "NumPy, OpenBLAS on 1 thread, strips on several": {**NUMPY, _BLAS: "1"},
  "OpenBLAS on 2 threads": {**NUMPY, _BLAS: "2"},
  "OpenBLAS for Haswell (AVX2)": {**NUMPY, _KERNELS: "Haswell"},
  "OpenBLAS for Nehalem (SSE4)": {**NUMPY, _KERNELS: "Nehalem"},
  "range coder in Python": {**NUMPY, "TFPERCEPT_PURE": "1"},
  "reference decoder": {symbols_program.KIND: "reference"},
}
"""What a process has instead of `BASE`; with the first one the control in
others is compared."""

Answers = dict[str, dict[str, object]]
"""By stream, what `symbols_program` says of it."""


def crops(folders: Sequence[files.PathLike], count: int) -> list[np.ndarray]:
  """Returns crops of 768x512 or 512x768, one of each photograph in turn.

  A photograph has as many as it takes to cover it.

  Raises:
    ValueError: if there are fewer.
  """
  paths = [path for folder in folders for path in files.list_images(folder)]
  every = [_cover(files.read_image(path)) for path in paths]
  found = [
    crop
    for turn in itertools.zip_longest(*every)
    for crop in turn
    if crop is not None
  ]
  if len(found) < count:
    raise ValueError(
      f"{len(found)} crops of 768x512 are in {list(map(str, folders))}; name "
      f"more folders, or --crops={len(found)}"
    )
  return found[:count]


def _cover(picture: np.ndarray) -> list[np.ndarray]:
  """Returns crops that cover a picture; none if it is too small."""
  height, width = picture.shape[:2]
  size = SIZE if width >= height else SIZE[::-1]
  if height < size[0] or width < size[1]:
    return []
  tops, lefts = (
    np.linspace(0, side - part, -(-side // part)).astype(int)
    for side, part in zip((height, width), size, strict=True)
  )
  return [
    picture[top : top + size[0], left : left + size[1]].copy()
    for top, left in itertools.product(tops, lefts)
  ]


def read(
  settings: Mapping[str, str], model: str, folder: pathlib.Path
) -> Answers:
  """Returns what a process with such settings reads of `folder`."""
  out = folder / "out.json"
  subprocess.run(
    [
      *(sys.executable, "-m", "tests.codecs.symbols_program", model),
      *(folder / "streams.npz", folder / "pictures", out),
    ],
    cwd=ROOT,
    env={**os.environ, **BASE, **settings},
    check=True,
  )
  return json.loads(out.read_text())


def encode(
  model: str,
  pictures: Sequence[np.ndarray],
  qualities: Sequence[float],
  folder: pathlib.Path,
) -> dict[str, str]:
  """Writes streams for `read`; returns the digests of what they should hold.

  Of every third stream the picture is written too.
  """
  codec = codecs.get(f"hyperprior(model={model!r})")
  (folder / "pictures").mkdir()
  streams, digests = {}, {}
  for (i, picture), quality in itertools.product(
    enumerate(pictures), qualities
  ):
    stream = codec.compress(picture, quality=quality)
    name = f"{i}_{quality}"
    if len(streams) % 3 == 0:
      np.save(folder / "pictures" / f"{name}.npy", codec.decompress(stream))
    streams[name] = np.frombuffer(stream, np.uint8)
    digests[name] = codecs.selftest.digest(codec.symbols(stream))
  np.savez(folder / "streams.npz", **streams)
  return digests


def row(
  name: str, digests: Mapping[str, str], first: Answers, found: Answers
) -> dict[str, object]:
  """Returns a line of the table.

  Args:
    name: Name of the settings.
    digests: Digests of the symbols, by stream.
    first: Result of the process that others are compared with.
    found: Result of this process.
  """

  def differing(key: str) -> int | str:
    if any(key not in answer for answer in found.values()):
      return "-"  # without TensorFlow there is no control
    return sum(found[s][key] != first[s][key] for s in found)

  shown = [answer for answer in found.values() if "levels" in answer]
  return {
    "decoder": name,
    "symbols": sum(found[s]["symbols"] != digests[s] for s in digests),
    "levels": max(answer["levels"] for answer in shown),
    "share": max(answer["share"] for answer in shown),
    "indexes in floats": differing("float_indexes"),
    "means in floats": differing("float_means"),
  }


def is_good(line: Mapping[str, object]) -> bool:
  """Whether the codec keeps what it promises."""
  return (
    not line["symbols"] and line["levels"] <= LEVELS and line["share"] <= SHARE
  )


def _line(cells: Sequence[object]) -> str:
  return "| " + " | ".join(map(str, cells)) + " |"


def main() -> int:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("folders", nargs="+")
  parser.add_argument("--model", default="photo_mse")
  parser.add_argument("--crops", type=int, default=60)
  parser.add_argument("--qualities", default="1,4.5,8")
  flags = parser.parse_args()
  qualities = [float(quality) for quality in flags.qualities.split(",")]
  pictures, good = crops(flags.folders, flags.crops), True
  with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    digests = encode(flags.model, pictures, qualities, folder)
    identity = model_ids.identity(models.read_manifest(flags.model)).hex()
    print(
      f"{len(pictures)} crops of 768x512 at qualities {flags.qualities}: "
      f"{len(digests)} files of model {identity}\n"
    )
    print(_line(HEADS), _line(["---"] * len(HEADS)), sep="\n", flush=True)
    first = None
    for name, settings in SETTINGS.items():
      found = read(settings, flags.model, folder)
      first = first or found
      line = row(name, digests, first, found)
      good &= is_good(line)
      line["share"] = f"{line['share']:.1e}"
      print(_line(line.values()), flush=True)
  # The last decoder tells them.
  used = [answer["scales"] for answer in found.values()]
  in_all = len(set().union(*used))
  print(f"\n{in_all} scale indexes are in use, {min(map(len, used))} in a file")
  return 0 if good and in_all >= SCALES else 1


if __name__ == "__main__":
  sys.exit(main())
