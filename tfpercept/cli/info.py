"""`tfpercept info`: headers of .tfp files."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from tfpercept.cli import (
  batch_files,
  compress,
  decompress,
  deferred,
  folders,
  output,
)

if TYPE_CHECKING:
  from tfpercept.codecs import files as codec_files
  from tfpercept.codecs.bitstream import container
  from tfpercept.codecs.learned import model_lookup
else:
  codec_files = deferred.module("tfpercept.codecs.files")
  container = deferred.module("tfpercept.codecs.bitstream.container")
  model_lookup = deferred.module("tfpercept.codecs.learned.model_lookup")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "info",
    help="describe .tfp files",
    description="Prints size, quality and model of .tfp files, whether they "
    "are lossless, and whether they are complete. No picture is decoded.",
  )
  parser.add_argument(
    "sources",
    nargs="+",
    metavar="FILE",
    help=".tfp file, folder of such files, or - for standard input",
  )
  parser.add_argument(
    "--recursive",
    action="store_true",
    help="take the files in folders below a folder, too",
  )
  decompress.add_model(parser)
  output.add(parser, tuple(_FORMATS))
  parser.set_defaults(run=_info)


def _info(arguments: argparse.Namespace) -> int:
  output.check(arguments)
  known = model_lookup.KnownModels(arguments.model)
  found, failures = {}, {}
  for source in arguments.sources:
    path = pathlib.Path(source)
    is_stream = source == batch_files.STREAM
    try:
      paths = (
        _coded(path, arguments.recursive) if os.path.isdir(path) else [path]
      )
    except (ValueError, OSError) as error:
      failures[source] = str(error)
      continue
    for path in paths:
      name = "standard input" if is_stream else str(path)
      try:
        data = codec_files.read_bytes(
          sys.stdin.buffer if is_stream else path, container.MAX_BYTES
        )
        found[name] = _described(data, known)
      except (ValueError, OSError) as error:
        failures[name] = str(error)
  if found:
    output.emit(arguments, _FORMATS[arguments.format](found))
  for name, why in failures.items():
    print(f"{name}: not read: {why}", file=sys.stderr)
  if not found:
    return 2
  return int(bool(failures) or any(f["damage"] for f in found.values()))


def _coded(folder: pathlib.Path, is_recursive: bool) -> list[pathlib.Path]:
  """Returns the files of a folder; notes what is passed over."""
  folders.tell_passed_over(
    folder, (compress.SUFFIX,), is_recursive=is_recursive
  )
  return decompress.find_coded(folder, is_recursive=is_recursive)


def _described(data: bytes, known: model_lookup.KnownModels) -> dict[str, Any]:
  """Returns the header of a file as JSON values."""
  description = container.read_header(data)
  header = description.header
  names = {number: name for name, number in container.CODEC_IDS.items()}
  payloads = {number: name for name, number in container.PAYLOADS.items()}
  return {
    "bytes": len(data),
    "width": header.width,
    "height": header.height,
    "channels": 1 if header.grey else 3,
    "bpp": 8 * len(data) / (header.width * header.height),
    "quality": header.quality / container.STEPS if header.quality else None,
    "codec": names[header.codec],
    "lossless": header.is_lossless,
    "payload": payloads[header.payload] if header.is_lossless else None,
    "model": header.model.hex() or None,
    "model_name": known.name(header),
    "integer": header.integer,
    "seed": header.seed,
    "tile": header.tile and {
      "side": header.tile.side, "overlap": header.tile.overlap
    },
    "strings": list(description.lengths),
    "damage": description.damage,
  }  # fmt: skip


def _model(about: dict[str, Any]) -> str:
  """Returns the model of a file in words."""
  if about["lossless"]:
    return "none; every model's decoder reads it"
  name = about["model_name"] or "none that is here; give it by --model"
  return f"{about['model']}, {name}"


def _to_text(found: dict[str, dict[str, Any]]) -> str:
  return "\n\n".join(_block(name, about) for name, about in found.items())


def _block(name: str, about: dict[str, Any]) -> str:
  """Formats one file as lines of a name and a value."""
  kind = "grey" if about["channels"] == 1 else "color"
  quality = about["quality"]
  strings = " + ".join(map(str, about["strings"])) or "unknown"
  lines = {
    "picture": f"{about['width']}x{about['height']}, {kind}",
    "file": f"{about['bytes']} bytes, {about['bpp']:.3f} bits per pixel, of "
    f"which strings {strings}",
    "quality": "the model's only one" if quality is None else f"{quality:g}",
    "model": _model(about),
    "codec": about["codec"] + ", in whole numbers" * about["integer"],
  }
  if about["lossless"]:
    lines["quality"] = "lossless: decoding is exact"
    lines["codec"] = f"{about['codec']}, {_PAYLOADS[about['payload']]}"
  if about["seed"] is not None:
    lines["seed"] = about["seed"]
  if about["tile"]:
    lines["tiles"] = "{side} pixels, overlap {overlap}".format(**about["tile"])
  lines["state"] = "whole"
  if about["damage"]:
    lines["state"] = f"damaged, so nothing is certain: {about['damage']}"
  width = max(map(len, lines))
  return "\n".join(
    [name, *(f"  {word.ljust(width)}  {what}" for word, what in lines.items())]
  )


_PAYLOADS = {"vp8l": "WebP (VP8L)", "png": "PNG", "samples": "plain samples"}
_FORMATS = {
  "table": _to_text,
  "json": lambda found: json.dumps(
    [{"file": name, **about} for name, about in found.items()], indent=2
  ),
}
