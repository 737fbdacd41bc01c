"""Forced choices to train on: reading, identity, and held-out contents."""

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging

from tfpercept.data import identity, judgement_layouts, judgements

Split = tuple[judgements.Judgements, judgements.Judgements]
"""Judgements to train on, and those that are held out."""
_LONGEST = 255  # bytes of a name, on most disks


def load(paths: Sequence[str], layout: str) -> judgements.Judgements:
  """Reads forced choices; those of several folders become one set.

  Args:
    paths: Folders of judgements.
    layout: Layout of the folders, see `data.judgement_layouts.load`.

  Raises:
    ValueError: if there are none.
  """
  found = [
    data
    for path in paths
    for data in judgement_layouts.load(path, layout)
    if data.kind == "2afc"
  ]
  if not found:
    raise ValueError(f"no forced choices in {', '.join(paths)}")
  for data in found:
    for name, why in data.failures.items():
      logging.warning("%s: left out: %s", name, why)
  items = tuple(item for data in found for item in data.items)
  return judgements.Judgements(
    " + ".join(data.name for data in found),
    "2afc",
    items,
    is_single=all(data.is_single for data in found),
  )


def identity_of(paths: Sequence[str], layout: str) -> identity.Identity:
  """Returns the identity of choices and pictures, see `data.identity`.

  Args:
    paths: Folders of judgements.
    layout: Layout of the folders, see `data.judgement_layouts.load`.
  """
  return [
    _identity(path, judgement_layouts.load(path, layout)) for path in paths
  ]


def digests(data: judgements.Judgements) -> dict[str, str]:
  """Returns size and digest of each picture that is a file, by its key."""
  pictures = dict.fromkeys(p.key for pair in data.pairs for p in pair)
  found = {key: key for key in pictures if os.path.isfile(key)}
  return dict(identity.of_files("", found)["files"])


def identity_of_split(split: Split) -> identity.Identity:
  """Returns which contents are trained on, and which are held out."""
  parts = zip(("trained on", "held out"), split, strict=True)
  return [
    {
      "source": name,
      "files": {"(the contents)": _digest(sorted(data.contents))},
    }
    for name, data in parts
  ]


def _identity(
  path: str, found: Sequence[judgements.Judgements]
) -> dict[str, Any]:
  items = [i for data in found if data.kind == "2afc" for i in data.items]
  pictures = sorted({p.key for i in items for p in (i.reference, *i.images)})
  keys = {key: os.path.abspath(key) for key in pictures}
  root = os.path.commonpath(map(os.path.dirname, keys.values())) if keys else ""
  names = {key: os.path.relpath(full, root) for key, full in keys.items()}
  entry = identity.of_files(
    path, {name: key for key, name in names.items() if os.path.isfile(key)}
  )
  answers = [
    [*(names[p.key] for p in (i.reference, *i.images)), i.content, i.answer]
    for i in items
  ]
  entry["files"]["(the choices)"] = _digest(answers)
  return entry


def _digest(value: Any) -> str:
  data = json.dumps(value).encode()
  return hashlib.blake2b(data, digest_size=12).hexdigest()


def some_contents(data: judgements.Judgements, *, seed: int) -> list[str]:
  """Returns a fifth of the contents, at least one and not all.

  Args:
    data: Judgements, whose contents are drawn from.
    seed: Seed of the draw.

  Raises:
    ValueError: if there is one content only.
  """
  contents = list(data.contents)
  if len(contents) < 2:
    raise ValueError(
      f"{data.name} shows one content; nothing could be held out"
    )
  order = np.random.default_rng(seed).permutation(len(contents))
  return sorted(contents[i] for i in order[: max(1, len(contents) // 5)])


def some_for_stopping(
  data: judgements.Judgements, count: int, *, seed: int
) -> Split:
  """Splits judgements into those to learn from and those that stop.

  Args:
    data: Judgements to split.
    count: Number of contents that stop, drawn by the seed.
    seed: Seed of the draw.

  Raises:
    ValueError: if no content is left to learn from.
  """
  contents = data.contents
  if count >= len(contents):
    raise ValueError(
      f"--stop_by={count} leaves nothing to learn from of {len(contents)} "
      "contents"
    )
  order = np.random.default_rng((seed, 1)).permutation(len(contents))
  return split(data, [contents[i] for i in order[:count]])


def folds(
  data: judgements.Judgements, count: int, *, seed: int
) -> dict[str, Split]:
  """Returns splits that hold out each content in one of them.

  Args:
    data: Judgements to split.
    count: Number of splits, at least 2 and at most that of contents.
    seed: Seed of the assignment of contents to splits.

  Returns:
    The splits, by the name of the folder of the training.

  Raises:
    ValueError: if there are fewer contents than splits.
  """
  contents = data.contents
  if not 2 <= count <= len(contents):
    raise ValueError(
      f"--folds is from 2 to the number of contents, {len(contents)}; got "
      f"{count}"
    )
  order = np.random.default_rng((seed, 0)).permutation(len(contents))
  return {
    f"fold_{i}": split(data, [contents[k] for k in sorted(order[i::count])])
    for i in range(count)
  }


def split(data: judgements.Judgements, held_out: Sequence[str]) -> Split:
  """Splits judgements by content into those to train on and held-out ones.

  Args:
    data: Judgements to split.
    held_out: Names of the contents that are held out.

  Raises:
    ValueError: if a content is unknown or nothing is left to train on.
  """
  apart = set(held_out)
  unknown = sorted(apart - set(data.contents))
  if unknown:
    raise ValueError(
      f"there is no content {', '.join(unknown)} to hold out; the contents are "
      f"{', '.join(data.contents[:20])}"
    )
  train_on = data.only(lambda item: item.content not in apart)
  if not train_on.items:
    raise ValueError("nothing is left to train on; hold out fewer contents")
  return train_on, data.only(lambda item: item.content in apart)


def leave_one_out(data: judgements.Judgements) -> dict[str, Split]:
  """Returns a split for each content, which holds that content out.

  Args:
    data: Judgements to split.

  Returns:
    The splits, by the name of the folder of the training.
  """
  return {_folder(content): split(data, [content]) for content in data.contents}


def _folder(content: str) -> str:
  """Returns the folder of the training that does not see a content."""
  name = f"without_{content}"
  if max(len(os.fsencode(part)) for part in name.split("/")) > _LONGEST:
    digest = hashlib.blake2b(os.fsencode(content), digest_size=12)
    return f"without_{digest.hexdigest()}"
  return name
