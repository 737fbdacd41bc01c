"""Trains SRCNN for super-resolution under any distance.

    python -m trainers.srcnn --loss="ms_ssim(scales=3)" --out=runs/a

Killed at any moment, the same command resumes it.
"""

from absl import flags, logging

from programs import program
from tfpercept import training
from trainers import initial_weights, run_flags, super_resolution

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_DATA = flags.DEFINE_multi_string(
  "data", ["packaged"], "'packaged', a folder or a tfds name; may be repeated."
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Let tfds download.")
_RESCALE = flags.DEFINE_list(
  "rescale", ["1"], "Factors by which pictures are also reduced beforehand."
)
_SCALE = flags.DEFINE_integer("scale", 4, "Factor of super-resolution.", 2)
_PATCH = flags.DEFINE_integer("patch", 48, "Side of the crops.", 8)
_BATCH = flags.DEFINE_integer("batch", 16, "Crops in a batch.", 1)
_KERNELS = flags.DEFINE_list("kernels", ["9", "5", "5"], "Kernel sizes.")
_FILTERS = flags.DEFINE_list("filters", ["64", "32"], "Hidden widths.")
_INITIAL = flags.DEFINE_string(
  "initial",
  None,
  "A finished run of a like network, to start from its weights.",
)


def main() -> None:
  model = {
    "kernels": [int(k) for k in _KERNELS.value],
    "filters": [int(f) for f in _FILTERS.value],
  }
  initial, told = initial_weights.load(_INITIAL.value)
  run = run_flags.run(
    {
      "data": _DATA.value,
      "rescale": [float(factor) for factor in _RESCALE.value],
      "scale": _SCALE.value,
      "patch": _PATCH.value,
      "batch": _BATCH.value,
      "model": model,
      **told,
    }
  )
  super_resolution.train(run, initial=initial, download=_DOWNLOAD.value)
  logging.info("Trained model in %s", run.out / "model")


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
