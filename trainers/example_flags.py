"""Flags of trainers on small square pictures: the pictures, and the layers."""

import functools
from typing import Any

from absl import flags

from tfpercept import distances, training
from tfpercept.data import examples, identity
from tfpercept.models.autoencoders import base
from trainers import run_flags

_DATA = flags.DEFINE_multi_string(
  "data",
  ["packaged"],
  "'packaged', a folder, a .npz file or a tfds name; may be repeated.",
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Let tfds download.")
_SIDE = flags.DEFINE_integer("side", 48, "Of the pictures, in pixels.", 32, 128)
_CHANNELS = flags.DEFINE_enum("channels", "1", ["1", "3"], "Grey or colour.")
_FIT = flags.DEFINE_enum(
  "fit",
  "resize",
  examples.FITS,
  "How pictures come to that size; crops are cut from photographs.",
)
_HELD_OUT = flags.DEFINE_float(
  "held_out", 0.05, "Share of the pictures not to train on.", 0.0, 0.99
)
_BATCH = flags.DEFINE_integer("batch", 32, "Pictures in a batch.", 1)

_KIND = flags.DEFINE_enum(
  "kind", "convolutional", base.KINDS, "Of the hidden layers."
)
_WIDTHS = flags.DEFINE_list(
  "widths", ["32", "64", "128"], "Of the hidden layers, down to the vector."
)


def layers() -> dict[str, Any]:
  """Returns the options of networks that these flags set."""
  return {
    "kind": _KIND.value,
    "widths": [int(width) for width in _WIDTHS.value],
  }


def runs(own: dict[str, Any]) -> list[training.Run]:
  """Returns a run for each `--loss`, see `run_flags.runs`.

  Args:
    own: Settings of the trainer beside those of these flags.

  Raises:
    ValueError: if a loss is unknown or does not suit the size of the pictures,
      before another is trained; as `training.Run.on`.
  """
  side = _SIDE.value
  found = run_flags.runs(
    {
      "data": _DATA.value,
      "side": side,
      "channels": int(_CHANNELS.value),
      "fit": _FIT.value,
      "held_out": _HELD_OUT.value,
      "batch": _BATCH.value,
      **own,
    }
  )
  for run in found:
    distances.get(run.loss).validate(side, side)
  what = functools.cache(
    lambda: identity.of(_DATA.value, download=_DOWNLOAD.value)
  )
  return [run.on(data=what) for run in found]


def load(run: training.Run) -> tuple[examples.Examples, examples.Examples]:
  """Returns what a run trains on and what it does not."""
  settings = run.settings
  data = examples.load(
    settings["data"],
    side=settings["side"],
    channels=settings["channels"],
    fit=settings["fit"],
    download=_DOWNLOAD.value,
    skip_damaged="skip_damaged" in settings,
  )
  return examples.hold_out(data, settings["held_out"], seed=run.seed)
