"""Small square pictures of one size, with labels, and batches of them."""

import dataclasses
import pathlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from tfpercept.data import sources, tfds
from tfpercept.io import npz_reader
from tfpercept.ops import color, resize

FITS = ("resize", "pad", "crops")
"""Ways to bring pictures to one size; `load` describes them."""
SPLITS = ("train", "test")
_RESCALE = (1.0, 0.5, 0.25)  # scales of photographs that crops are cut from
_RESIZED = 256  # pictures resized at once

Pictures: TypeAlias = Sequence[np.ndarray] | np.ndarray
"""Pictures of one size or of several, `[H, W, C]` each."""


@dataclasses.dataclass(frozen=True)
class Examples:
  """Pictures of one size and their labels.

  Attributes:
    images: Pictures, uint8 `[N, S, S, C]`.
    labels: Numbers `[N]` by name, such as `identity` or `azimuth`; empty
      without labels.
  """

  images: np.ndarray
  labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

  def __len__(self) -> int:
    return len(self.images)

  def take(self, index: np.ndarray) -> "Examples":
    """Returns the examples at some positions, or where a mask is True."""
    labels = {name: values[index] for name, values in self.labels.items()}
    return Examples(self.images[index], labels)

  @property
  def brightness(self) -> float:
    """Mean of all pixels in [0, 1], clipped to 0.01 to 0.99."""
    return float(np.clip(self.images.mean() / 255, 0.01, 0.99))

  def floats(self) -> np.ndarray:
    """Returns the pictures as float32 in [0, 1]."""
    return self.images / np.float32(255)


def load(
  names: Iterable[str],
  *,
  side: int,
  channels: int,
  fit: str = "resize",
  split: str = "train",
  download: bool = False,
  skip_damaged: bool = False,
) -> Examples:
  """Reads pictures and brings them to one size.

  Args:
    names: Sources of pictures. Each is the path of a `.npz` file or a name for
      `sources.load`: `"packaged"`, a folder, or a data set of tfds. A `.npz`
      file holds one array of uint8 pictures `[N, H, W]` or `[N, H, W, C]`, and
      labels `[N]` under their names; or it has the layout of Keras (`x_train`,
      `y_train`, `x_test`, `y_test`), whose labels, `[N]` or `[N, 1]`, are
      called `label`.
    side: Side of the squares in pixels.
    channels: Number of channels: 1 turns color gray (Y of BT.601), 3 repeats
      gray.
    fit: Way to bring pictures to one size. `"resize"` takes the largest square
      from the middle and resizes it bicubically. `"pad"` continues the border
      of smaller pictures, such as the digits of MNIST. `"crops"` cuts
      photographs, at full, half and quarter size, into as many squares as fit
      side by side.
    split: Part of the data, `"train"` or `"test"`, of sources that have parts:
      those of tfds and of Keras' layout. Others are read whole as `"train"`.
    download: If True, tfds may download.
    skip_damaged: If True, leaves out pictures of folders that cannot be read,
      and a folder that has no other.

  Returns:
    The examples of all sources, in a fixed order, with the labels that all of
    them have.

  Raises:
    ValueError: if an option is out of range, a source cannot be read or has no
      such part, or no picture fits.
  """
  if fit not in FITS:
    raise ValueError(f"fit is one of {', '.join(FITS)}; got {fit!r}")
  if split not in SPLITS:
    raise ValueError(f"split is one of {', '.join(SPLITS)}; got {split!r}")
  if side < 1 or channels not in (1, 3):
    raise ValueError(
      f"examples have a side above 0 and 1 or 3 channels; got {side}, "
      f"{channels}"
    )
  parts = [
    fitted(*source, side=side, channels=channels, fit=fit)
    for source in _read(list(names), split, download, skip_damaged)
    if len(source[0])  # `skip_damaged` may have left out all of it
  ]
  if not parts:
    raise ValueError("no source of pictures given; try --data=packaged")
  return _joined(parts)


def _joined(parts: Sequence[Examples]) -> Examples:
  """Returns all examples, with the labels that all parts have."""
  shared = set.intersection(*(set(part.labels) for part in parts))
  return Examples(
    np.concatenate([part.images for part in parts]),
    {
      name: np.concatenate([part.labels[name] for part in parts])
      for name in parts[0].labels
      if name in shared
    },
  )


def hold_out(
  data: Examples, share: float, *, seed: int
) -> tuple[Examples, Examples]:
  """Returns examples for training and a random share that is held out.

  At least one example is held out, unless `share` is 0.

  Raises:
    ValueError: if `share` is not in [0, 1) or nothing is left to train on.
  """
  if not 0 <= share < 1:
    raise ValueError(f"the share held out must be in [0, 1); got {share}")
  count = max(1, round(share * len(data))) if share else 0
  if count >= len(data):
    raise ValueError(
      f"of {len(data)} pictures {count} cannot be held out; give more pictures "
      "or a smaller share"
    )
  order = np.random.default_rng(seed).permutation(len(data))
  return data.take(np.sort(order[count:])), data.take(np.sort(order[:count]))


class Batches:
  """Batches of examples, each a function of (seed, step).

  They are `(x, x)`, input and target of an autoencoder, or `(x, label)`.

  Each epoch goes through the examples in another order and leaves out those at
  its end that do not fill a batch.

  Args:
    images: Pictures, uint8 `[N, S, S, C]`.
    batch: Number of examples in a batch.
    seed: Seed of the orders.
    labels: Labels, whole numbers `[N]`, for batches of the second form.

  Raises:
    ValueError: if there are fewer examples than a batch has, if a batch has
      none, or if not every example has a label.
  """

  def __init__(
    self,
    images: np.ndarray,
    *,
    batch: int,
    seed: int,
    labels: np.ndarray | None = None,
  ):
    if images.ndim != 4 or images.dtype != np.uint8:
      raise ValueError(
        f"expected uint8 pictures [N, S, S, C]; got {images.dtype} "
        f"{images.shape}"
      )
    if not 1 <= batch <= len(images):
      raise ValueError(
        f"a batch has 1 example or more, and at most all {len(images)}; got "
        f"{batch}"
      )
    if labels is not None and labels.shape != (len(images),):
      raise ValueError(
        f"expected a label for each of {len(images)} pictures; got "
        f"{list(labels.shape)}"
      )
    self._images = tf.constant(images)
    self._labels = None if labels is None else tf.constant(labels, tf.int32)
    self._batch, self._seed, self._count = batch, seed, len(images)

  def at(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns batch `step`: `x`, and `x` again or the labels.

    `x` is float32 `[batch, S, S, C]` in [0, 1], labels are int32 `[batch]`.
    """
    step = tf.cast(step, tf.int64)
    whole = self._count // self._batch  # batches in an epoch
    place = step % whole * self._batch + tf.range(self._batch, dtype=tf.int64)
    index = tf.random.experimental.index_shuffle(
      place,
      tf.stack([tf.constant(self._seed, tf.int64), step // whole]),
      max_index=self._count - 1,
    )
    x = tf.cast(tf.gather(self._images, index), tf.float32) / 255.0
    return x, x if self._labels is None else tf.gather(self._labels, index)

  def batches(self, start: int, stop: int) -> tf.data.Dataset:
    """Returns batches `start` to `stop - 1` in order."""
    steps = tf.data.Dataset.range(start, stop)
    return steps.map(self.at, num_parallel_calls=1).prefetch(2)


def _read(
  names: list[str], split: str, download: bool, skip_damaged: bool
) -> list[tuple[Pictures, dict[str, np.ndarray]]]:
  """Returns unchanged pictures `[H, W, C]` of each source, and its labels."""
  found: dict[str, tuple[Pictures, dict[str, np.ndarray]]] = {
    name: _from_npz(name, split) for name in names if _is_npz(name)
  }
  others = [name for name in names if name not in found]
  read: Sequence[Sequence[np.ndarray]]
  if split == "train":
    read = sources.load_each(
      others, download=download, skip_damaged=skip_damaged
    )
  else:
    read = [_part(name, split, download) for name in others]
  for name, pictures in zip(others, read, strict=True):
    found[name] = pictures, {}
  return [found[name] for name in names]


def _is_npz(name: str) -> bool:
  path = pathlib.Path(name)
  return path.suffix.lower() == ".npz" and not path.is_dir()


def _part(name: str, split: str, download: bool) -> Sequence[np.ndarray]:
  if name == "packaged" or pathlib.Path(name).is_dir():
    raise ValueError(f"{name} has no part {split!r}; hold some of it out")
  return tfds.load(name, split=split, download=download)


def _from_npz(
  path: str, split: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
  if not pathlib.Path(path).is_file():
    raise ValueError(
      f"there is no file of pictures {path}; give one that is there, a folder "
      "or a data set"
    )
  arrays = npz_reader.read(path, numbers_only=True)
  if f"x_{split}" in arrays:
    images = arrays[f"x_{split}"]
    name = f"y_{split}"
    labels = {"label": arrays[name]} if name in arrays else {}
  elif split != "train":
    raise ValueError(f"{path} has no part {split!r}; hold some of it out")
  else:
    found = [k for k, a in arrays.items() if a.ndim in (3, 4)]
    if len(found) != 1:
      raise ValueError(
        f"{path} should hold one array of pictures [N, H, W] or [N, H, W, C]; "
        f"it holds {', '.join(found) or 'none'}"
      )
    images = arrays.pop(found[0])
    labels = arrays
  if images.ndim == 3:
    images = images[..., None]
  if (
    images.dtype != np.uint8
    or images.shape[-1] not in (1, 3)
    or (not images.size)
  ):
    raise ValueError(
      f"the pictures of {path} should be uint8, gray or RGB; they are "
      f"{images.dtype} {images.shape}"
    )
  shapes = (len(images),), (len(images), 1)  # Keras' CIFAR has the latter
  return images, {
    k: a.reshape(-1) for k, a in labels.items() if a.shape in shapes
  }


def fitted(
  pictures: Pictures,
  labels: dict[str, np.ndarray] | None = None,
  *,
  side: int,
  channels: int,
  fit: str = "resize",
) -> Examples:
  """Brings uint8 pictures `[H, W, 1 or 3]` to one size, as `load` does.

  With `"crops"` there are more crops than labels, so labels are dropped.

  Raises:
    ValueError: if there is no picture, or none fits.
  """
  if not len(pictures):
    raise ValueError("there is no picture to fit; give one or more")
  labels = labels or {}
  pictures = [_channels(picture, channels) for picture in pictures]
  if fit == "crops":
    return Examples(np.stack(_crops(pictures, side)))
  if fit == "pad":
    return Examples(np.stack([_padded(p, side) for p in pictures]), labels)
  squares = [_square(picture) for picture in pictures]
  images = np.empty((len(squares), side, side, channels), np.uint8)
  by_size: dict[int, list[int]] = {}
  for i, picture in enumerate(squares):
    by_size.setdefault(len(picture), []).append(i)
  for members in by_size.values():
    for start in range(0, len(members), _RESIZED):
      chosen = members[start : start + _RESIZED]
      images[chosen] = _resized(np.stack([squares[i] for i in chosen]), side)
  return Examples(images, labels)


def _channels(picture: np.ndarray, channels: int) -> np.ndarray:
  if picture.shape[-1] == channels:
    return picture
  if channels == 3:
    return np.repeat(picture, 3, axis=-1)
  return np.round(picture @ np.array(color.LUMA)).astype(np.uint8)[..., None]


def _square(picture: np.ndarray) -> np.ndarray:
  side = min(picture.shape[:2])
  top, left = ((size - side) // 2 for size in picture.shape[:2])
  return picture[top : top + side, left : left + side]


def _resized(squares: np.ndarray, side: int) -> np.ndarray:
  """Resizes uint8 `[N, S, S, C]` bicubically, with antialiasing."""
  if squares.shape[1] == side:
    return squares
  scaled = resize.imresize(squares.astype(np.float32), side / squares.shape[1])
  return np.round(scaled.numpy().clip(0, 255)).astype(np.uint8)


def _padded(picture: np.ndarray, side: int) -> np.ndarray:
  room = [side - size for size in picture.shape[:2]]
  if min(room) < 0:
    raise ValueError(
      f"a picture of {picture.shape[1]}x{picture.shape[0]} cannot be padded "
      f"to {side}x{side}; give a larger side, or fit='resize'"
    )
  widths = [(gap // 2, gap - gap // 2) for gap in room]
  return np.pad(picture, [*widths, (0, 0)], mode="edge")


def _crops(pictures: Sequence[np.ndarray], side: int) -> list[np.ndarray]:
  crops = []
  for picture in pictures:
    for scale in _RESCALE:
      scaled = picture
      if scale < 1:
        image = resize.imresize(picture[None].astype(np.float32), scale)[0]
        scaled = np.round(image.numpy().clip(0, 255)).astype(np.uint8)
      height, width = scaled.shape[:2]
      crops += [
        scaled[top : top + side, left : left + side]
        for top in range(0, height - side + 1, side)
        for left in range(0, width - side + 1, side)
      ]
  if not crops:
    raise ValueError(
      f"no picture is as large as a {side}x{side} crop; give larger pictures"
    )
  return crops
