"""Flags of trainers on small square pictures, and the pictures they name."""

from typing import Any

from absl import flags

from tfpercept import training
from tfpercept.data import examples

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


def settings() -> dict[str, Any]:
  """Returns what the flags say, for `run_flags.run`."""
  return {
    "data": _DATA.value,
    "side": _SIDE.value,
    "channels": int(_CHANNELS.value),
    "fit": _FIT.value,
    "held_out": _HELD_OUT.value,
    "batch": _BATCH.value,
  }


def load(run: training.Run) -> tuple[examples.Examples, examples.Examples]:
  """Returns what a run trains on and what it does not."""
  data = read(run.settings)
  return examples.hold_out(data, run.settings["held_out"], seed=run.seed)


def read(settings: dict[str, Any]) -> examples.Examples:
  """Returns all examples that the settings of a run name."""
  return examples.load(
    settings["data"],
    side=settings["side"],
    channels=settings["channels"],
    fit=settings["fit"],
    download=_DOWNLOAD.value,
  )
