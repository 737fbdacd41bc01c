"""Human judgements of distorted pictures, and readers of the BAPPS layout.

There are three kinds of answers, all as `Judgements`:

*   `2afc`: which of two images is nearer to the reference;
*   `jnd`: whether an image can be distinguished from the reference;
*   `mos`: how good an image is.

Pictures are read when they are needed.
"""

import collections
import dataclasses
import math
import pathlib
from collections.abc import Callable

import numpy as np

from tfpercept.io import files, npz_reader

KINDS = ("2afc", "jnd", "mos")
PairKey = tuple[str, str]
"""Keys of a reference and of an image."""
_MAX_NUMBER_BYTES = 4096  # largest size of a .npy file with one number


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture that can be read, or made, when it is needed.

  Attributes:
    key: Name of the pixels; pictures with equal keys are equal.
    read: Function that returns the picture, uint8 `[H, W, 3]`, or raises
      ValueError.
  """

  key: str
  read: Callable[[], np.ndarray] = dataclasses.field(compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Judgement:
  """One question that people answered.

  Attributes:
    name: Name of the question in messages.
    content: Name of the scene in the picture. Answers on one content are not
      independent.
    reference: The undistorted picture.
    images: Judged images: two for `2afc`, else one.
    answer: Answer of people. For `2afc` it is the share, 0 to 1, who found the
      second image nearer; for `jnd` the share who found image and reference the
      same; for `mos` the quality, higher is better.
    subset: Part of the data that the question belongs to, such as a kind of
      distortion.
  """

  name: str
  content: str
  reference: Picture
  images: tuple[Picture, ...]
  answer: float
  subset: str = ""


@dataclasses.dataclass(frozen=True)
class Judgements:
  """A set of answers of one kind.

  Attributes:
    name: Name of the set in tables.
    kind: Kind of the answers: `"2afc"`, `"jnd"` or `"mos"`.
    items: Questions with their answers, in a fixed order.
    failures: Reason for each question that is left out, by its name.
    published: Values that others computed for the same images, as distances
      (larger is worse), by metric and by key of the image.
    note: Sentence about the data for readers of a table.
    origin: Name of the published data set that it belongs to, if the layout
      tells.
    is_single: Whether each item is the answer of one person, so that several
      items may put one question.
  """

  name: str
  kind: str
  items: tuple[Judgement, ...]
  failures: dict[str, str] = dataclasses.field(default_factory=dict)
  published: dict[str, dict[str, float]] = dataclasses.field(
    default_factory=dict
  )
  note: str = ""
  origin: str = ""
  is_single: bool = False

  @property
  def subsets(self) -> tuple[str, ...]:
    """Subsets in the order of their first item."""
    return tuple(dict.fromkeys(item.subset for item in self.items))

  @property
  def contents(self) -> tuple[str, ...]:
    """Contents in the order of their first item."""
    return tuple(dict.fromkeys(item.content for item in self.items))

  @property
  def pairs(self) -> tuple[tuple[Picture, Picture], ...]:
    """Each pair of reference and image once, in the order of the items."""
    return tuple(
      dict.fromkeys((i.reference, p) for i in self.items for p in i.images)
    )

  def only(self, keep: Callable[[Judgement], bool]) -> "Judgements":
    """Returns the same set with the items for which `keep` returns True."""
    return dataclasses.replace(
      self, items=tuple(item for item in self.items if keep(item))
    )


class Cache:
  """A reader of pictures that keeps the first of them in memory.

  Args:
    max_bytes: Limit of the memory in bytes. Pictures beyond it are read again
      each time.
  """

  def __init__(self, max_bytes: int = 1 << 29):
    self._left = max_bytes
    self._kept: dict[str, np.ndarray] = {}

  def __call__(self, picture: Picture) -> np.ndarray:
    """Returns the pixels of a picture, uint8 `[H, W, 3]`."""
    if picture.key in self._kept:
      return self._kept[picture.key]
    pixels = picture.read()
    if pixels.nbytes <= self._left:
      self._left -= pixels.nbytes
      self._kept[picture.key] = pixels
    return pixels


def picture(path: files.PathLike) -> Picture:
  """Returns the picture in a file; a gray one gets three equal channels."""
  return Picture(str(path), lambda: read_rgb(path))


def read_rgb(path: files.PathLike) -> np.ndarray:
  """Reads a picture as uint8 `[H, W, 3]` with `files.read_image`."""
  pixels = files.read_image(path)
  return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def bapps_2afc(folder: files.PathLike) -> Judgements:
  """Reads two-alternative forced choices in the layout of BAPPS.

  The folder holds `ref`, `p0` and `p1` with pictures, and `judge` with one
  number per file, the share of people who found p1 nearer. Or each of its
  subfolders holds them, and the subfolders are the subsets. Files with the same
  name without suffix belong together. The origin of the pictures is unknown, so
  each is its own content.

  Source: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness
  of deep features as a perceptual metric", 2018, section 2.

  Raises:
    ValueError: if no folder has this layout or no question is complete.
  """
  return _bapps(folder, "2afc", "ref", ("p0", "p1"), "judge")


def bapps_jnd(folder: files.PathLike) -> Judgements:
  """Reads just noticeable differences in the layout of BAPPS.

  The layout is that of `bapps_2afc`, with `p0`, `p1` and `same`, the share of
  people who found the two the same; p0 serves as the reference.
  """
  return _bapps(folder, "jnd", "p0", ("p1",), "same")


def read_number(path: pathlib.Path) -> float:
  """Reads a `.npy` file that holds one finite number.

  Nothing is unpickled, and the memory for one number is all that is allocated,
  whatever shape the header states.

  Raises:
    ValueError: if the file holds anything else or is damaged.
  """
  if path.stat().st_size > _MAX_NUMBER_BYTES:
    raise ValueError(f"{path} is too large for one number")
  with open(path, "rb") as file:
    shape, _, dtype = npz_reader.header(file)
    data = file.read()
  if math.prod(shape) != 1 or dtype.kind not in "fiu":
    raise ValueError(
      f"{path} should hold one number; got {dtype} of shape {shape}"
    )
  if len(data) != dtype.itemsize:
    raise ValueError(f"{path} is cut off or has bytes after its number")
  value = float(np.frombuffer(data, dtype)[0])
  if not math.isfinite(value):
    raise ValueError(f"{path} should hold a finite number; got {value}")
  return value


def _bapps(
  folder: files.PathLike,
  kind: str,
  reference: str,
  images: tuple[str, ...],
  answer: str,
) -> Judgements:
  folder = pathlib.Path(folder)
  parts = [folder] if (folder / answer).is_dir() else subfolders(folder, answer)
  if not parts:
    raise ValueError(
      f"expected {', '.join((reference, *images, answer))} in {folder} or in "
      "its subfolders"
    )
  items, failures = [], {}
  for part in parts:
    listed = {
      role: _by_stem(part / role) for role in (reference, *images, answer)
    }
    for stem in sorted(set().union(*listed.values())):
      name = f"{part.name}/{stem}"
      try:
        for role, found in listed.items():
          if len(found[stem]) != 1:
            names = " and ".join(path.name for path in found[stem])
            raise ValueError(f"{role} has {names or 'no file'} of that name")
        share = in_unit(read_number(listed[answer][stem][0]), answer)
      except (ValueError, OSError) as error:
        failures[name] = str(error)
        continue
      pictures = [
        picture(listed[role][stem][0]) for role in (reference, *images)
      ]
      items.append(
        Judgement(
          name, name, pictures[0], tuple(pictures[1:]), share, part.name
        )
      )
  name = files.resolved(folder).name
  return checked(
    Judgements(name, kind, tuple(items), failures, origin="BAPPS"), folder
  )


def _by_stem(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
  """Returns the data files of a folder by stem, without hidden ones, sorted."""
  found = collections.defaultdict(list)
  for path in sorted(folder.iterdir()) if folder.is_dir() else ():
    if not path.name.startswith(".") and not files.is_system_file(path):
      found[path.stem].append(path)
  return found


def subfolders(folder: pathlib.Path, holding: str) -> list[pathlib.Path]:
  """Returns the subfolders that hold an entry of that name, sorted."""
  if not folder.is_dir():
    return []
  return sorted(
    path
    for path in folder.iterdir()
    if (path / holding).exists() and not files.is_system_file(path)
  )


def checked(found: Judgements, where: pathlib.Path) -> Judgements:
  """Returns the set; raises ValueError with the first reason if it is empty."""
  if not found.items:
    first = next(iter(found.failures.items()), None)
    why = f"; {first[0]}: {first[1]}" if first else ""
    raise ValueError(f"no usable judgement in {where}{why}")
  return found


def in_unit(value: float, what: str) -> float:
  """Returns a share of people; raises ValueError unless it is in [0, 1]."""
  if not 0 <= value <= 1:
    raise ValueError(f"{what} is a share of people, 0 to 1; got {value}")
  return value
