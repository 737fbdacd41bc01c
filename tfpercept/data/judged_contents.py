"""All judged pictures of a few references, whose batches are f(seed, step)."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tfpercept.data import judged_crops, judgements


@dataclasses.dataclass(frozen=True)
class _Content:
  """The questions that people were asked about one reference.

  Attributes:
    pictures: The reference, then each judged image once.
    first: Index of the first image of each question, among the images.
    second: Index of the second image of each question.
    share: Share of people who found the second image nearer.
    people: Number of answers to each question.
  """

  pictures: tuple[judgements.Picture, ...]
  first: np.ndarray
  second: np.ndarray
  share: np.ndarray
  people: np.ndarray


class ContentCrops:
  """Draws crops of references, of all their judged images, and all answers.

  With many answers on few pictures, as in mucped23, a distance of each picture
  serves all of them: 29 distances there answer 230 questions, where triplets
  would take 460. Reference and images are cut at the same places. A crop has
  the answers that people gave for the whole pictures. Batch `n` depends on
  `seed` and `n` alone.

  Args:
    data: Forced choices, judgements of the kind `"2afc"`.
    patch: Side of the crops in pixels.
    batch: Number of references in a batch; all of them at most.
    seed: Seed of order and places.
    tile: Side in pixels of the tiles that a crop consists of. They are drawn
      from the picture on a grid that starts at its first pixel, so that the
      blocks of JPEG and of Watson's model stay whole, and that a crop shows
      places from all over the picture. 0 makes the crop one piece, anywhere.
    cache: Reader of the pictures; by default a new `judgements.Cache`.

  Raises:
    ValueError: if `data` is of another kind, a number is not positive or `tile`
      does not divide `patch`. While batches are drawn, a picture that cannot be
      read or is too small ends the run with an error that names it.
  """

  def __init__(
    self,
    data: judgements.Judgements,
    *,
    patch: int,
    batch: int,
    seed: int,
    tile: int = 0,
    cache: judgements.Cache | None = None,
  ):
    if data.kind != "2afc":
      raise ValueError(
        f"training needs forced choices (2afc); {data.name} holds {data.kind}"
      )
    if patch < 1 or batch < 1 or tile < 0:
      raise ValueError(
        f"got patch={patch}, batch={batch}, tile={tile}; the first two must be "
        "positive, and tile 0 or more"
      )
    if tile and patch % tile:
      raise ValueError(
        f"crops of {patch}x{patch} are no whole number of tiles of "
        f"{tile}x{tile}"
      )
    self._contents = _grouped(data)
    self._patch, self._tile, self._seed = patch, tile, seed
    self._batch = min(batch, len(self._contents))
    self._cache = judgements.Cache() if cache is None else cache

  @property
  def steps_per_epoch(self) -> int:
    """Number of steps in which every reference is drawn at least once."""
    return -(-len(self._contents) // self._batch)

  def at(self, step: int) -> dict[str, np.ndarray]:
    """Returns batch `step`.

    Returns:
      `references` float32 `[R, patch, patch, 3]` in [0, 1]; `images` float32
      `[I, patch, patch, 3]`; `owner` int32 `[I]`, the reference of each image;
      `first` and `second` int32 `[Q]`, the images of each question; `share`
      float32 `[Q]`, the share of people who found the second nearer; `people`
      float32 `[Q]`, their number.
    """
    drawn = judged_crops.drawn(
      len(self._contents), self._batch, self._seed, step
    )
    contents = [self._contents[i] for i in drawn]
    crops = [
      self._crops(content, np.random.default_rng((self._seed, 0, step, place)))
      for place, content in enumerate(contents)
    ]
    counts = [len(pictures) - 1 for pictures in crops]
    return {
      "references": np.stack([pictures[0] for pictures in crops]),
      "images": np.concatenate([pictures[1:] for pictures in crops]),
      "owner": np.repeat(np.arange(len(counts), dtype=np.int32), counts),
      **_questions(contents),
    }

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    image = tf.TensorSpec([None, self._patch, self._patch, 3])
    signature = {
      "references": image,
      "images": image,
      "owner": tf.TensorSpec([None], tf.int32),
      **_SIGNATURE,
    }
    return _dataset(self.at, signature, start, stop)

  def _crops(
    self, content: _Content, random: np.random.Generator
  ) -> np.ndarray:
    """Returns crops `[1 + I, patch, patch, 3]`, the reference first."""
    pictures = [self._cache(p) for p in content.pictures]
    shapes = {p.shape for p in pictures}
    side = self._tile or self._patch
    height, width = pictures[0].shape[:2]
    if len(shapes) > 1 or min(height, width) < side:
      raise ValueError(
        f"{content.pictures[0].key}: it and its images should be of one size, "
        f"{side}x{side} or more; got {sorted(shapes)}"
      )
    if self._tile:
      cut = self._tiled(pictures, random)
    else:
      room = np.array([height, width]) - side + 1
      top, left = np.floor(random.random(2) * room).astype(int)
      cut = np.stack(
        [p[top : top + side, left : left + side] for p in pictures]
      )
    return cut.astype(np.float32) / np.float32(255)

  def _tiled(
    self, pictures: list[np.ndarray], random: np.random.Generator
  ) -> np.ndarray:
    side, across = self._tile, self._patch // self._tile
    rows, columns = (n // side for n in pictures[0].shape[:2])
    drawn = random.choice(
      rows * columns, across**2, replace=rows * columns < across**2
    )
    cut = np.empty((len(pictures), self._patch, self._patch, 3), np.uint8)
    for place, cell in enumerate(drawn.tolist()):
      to = [side * i for i in divmod(place, across)]
      top, left = (side * i for i in divmod(cell, columns))
      for into, picture in zip(cut, pictures, strict=True):
        into[to[0] : to[0] + side, to[1] : to[1] + side] = picture[
          top : top + side, left : left + side
        ]
    return cut


class ContentParts:
  """Draws numbers of all judged images of a few references, and all answers.

  It is `ContentCrops` for distances that are linear in what they learn: what
  they weigh is measured once, on whole pictures, and takes their place.

  Args:
    data: Forced choices, judgements of the kind `"2afc"`.
    parts: The terms that the distance weighs, float32 `[K]`, by reference and
      image.
    batch: Number of references in a batch; all of them at most.
    seed: Seed of the order.
  """

  def __init__(
    self,
    data: judgements.Judgements,
    parts: Mapping[judgements.PairKey, np.ndarray],
    *,
    batch: int,
    seed: int,
  ):
    self._contents = _grouped(data)
    self._parts, self._seed = parts, seed
    self._batch = min(batch, len(self._contents))

  @property
  def steps_per_epoch(self) -> int:
    """Number of steps in which every reference is drawn at least once."""
    return -(-len(self._contents) // self._batch)

  def at(self, step: int) -> dict[str, np.ndarray]:
    """Returns batch `step`.

    Returns:
      `parts` float32 `[I, K]`, and `first`, `second`, `share` and `people` as
      `ContentCrops.at` has them.
    """
    drawn = judged_crops.drawn(
      len(self._contents), self._batch, self._seed, step
    )
    contents = [self._contents[i] for i in drawn]
    pairs = [
      (c.pictures[0].key, p.key) for c in contents for p in c.pictures[1:]
    ]
    parts = np.stack([self._parts[pair] for pair in pairs])
    return {"parts": parts, **_questions(contents)}

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    width = len(next(iter(self._parts.values())))
    signature = {"parts": tf.TensorSpec([None, width]), **_SIGNATURE}
    return _dataset(self.at, signature, start, stop)


_SIGNATURE = {
  "first": tf.TensorSpec([None], tf.int32),
  "second": tf.TensorSpec([None], tf.int32),
  "share": tf.TensorSpec([None]),
  "people": tf.TensorSpec([None]),
}


def _dataset(
  at: Callable[[int], dict[str, np.ndarray]],
  signature: dict[str, tf.TensorSpec],
  start: int,
  stop: int,
) -> tf.data.Dataset:
  return tf.data.Dataset.from_generator(
    lambda: (at(step) for step in range(start, stop)),
    output_signature=signature,
  ).prefetch(2)


def _questions(contents: list[_Content]) -> dict[str, np.ndarray]:
  """Returns the questions of a batch; images are counted through it."""
  counts = [len(content.pictures) - 1 for content in contents]
  starts = np.cumsum([0, *counts[:-1]])
  pairs = list(zip(starts, contents, strict=True))
  return {
    "first": np.concatenate([s + c.first for s, c in pairs]).astype(np.int32),
    "second": np.concatenate([s + c.second for s, c in pairs]).astype(np.int32),
    "share": np.concatenate([c.share for c in contents]),
    "people": np.concatenate([c.people for c in contents]),
  }


def _grouped(data: judgements.Judgements) -> list[_Content]:
  """Returns what is asked about each reference, in the order of the items."""
  asked: dict[judgements.Picture, list[judgements.Judgement]] = {}
  for item in data.items:
    asked.setdefault(item.reference, []).append(item)
  return [_content(reference, items) for reference, items in asked.items()]


def _content(
  reference: judgements.Picture, items: list[judgements.Judgement]
) -> _Content:
  images = list(dict.fromkeys(p for item in items for p in item.images))
  index = {picture: i for i, picture in enumerate(images)}
  answers: dict[tuple[int, int], list[float]] = {}
  for item in items:
    first, second = (index[p] for p in item.images)
    # The same two pictures may be shown in either order.
    is_turned = second < first
    share = 1 - item.answer if is_turned else item.answer
    pair = (second, first) if is_turned else (first, second)
    answers.setdefault(pair, []).append(share)
  pairs = np.array(list(answers), np.int32)
  return _Content(
    (reference, *images),
    first=pairs[:, 0],
    second=pairs[:, 1],
    share=np.array([np.mean(a) for a in answers.values()], np.float32),
    people=np.array([len(a) for a in answers.values()], np.float32),
  )
