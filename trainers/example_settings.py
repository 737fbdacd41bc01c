"""Settings of trainers on small square pictures: the pictures, the layers."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TypeVar

from tfpercept import settings, training
from tfpercept.data import examples, identity
from tfpercept.models.autoencoders import base
from trainers import objectives, shared_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures(shared_settings.Network):
  """Settings of the pictures that a network is trained on.

  Attributes:
    data: Names of the sources, see `data.examples.load`.
    side: Height and width of the pictures, in pixels.
    channels: Number of channels, 1 or 3.
    fit: The way from a picture to that size, one of `data.examples.FITS`.
    held_out: Share of the pictures that are not trained on.
    batch: Number of pictures in a batch.
  """

  data: tuple[str, ...] = settings.option(
    ("packaged",),
    "Pictures: 'packaged', a folder, a .npz file or a tfds name; may be "
    "repeated.",
    repeated=True,
  )
  side: int = settings.option(
    48, "Side of the pictures, in pixels.", least=32, most=128
  )
  channels: int = settings.option(
    1, "Number of channels: 1 for grey, 3 for color.", choices=(1, 3)
  )
  fit: str = settings.option(
    "resize",
    "Method that brings pictures to that size; crops are cut from photographs.",
    choices=examples.FITS,
  )
  held_out: float = settings.option(
    0.05,
    "Share of the pictures that are held out from training.",
    least=0.0,
    most=0.99,
  )
  batch: int = settings.option(32, "Number of pictures in a batch.", least=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(settings.Settings):
  """Arguments of networks for their hidden layers.

  Attributes:
    kind: Kind of the hidden layers, one of `models.autoencoders.base.KINDS`.
    widths: Channels or units of the hidden layers, from the picture to the
      vector.
    dense: Number of units of the fully connected layer of kind `"pooled"`, else
      0.
  """

  kind: str = settings.option(
    "convolutional", "Kind of the hidden layers.", choices=base.KINDS
  )
  dense: int = settings.option(
    0,
    "Number of units of the fully connected layer of --kind=pooled.",
    least=0,
    absent=0,
  )
  widths: tuple[int, ...] = settings.option(
    (32, 64, 128),
    "Channels or units of the hidden layers, from the picture to the code.",
  )


_Own = TypeVar("_Own", bound=Pictures)


def ready(
  runs: Sequence[training.Run[_Own]], *, download: bool
) -> tuple[list[training.Run[_Own]], examples.Examples, examples.Examples]:
  """Binds runs to the identity of their pictures, and reads the pictures.

  Args:
    runs: Trainings that differ only in their loss and their folder.
    download: Whether tfds may download.

  Returns:
    The runs, the pictures to train on, and those that are held out.

  Raises:
    ValueError: if a loss is unknown or does not suit the size of the pictures,
      before another is trained; as `training.Run.on`.
  """
  own = runs[0].settings
  for run in runs:
    objectives.of(run.loss, side=own.side)
  what = functools.cache(lambda: identity.of(own.data, download=download))
  found = [run.on(data=what) for run in runs]
  return found, *load(own, seed=runs[0].seed, download=download)


def read(
  own: Pictures, *, download: bool = False, split: str = "train"
) -> examples.Examples:
  """Reads the pictures that settings name.

  Args:
    own: Settings of the pictures.
    download: Whether tfds may download.
    split: Part of data that come in parts, one of `data.examples.SPLITS`.
  """
  return examples.load(
    own.data,
    side=own.side,
    channels=own.channels,
    fit=own.fit,
    split=split,
    download=download,
    skip_damaged=own.skip_damaged,
  )


def load(
  own: Pictures, *, seed: int, download: bool = False
) -> tuple[examples.Examples, examples.Examples]:
  """Reads the training pictures and the held-out pictures of a run.

  Args:
    own: Settings of the run.
    seed: Seed of the run, which selects the held-out pictures.
    download: Whether tfds may download.
  """
  data = read(own, download=download)
  return examples.hold_out(data, own.held_out, seed=seed)
