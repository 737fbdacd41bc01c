"""Crops of judged triplets whose every batch is a function of (seed, step)."""

import numpy as np
import tensorflow as tf

from tfpercept.data import judgements


class TripletCrops:
  """Draws aligned crops of forced choices: reference, two images, answer.

  Every epoch goes through all triplets once, in an order of its own. Reference
  and images are cut at the same place. A crop has the answer that people gave
  for the whole picture. Batch `n` depends on `seed` and `n` alone.

  Args:
    data: Forced choices, judgements of the kind `"2afc"`.
    patch: Side of the crops in pixels; pictures of this size are taken whole.
    batch: Number of triplets in a batch.
    seed: Seed of order and places.
    cache: Reader of the pictures; by default a new `judgements.Cache`.

  Raises:
    ValueError: if `data` is of another kind or a number is not positive. While
      batches are drawn, a picture that cannot be read or is too small ends the
      run with an error that names it.
  """

  def __init__(
    self,
    data: judgements.Judgements,
    *,
    patch: int,
    batch: int,
    seed: int,
    cache: judgements.Cache | None = None,
  ):
    if data.kind != "2afc":
      raise ValueError(
        f"training needs forced choices (2afc); {data.name} holds {data.kind}"
      )
    if patch < 1 or batch < 1:
      raise ValueError(
        f"got patch={patch}, batch={batch}; both must be positive"
      )
    self.patch, self.batch = patch, batch
    self._items, self._seed = data.items, seed
    self._cache = judgements.Cache() if cache is None else cache

  @property
  def steps_per_epoch(self) -> int:
    """Number of steps in which every triplet is drawn at least once."""
    return -(-len(self._items) // self.batch)

  def at(
    self, step: int
  ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns batch `step`.

    Returns:
      Reference, first and second image, float32 `[batch, patch, patch, 3]` in
      [0, 1], and the share of people who found the second image nearer, float32
      `[batch]`.
    """
    random = np.random.default_rng((self._seed, 0, step))
    indices = drawn(len(self._items), self.batch, self._seed, step)
    crops = [self._crop(self._items[i], random.random(2)) for i in indices]
    pictures, shares = zip(*crops, strict=True)
    sides = np.stack(pictures, axis=1).astype(np.float32) / np.float32(255)
    return (*sides, np.array(shares, np.float32))

  def problems(self) -> dict[int, str]:
    """Reads all pictures and returns the faults by index of the choice.

    Pictures that cannot be read, differ in size or are too small for the crop
    would otherwise end a run when their turn comes.
    """
    found = {}
    for place, item in enumerate(self._items):
      try:
        self._crop(item, np.zeros(2))
      except ImportError:
        raise
      except (ValueError, OSError) as error:
        found[place] = str(error)
    return found

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    image = tf.TensorSpec([self.batch, self.patch, self.patch, 3])
    signature = (image, image, image, tf.TensorSpec([self.batch]))
    return tf.data.Dataset.from_generator(
      lambda: (self.at(step) for step in range(start, stop)),
      output_signature=signature,
    ).prefetch(2)

  def _crop(
    self, item: judgements.Judgement, place: np.ndarray
  ) -> tuple[np.ndarray, float]:
    pictures = [self._cache(p) for p in (item.reference, *item.images)]
    shapes = {p.shape for p in pictures}
    height, width = pictures[0].shape[:2]
    if len(shapes) > 1 or min(height, width) < self.patch:
      raise ValueError(
        f"{item.name}: pictures should be of one size, {self.patch}x"
        f"{self.patch} or more; got {sorted(shapes)}"
      )
    room = np.array([height, width]) - self.patch + 1
    top, left = np.floor(place * room).astype(int)
    cut = np.stack(
      [p[top : top + self.patch, left : left + self.patch] for p in pictures]
    )
    return cut, item.answer


def drawn(count: int, batch: int, seed: int, step: int) -> list[int]:
  """Returns the indices of a batch; each epoch is a permutation of all.

  Args:
    count: Number of what is drawn from.
    batch: Number of indices in a batch.
    seed: Seed of the orders.
    step: Number of the batch.
  """
  places = np.arange(step * batch, (step + 1) * batch)
  orders = {
    epoch: np.random.default_rng((seed, 1, epoch)).permutation(count)
    for epoch in np.unique(places // count).tolist()
  }
  return [int(orders[p // count][p % count]) for p in places.tolist()]
