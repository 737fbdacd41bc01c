"""The public part of a ranking study, and its key.

A study has two parts. The page goes to people and holds pictures under random
numbers. The key stays with the analyst and names the method behind each number.
"""

import base64
import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.data import distortions
from tfpercept.evaluation.ranking import study_config
from tfpercept.io import files

MAX_BYTES = 400 << 20
"""Largest size of all pictures as text; browsers refuse strings of 512 MB."""
# Distortions of a spoiled picture: deviation of the blur as a share of the
# side, and of the noise as a share of white.
_BLUR, _NOISE = 1 / 16, 0.3


@dataclasses.dataclass(frozen=True)
class Study:
  """Result of `make`.

  Attributes:
    page: JSON values for the page: groups, sizes and seed, without methods or
      file names.
    images: PNG files as base64, by the numbers that `page` uses.
    key: JSON values for the analyst: the method behind each number.
  """

  page: dict[str, Any]
  images: list[str]
  key: dict[str, Any]

  @property
  def trials(self) -> int:
    """Number of trials for one person, including checks."""
    everyone = [t for t in self.page["trials"] if t["everyone"]]
    dealt = [t for t in self.page["trials"] if not t["everyone"]]
    return sum(map(self._asked, everyone + dealt[: self.page["dealt"]]))

  def _asked(self, trial: Mapping[str, Any]) -> int:
    """Returns the number of questions about the items of a trial."""
    if self.page["mode"] == "rank":
      return 1
    pairs = math.comb(len(trial["items"]), 2)
    return min(self.page["pairs"] or pairs, pairs)


def make(
  groups: Sequence[study_config.Group],
  settings: study_config.Settings,
  *,
  progress: Callable[[int, str], None] = lambda done, name: None,
) -> Study:
  """Reads all pictures and lays out the study.

  The numbers of pictures, their order in a trial and the order of trials are
  drawn from the seed, so nothing in the page goes with a method.

  Args:
    groups: Pictures, from `study_config.find`.
    settings: Settings of the study.
    progress: Function called before each picture with the number of pictures
      done and its name.

  Raises:
    ValueError: if settings ask for more than there is, a picture cannot be
      read, differs in size from the others of its name, or all are too large
      for one page.
  """
  _require_enough(groups, settings)
  random = np.random.default_rng([settings.seed, len(groups)])
  order = random.permutation(len(groups))
  checked = set(random.permutation(len(groups))[: settings.checks].tolist())
  shelf, trials = _Shelf(), []
  for done, index in enumerate(order):
    group = groups[index]
    progress(done, group.name)
    results, original = _read(group)
    trial = _trial(group.name, results, original, shelf, random)
    trial.is_for_all = done < settings.shared
    trials.append(trial)
    if done in checked:
      trials.append(_check(trial, results, original, shelf, settings, random))
  trials = [trials[i] for i in random.permutation(len(trials))]
  public = random.permutation(len(shelf.images)).tolist()
  return _sealed(trials, public, shelf.images, groups, settings)


def public_name(number: int) -> str:
  """Returns the name of a picture of the page in results and key."""
  return f"p{number:05d}"


@dataclasses.dataclass
class _Trial:
  """A trial before pictures get their public numbers."""

  picture: str
  items: dict[int, str]  # what made it, by number, in the order of the page
  reference: int | None
  size: tuple[int, int]
  is_for_all: bool = False
  spoiled: int | None = None


class _Shelf:
  """Holds encoded pictures, and refuses more than a page can."""

  def __init__(self) -> None:
    self.images: list[str] = []
    self._bytes = 0

  def add(self, picture: np.ndarray) -> int:
    """Encodes uint8 `[H, W, 1 or 3]`; returns its number."""
    png = tf.io.encode_png(picture, compression=9).numpy()
    text = base64.b64encode(png).decode()
    self._bytes += len(text)
    if self._bytes > MAX_BYTES:
      raise ValueError(
        f"the pictures take more than {MAX_BYTES >> 20} MB as text, which "
        "browsers do not open; give fewer or smaller ones, or make several "
        "pages"
      )
    self.images.append(text)
    return len(self.images) - 1


def _require_enough(
  groups: Sequence[study_config.Group], settings: study_config.Settings
) -> None:
  for name in ("pictures", "shared", "checks"):
    if getattr(settings, name) > len(groups):
      raise ValueError(
        f"{name} is at most the number of pictures, {len(groups)}; got "
        f"{getattr(settings, name)}"
      )
  most = math.comb(len(groups[0].results), 2)
  if settings.pairs > most:
    raise ValueError(
      f"{len(groups[0].results)} methods make {most} pairs; got "
      f"pairs={settings.pairs}"
    )


def _read(
  group: study_config.Group,
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
  """Returns the results by method and the original, all of one size."""
  paths = [*group.results.values()]
  paths += [group.original] if group.original else []
  pictures = [files.read_image(path) for path in paths]
  sizes = [f"{p.shape[1]}x{p.shape[0]}" for p in pictures]
  if len(set(sizes)) > 1:
    listed = ", ".join(
      f"{size} in {path}" for size, path in zip(sizes, paths, strict=True)
    )
    raise ValueError(f"pictures of one name need one size; got {listed}")
  results = dict(zip(group.results, pictures, strict=False))
  return results, pictures[-1] if group.original else None


def _trial(
  name: str,
  results: Mapping[str, np.ndarray],
  original: np.ndarray | None,
  shelf: _Shelf,
  random: np.random.Generator,
) -> _Trial:
  numbers = {method: shelf.add(picture) for method, picture in results.items()}
  methods = [list(results)[i] for i in random.permutation(len(results))]
  height, width = next(iter(results.values())).shape[:2]
  return _Trial(
    name,
    {numbers[method]: method for method in methods},
    None if original is None else shelf.add(original),
    (width, height),
  )


def _check(
  trial: _Trial,
  results: Mapping[str, np.ndarray],
  original: np.ndarray | None,
  shelf: _Shelf,
  settings: study_config.Settings,
  random: np.random.Generator,
) -> _Trial:
  """Returns a trial of the same picture in which one item is spoiled.

  In mode `"rank"` it replaces one of the results. In mode `"pairs"` it is shown
  beside the original or, without one, a result.
  """
  numbers = list(trial.items)
  victim = numbers[random.integers(len(numbers))]
  source = results[trial.items[victim]] if original is None else original
  spoiled = shelf.add(_spoiled(source, int(random.integers(1 << 31))))
  others = [number for number in numbers if number != victim]
  if settings.mode == "pairs":
    others = [victim] if trial.reference is None else [trial.reference]
  items = [*others, spoiled]
  return dataclasses.replace(
    trial,
    items={items[i]: "" for i in random.permutation(len(items))},
    is_for_all=True,
    spoiled=spoiled,
  )


def _spoiled(picture: np.ndarray, seed: int) -> np.ndarray:
  """Blurs and soils a picture until nobody can take it for a good one."""
  image = tf.constant(picture[None], tf.float32) / 255.0
  image = distortions.blur(image, max(1.0, _BLUR * min(picture.shape[:2])))
  image = distortions.noise(image, _NOISE, tf.constant([seed, 0]))
  return np.rint(255.0 * image[0].numpy()).astype(np.uint8)


def _sealed(
  trials: Sequence[_Trial],
  public: Sequence[int],
  images: Sequence[str],
  groups: Sequence[study_config.Group],
  settings: study_config.Settings,
) -> Study:
  """Separates the page, which people see, from the key."""
  shown = [""] * len(images)
  for number, image in zip(public, images, strict=True):
    shown[number] = image
  page = _page(trials, public, settings)
  digest = hashlib.sha256(json.dumps(page).encode())
  for image in shown:
    digest.update(image.encode())
  page["page"] = digest.hexdigest()[:16]
  key = {
    "format": study_config.KEY_FORMAT,
    "page": page["page"],
    "mode": settings.mode,
    "methods": list(groups[0].results),
    "settings": dataclasses.asdict(settings),
    "trials": {
      _trial_name(place): _known(trial, public)
      for place, trial in enumerate(trials)
    },
  }
  return Study(page, shown, key)


def _page(
  trials: Sequence[_Trial],
  public: Sequence[int],
  settings: study_config.Settings,
) -> dict[str, Any]:
  dealt = sum(not trial.is_for_all for trial in trials)
  if settings.pictures:
    dealt = min(settings.pictures - settings.shared, dealt)
  return {
    "format": study_config.PAGE_FORMAT,
    "mode": settings.mode,
    # Not the seed itself, which with the pictures would give the key.
    "seed": hashlib.sha256(f"orders of {settings.seed}".encode()).hexdigest(),
    "dealt": dealt,
    "pairs": settings.pairs,
    "trials": [
      {
        "id": _trial_name(place),
        "items": [public[number] for number in trial.items],
        "reference": None
        if trial.reference is None
        else public[trial.reference],
        "size": list(trial.size),
        "everyone": trial.is_for_all,
      }
      for place, trial in enumerate(trials)
    ],
  }


def _known(trial: _Trial, public: Sequence[int]) -> dict[str, Any]:
  """Returns a trial's part of the key."""
  names = {number: public_name(public[number]) for number in trial.items}
  return {
    "picture": trial.picture,
    "items": {names[number]: method for number, method in trial.items.items()},
    "spoiled": None if trial.spoiled is None else names.get(trial.spoiled),
  }


def _trial_name(place: int) -> str:
  return f"t{place:05d}"
