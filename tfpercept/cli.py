"""The `tfpercept` command, for people who have files rather than code.

    tfpercept evaluate --model=runs/a --scale=4 photos/
    tfpercept list

Exit status: 0 when all went well, 1 when some files could not be used, 2 when
the command could not be carried out.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from tfpercept import __version__, distances, files, weights
from tfpercept.evaluation import scores, super_resolution


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command; returns its exit status.

  Args:
    argv: Arguments without the name of the program; those of the process by
      default.
  """
  arguments = _parser().parse_args(argv)
  try:
    return arguments.run(arguments)
  except (ValueError, OSError) as error:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog="tfpercept",
    description="Perceptual image distances and what uses them.",
  )
  parser.add_argument("--version", action="version", version=__version__)
  commands = parser.add_subparsers(required=True, metavar="command")
  _add_evaluate(commands)
  _add_list(commands)
  return parser


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
  evaluate = commands.add_parser(
    "evaluate",
    help="score super-resolution networks against bicubic",
    description="Reduces pictures, enlarges them by each network and prints "
    "PSNR and SSIM of luma, by the rules of the published tables.",
  )
  evaluate.add_argument(
    "folders", nargs="+", metavar="FOLDER", help="folder of pictures"
  )
  evaluate.add_argument(
    "--model",
    action="append",
    default=[],
    metavar="RUN",
    help="run folder, model folder or one that comes with the package "
    f"({', '.join(weights.shipped())}); may be repeated",
  )
  evaluate.add_argument(
    "--scale", type=int, default=4, help="factor, 2 or more (default: 4)"
  )
  evaluate.add_argument(
    "--format", choices=tuple(_FORMATS), default="table", help="of the output"
  )
  evaluate.add_argument("--out", metavar="FILE", help="write there, not print")
  evaluate.set_defaults(run=_evaluate)


def _add_list(commands: argparse._SubParsersAction) -> None:
  names = commands.add_parser("list", help="list the distances")
  names.set_defaults(run=_list)


def _evaluate(arguments: argparse.Namespace) -> int:
  pictures = super_resolution.folder_pictures(arguments.folders)
  table = super_resolution.evaluate(
    pictures,
    super_resolution.load_all(arguments.model, scale=arguments.scale),
    scale=arguments.scale,
  )
  text = _FORMATS[arguments.format](table)
  if arguments.out:
    files.write_text(arguments.out, text + "\n")
  else:
    print(text)
  for name, why in table.failures.items():
    print(f"{name}: not scored: {why}", file=sys.stderr)
  if not table.failures:
    return 0
  return 1 if table.groups else 2


def _list(arguments: argparse.Namespace) -> int:
  del arguments
  for name in distances.names():
    summary = distances.DISTANCES.get(name).__doc__.splitlines()[0]
    print(f"{name:16}{summary}")
  return 0


_FORMATS = {
  "table": scores.to_text,
  "csv": lambda table: scores.to_csv(table).rstrip("\n"),
  "json": lambda table: json.dumps(scores.to_json(table), indent=2),
}


if __name__ == "__main__":
  sys.exit(main())
