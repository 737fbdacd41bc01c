"""Which realism head is for which model, among those that are here."""

import functools
from collections.abc import Sequence
from typing import Any

from tfpercept import manifests, offers
from tfpercept.io import files

MODEL = "realism_head"
"""Registered name of the network, as manifests have it."""
CODEC = "codec"
"""Field of a head's manifest that tells its codec, with these two."""
NAME, IDENTITY = "name", "identity"


def check_strength(realism: float) -> None:
  """Raises ValueError unless a strength is a number from 0 to 1."""
  is_number = isinstance(realism, int | float) and not isinstance(realism, bool)
  if not is_number or not 0 <= realism <= 1:
    raise ValueError(
      "realism is 0, for the faithful picture, to 1, for all that the head "
      f"adds; got {realism!r}"
    )


def read(head: files.PathLike) -> dict[str, Any]:
  """Returns the manifest of a realism head.

  Args:
    head: Folder of a head or of its run, or the name of one that comes with the
      package.

  Raises:
    ValueError: if it is no head, or does not tell its codec.
  """
  manifest = manifests.read(head)
  if manifest["model"] != MODEL:
    raise ValueError(
      f"{head} holds a {manifest['model']}, not a realism head; give a folder "
      "that trainers.realism wrote"
    )
  told = manifest.get(CODEC)
  if not isinstance(told, dict) or not all(
    isinstance(told.get(key), str) for key in (NAME, IDENTITY)
  ):
    raise ValueError(
      f"the manifest of {head} does not tell which codec the head is for; copy "
      "the whole folder again"
    )
  return manifest


@functools.cache
def shipped() -> tuple[str, ...]:
  """Returns the names of the heads that come with the package."""
  return offers.shipped(MODEL)


def find(
  identity: bytes, model: files.PathLike, given: Sequence[files.PathLike] = ()
) -> files.PathLike:
  """Returns the folder or the name of the realism head of a model.

  Args:
    identity: The model's name in files (`model_ids.identity`).
    model: Folder or name of the model, for messages.
    given: Folders or names of heads, in place of those of the package. Only
      where none is given a head of the package is taken.

  Raises:
    ValueError: if there is no head for the model, or one that is given is no
      head.
  """
  others = []
  for head in given or shipped():
    codec = read(head)[CODEC]
    if codec[IDENTITY] == identity.hex():
      return head
    others.append(f"{head} (for {codec[NAME]}, {codec[IDENTITY]})")
  raise ValueError(
    f"no realism head is for {model} ({identity.hex()}); those "
    f"{'given' if given else 'here'}: {', '.join(others) or 'none'}. Decode "
    "with a realism of 0, or give a head that trainers.realism trained for "
    "this very model"
  )
