"""Shows what memory large pictures take.

    python -m tests.codecs.memory --height=8000 --width=12500

A photograph, mirrored over that size, is given to `tfpercept compress` and its
file to `tfpercept decompress`, each a process of its own, which tells the most
memory that it held. The exit status is 1 if that is more than `--gigabytes`, or
than the codec states, by which `--max-memory` goes. `--engine` names what runs
the networks, and `--realism` decodes with the realism head.

    python -m tests.codecs.memory --codec=jpeg --height=2000 --width=3000

prints the bytes for each pixel that another codec takes, beyond those of a
picture of one block. The exit status is 1 if they are more than the codec
states (`bytes_per_pixel`, `bytes_at_once`).
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from tfpercept import codecs, offers
from tfpercept.codecs import memory
from tfpercept.codecs.learned import model_lookup, tiles
from tfpercept.data import packaged
from tfpercept.io import files

_PROGRAM = """
import sys
sys.argv[0] = "tfpercept"  # so that only what the command needs is imported
from tfpercept import cli
from tfpercept.evaluation.core import peak_memory
with peak_memory.watch() as peak:
  status = cli.main(sys.argv[1:])
from tfpercept.codecs import memory
print(peak.bytes, memory.at_rest())
sys.exit(status)
"""


def peak(*arguments: str) -> tuple[int, int]:
  """Returns the most bytes that a `tfpercept` command held.

  The second number is those of its libraries, which `memory.at_rest` states.
  """
  done = subprocess.run(
    [sys.executable, "-c", _PROGRAM, *map(str, arguments)],
    check=True,
    stdout=subprocess.PIPE,
    text=True,
  )
  held, libraries = map(int, done.stdout.splitlines()[-1].split())
  return held, libraries


def check_bytes_per_pixel(spec: str, photo: np.ndarray) -> int:
  """Prints what a codec takes for a pixel; returns the exit status."""
  codec, held, status = codecs.get(spec), {}, 0
  pixels = photo.shape[0] * photo.shape[1] - 16 * 16
  with tempfile.TemporaryDirectory() as folder:
    for name, picture in (("small", photo[:16, :16]), ("large", photo)):
      source, back = (pathlib.Path(folder, f"{name}.{e}") for e in ("png", "p"))
      coded = source.with_suffix(".coded")
      files.write_image(source, picture)
      option = f"--codec={spec}"
      held[name] = (
        peak("compress", source, f"--out={coded}", option)[0],
        peak("decompress", coded, f"--out={back}.ppm", option)[0],
      )
  for index, command in enumerate(("compress", "decompress")):
    taken = (held["large"][index] - held["small"][index]) / pixels
    at_once = [codec.bytes_at_once]
    at_once += [codec.refined_at_once] if command == "compress" else []
    most = max(size * min(pixels, count) for size, count in at_once)
    stated = codec.bytes_per_pixel[index] + most / pixels
    print(
      f"{spec} {command}: {taken:.1f} bytes a pixel, of {stated:.1f} stated"
    )
    status |= taken > stated
  return int(status)


def main() -> int:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("--height", type=int, default=8000)
  parser.add_argument("--width", type=int, default=12500)
  parser.add_argument("--gigabytes", type=float, default=3.0)
  parser.add_argument("--model", default="photo_mse")
  parser.add_argument("--engine", choices=offers.ENGINES, default="auto")
  parser.add_argument("--realism", type=float, default=0.0)
  parser.add_argument("--codec")
  flags = parser.parse_args()
  photo = packaged.test()["coffee"]
  if flags.codec:
    if flags.realism or flags.engine != offers.ENGINES[0]:
      parser.error("name engine, realism and head in the spec of --codec")
    large = tiles.padded(photo, (0, flags.height), (0, flags.width))
    return check_bytes_per_pixel(flags.codec, large)
  return check_model(flags, photo)


def check_model(flags: argparse.Namespace, photo: np.ndarray) -> int:
  """Prints what a model takes for a picture; returns the exit status."""
  pixels, status = flags.height * flags.width, 0
  writer, reader = (
    model_lookup.opened(flags.model, engine=flags.engine, realism=realism)
    for realism in (0.0, flags.realism)
  )
  needs = {
    "compress": memory.to_compress(writer, pixels),
    "decompress": memory.to_decompress(reader, pixels),
  }
  with tempfile.TemporaryDirectory() as folder:
    source, coded, back = (
      pathlib.Path(folder, f"picture.{end}") for end in ("png", "tfp", "ppm")
    )
    files.write_image(
      source, tiles.padded(photo, (0, flags.height), (0, flags.width))
    )
    both = f"--model={flags.model}", f"--engine={flags.engine}"
    more = f"--realism={flags.realism}", f"--max-pixels={pixels}"
    for command in (
      ("compress", source, f"--out={coded}", *both),
      ("decompress", coded, f"--out={back}", *both, *more),
    ):
      start = time.perf_counter()
      held, libraries = peak(*command)
      stated = needs[command[0]] - memory.at_rest() + libraries
      print(
        f"{command[0]} {flags.width}x{flags.height} ({pixels / 1e6:.1f} MP): "
        f"{held / 1e9:.2f} GB at most, of {stated / 1e9:.2f} GB stated, "
        f"{time.perf_counter() - start:.0f} s",
        flush=True,
      )
      status |= held > min(stated, 1e9 * flags.gigabytes)
  return int(status)


if __name__ == "__main__":
  sys.exit(main())
