"""`tfpercept weights`: trained weights, their places and their sources."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tfpercept import offers
from tfpercept.cli import deferred, output

if TYPE_CHECKING:
  import numpy as np

  from tfpercept import weights
  from tfpercept.io import files
else:
  np = deferred.module("numpy")
  files = deferred.module("tfpercept.io.files")
  weights = deferred.module("tfpercept.weights")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "weights",
    help="list, fetch, verify and pack trained weights",
    description="Manages weights that do not come with the package. They are "
    "looked for in the folder TFPERCEPT_WEIGHTS, then in the folder tfpercept "
    "of XDG_CACHE_HOME, which is ~/.cache by default.",
  )
  actions = parser.add_subparsers(required=True, metavar="action")

  listing = actions.add_parser("list", help="list weights and their state")
  listing.set_defaults(run=_list)

  fetch = actions.add_parser("fetch", help="download weights")
  fetch.add_argument(
    "names", nargs="+", metavar="NAME", help="name that `list` prints"
  )
  fetch.add_argument(
    "--into", metavar="FOLDER", help="folder to write to (default: the cache)"
  )
  fetch.add_argument(
    "--from",
    dest="source",
    metavar="FILE",
    help="copy of the file, or of the archive that holds it, to use instead of "
    "a download",
  )
  fetch.set_defaults(run=_fetch)

  verify = actions.add_parser(
    "verify", help="check all weights that are present"
  )
  verify.set_defaults(run=_verify)

  pack = actions.add_parser("pack", help="convert a .pth or .ckpt to an .npz")
  pack.add_argument("source", metavar="SOURCE", help="file to read, or name")
  pack.add_argument("out", metavar="OUT", help=".npz file to write")
  pack.add_argument(
    "--dtype",
    choices=offers.PACKED,
    default="float32",
    help="dtype of the numbers in the file (default: float32)",
  )
  pack.set_defaults(run=_pack)


def _list(arguments: argparse.Namespace) -> int:
  del arguments
  rows = [("name", "bytes", "here", "licence")]
  for source in weights.manifest().values():
    rows.append(
      (source.name, str(source.bytes), _state(source), source.licence)
    )
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  for name, size, *rest in rows:
    state, licence = rest
    print(
      f"{name:{widths[0]}}  {size:>{widths[1]}}  {state:{widths[2]}}  {licence}"
    )
  return 0


def _state(source: weights.Source) -> str:
  try:
    found = weights.present(source)
  except ValueError:
    return "damaged"
  if not found:
    return "no"
  return "shipped" if source.shipped else "yes"


def _fetch(arguments: argparse.Namespace) -> int:
  if arguments.source and len(arguments.names) > 1:
    raise ValueError("--from gives one file; fetch one name at a time with it")
  failed = 0
  for name in arguments.names:
    try:
      path = weights.fetch(name, folder=arguments.into, source=arguments.source)
      print(f"{name}: {path}")
    except (ValueError, OSError) as error:
      print(f"{name}: not fetched: {error}", file=sys.stderr)
      failed += 1
  done = len(arguments.names) - failed
  return output.status(failures=failed, results=done)


def _verify(arguments: argparse.Namespace) -> int:
  del arguments
  wrong = 0
  for source in weights.manifest().values():
    try:
      found, is_published = weights.verify(source)
      for path in found:
        state = "as published" if is_published else "packed, not checked"
        print(f"{source.name}: {path}: {state}")
    except ValueError as error:
      print(f"{source.name}: {error}", file=sys.stderr)
      wrong += 1
  return 1 if wrong else 0


def _pack(arguments: argparse.Namespace) -> int:
  if not arguments.out.endswith(".npz"):
    raise ValueError(f"packed weights end in .npz; got {arguments.out}")
  files.require_writable(arguments.out)
  if files.resolved(arguments.out) == files.resolved(arguments.source):
    raise ValueError(
      f"{arguments.out} is itself the file to read; name another one"
    )
  arrays = weights.load(arguments.source)
  packed = weights.packed(arrays, arguments.dtype)
  restored = weights.unpacked(packed)
  error = max(
    (
      float(np.abs(restored[name] - array).max(initial=0))
      for name, array in arrays.items()
      if array.dtype.kind == "f"  # others stay as they are
    ),
    default=0.0,
  )
  with (
    files.atomic(arguments.out) as temporary,
    open(temporary, "wb") as file,
  ):
    np.savez_compressed(file, **packed)
  print(f"{arguments.out}: {len(arrays)} arrays, largest error {error:.2g}")
  return 0
