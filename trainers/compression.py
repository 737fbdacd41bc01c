"""Trains a learned image codec for rate and any distance, all rates at once.

    python -m trainers.compression --data=photos --steps=40000 --out=runs/codec
    python -m trainers.compression --data=photos --initial=runs/codec \
        --loss=ms_ssim --lmbda=3,200 --steps=8000 --out=runs/codec_ms_ssim

Killed at any moment, the same command resumes it. `--out` holds the codec as of
the last interval, which `tfpercept compress --model` takes.
"""

from absl import flags, logging

from export import program
from tfpercept import models, training
from tfpercept.tasks import quantisers
from trainers import compression_runs, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_DATA = flags.DEFINE_multi_string(
  "data", ["packaged"], "'packaged', a folder or a tfds name; may be repeated."
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Let tfds download.")
_SIDES = flags.DEFINE_list(
  "sides",
  [],
  "Lengths in pixels that the longer side of each picture is reduced to; a "
  "picture is used at each of them.",
)
_LARGEST = flags.DEFINE_float(
  "largest", 1.0, "Pictures are reduced by this factor at least.", 0.0, 1.0
)
_PATCH = flags.DEFINE_integer(
  "patch", 192, "Side of the crops, a multiple of 64.", 64
)
_BATCH = flags.DEFINE_integer("batch", 4, "Crops in a batch.", 1)
_WIDTHS = flags.DEFINE_list(
  "widths", ["48", "64", "96"], "Hidden channels of the transforms."
)
_LATENTS = flags.DEFINE_integer("latents", 192, "Channels of latents.", 1)
_HYPER_WIDTH = flags.DEFINE_integer(
  "hyper_width", 96, "Hidden channels of the hyper-transforms.", 1
)
_HYPER_LATENTS = flags.DEFINE_integer(
  "hyper_latents", 64, "Channels of hyper-latents.", 1
)
_LMBDA = flags.DEFINE_list(
  "lmbda",
  None,
  "Weight of the distance at the lowest and the highest quality; by default "
  "those of the network, for mse.",
)
_QUANTISER = flags.DEFINE_enum(
  "quantiser", "mixed", tuple(quantisers.QUANTISERS), "Rounding in training."
)
_FALL = flags.DEFINE_float(
  "fall",
  0.3,
  "Share of the steps, at the end, over which the rate falls.",
  0,
  1,
)
_INITIAL = flags.DEFINE_string(
  "initial", None, "A run of a like network, to start from its weights."
)


def main() -> None:
  settings = {
    "data": _DATA.value,
    "sides": [int(side) for side in _SIDES.value],
    "largest": _LARGEST.value,
    "patch": _PATCH.value,
    "batch": _BATCH.value,
    "model": {
      "widths": [int(width) for width in _WIDTHS.value],
      "latents": _LATENTS.value,
      "hyper_width": _HYPER_WIDTH.value,
      "hyper_latents": _HYPER_LATENTS.value,
    },
    "lmbda": [float(end) for end in _LMBDA.value] if _LMBDA.value else None,
    "quantiser": _QUANTISER.value,
    "fall": _FALL.value,
  }
  initial = None
  if _INITIAL.value:
    initial, manifest = models.load(_INITIAL.value, dtype="float32")
    settings["initial"] = manifest["sha256"]
    settings["model"] = {
      k: v for k, v in initial.get_config().items() if k != "name"
    }
  run = run_flags.run(settings)
  compression_runs.train(run, initial=initial, download=_DOWNLOAD.value)
  logging.info("Trained codec in %s", run.out / "model")


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
