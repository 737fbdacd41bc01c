"""Commands that compress one picture: ours and those of other codecs."""

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

Words = list[str]


class Failed(RuntimeError):  # noqa: N818 what became of the command
  """A command that ended with an error."""


@dataclasses.dataclass(frozen=True)
class Cost:
  """What a process took, from its start to its end.

  Attributes:
    wall: Seconds that went by.
    processor: Seconds that processors spent on it.
    peak: Largest memory in bytes.
  """

  wall: float
  processor: float
  peak: int


@dataclasses.dataclass(frozen=True)
class Program:
  """A codec as two commands.

  Attributes:
    name: Name in tables.
    suffix: Suffix of its files, with the dot.
    encode: Function of picture, file and quality that returns the command.
    decode: Function of file and picture that returns the command.
    qualities: Lowest and highest quality, whole numbers; the larger is better.
      None where the quality is given and not searched.
  """

  name: str
  suffix: str
  encode: Callable[[str, str, float], Words]
  decode: Callable[[str, str], Words]
  qualities: tuple[int, int] | None = None


def run(command: Sequence[str], *, cpus: int | None = None) -> Cost:
  """Runs a command to its end.

  Args:
    command: Words of the command.
    cpus: Number of processors that it may use; None leaves all.

  Raises:
    Failed: if its exit status is not 0.
  """
  launcher = pathlib.Path(__file__).with_name("launcher.py")
  words = [sys.executable, "-I", "-S", str(launcher), str(cpus or 0), *command]
  said = subprocess.run(words, capture_output=True, text=True, check=True)
  found = json.loads(said.stdout)
  if found["status"]:
    raise Failed(f"{command[0]} ended with {found['status']}: {found['last']}")
  return Cost(found["wall"], found["processor"], found["peak"])


def engines(help_text: str) -> list[str]:
  """Returns the engines that `tfpercept compress --help` offers.

  There is one without a name, "", if it offers none.
  """
  found = re.search(r"--engine[ =]\{([^}]*)\}", help_text)
  names = found[1].split(",") if found else []
  return [name for name in names if name != "auto"] or [""]


def ours(engine: str, model: str) -> Program:
  """Returns our command.

  Args:
    engine: Name of the engine; empty for the only one.
    model: Model name or folder.
  """
  word = [sys.executable, "-m", "tfpercept.cli"]
  chosen = [f"--engine={engine}"] if engine else []

  def encode(picture: str, file: str, quality: float) -> Words:
    return [
      *word, "compress", picture, f"--out={file}", f"--model={model}",
      f"--quality={quality:g}", *chosen,
    ]  # fmt: skip

  def decode(file: str, picture: str) -> Words:
    return [*word, "decompress", file, f"--out={picture}", *chosen]

  name = f"tfpercept, {pathlib.Path(model).name}"
  return Program(
    f"{name}, {engine}" if engine else name, ".tfp", encode, decode
  )


def classical() -> tuple[list[Program], list[str]]:
  """Returns the commands of other codecs that are here, and what is missing.

  All are single-threaded and have chroma halved, but for JPEG XL, which has no
  such choice; their effort is the default.
  """
  found, missing = [], []
  for words, package, program in (
    (("cwebp", "dwebp"), "webp", _webp()),
    (("avifenc", "avifdec"), "libavif-bin", _avif()),
    (("cjxl", "djxl"), "libjxl-tools", _jxl()),
  ):
    absent = [word for word in words if not shutil.which(word)]
    if absent:
      missing.append(
        f"{program.name} is left out: there is no {' and no '.join(absent)}; "
        f"Debian has them in {package}"
      )
    else:
      found.append(program)
  return found, missing


def _webp() -> Program:
  return Program(
    "cwebp",
    ".webp",
    lambda picture, file, q: [
      "cwebp", "-quiet", "-q", f"{q:g}", picture, "-o", file,
    ],
    lambda file, picture: ["dwebp", "-quiet", file, "-o", picture],
    (0, 100),
  )  # fmt: skip


def _avif() -> Program:
  def encode(picture: str, file: str, quality: float) -> Words:
    level = f"{63 - quality:g}"  # of the quantizer
    return [
      "avifenc", "--jobs", "1", "--yuv", "420", "--min", level, "--max", level,
      picture, file,
    ]  # fmt: skip

  return Program(
    "avifenc",
    ".avif",
    encode,
    lambda file, picture: ["avifdec", "--jobs", "1", file, picture],
    (0, 63),
  )


def _jxl() -> Program:
  return Program(
    "cjxl",
    ".jxl",
    lambda picture, file, q: [
      "cjxl", "--quiet", "--num_threads=1", "-q", f"{q:g}", picture, file,
    ],
    lambda file, picture: ["djxl", "--num_threads=1", file, picture],
    (1, 99),
  )  # fmt: skip


def compressai(python: str, folder: pathlib.Path) -> Program:
  """Returns the commands of CompressAI, by `torch_one_shot`.

  Args:
    python: Path of an interpreter with CompressAI.
    folder: Folder of the weights that `torch_one_shot` prepared.
  """
  word = [python, "-m", "benchmarks.torch_one_shot"]
  return Program(
    f"CompressAI `{COMPRESSAI}`",
    ".bin",
    lambda picture, file, _: [*word, "encode", str(folder), picture, file],
    lambda file, picture: [*word, "decode", str(folder), file, picture],
  )


COMPRESSAI = "mbt2018-mean"
"""Name of CompressAI's model with the entropy model of ours."""
