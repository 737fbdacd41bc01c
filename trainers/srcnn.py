"""Trains SRCNN for super-resolution with any loss.

    python -m trainers.srcnn --loss="ms_ssim(scales=3, border='mirror')" \
        --out=runs/a

If the training is killed, the same command resumes it.
"""

from absl import flags, logging

from programs import derived_flags, program
from tfpercept import training
from trainers import (
  network_flags,
  run_flags,
  shared_settings,
  super_resolution,
)

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_FLAGS = network_flags.NetworkFlags(super_resolution.Settings)
_ACCESS = derived_flags.Flags(shared_settings.Access)


def main() -> None:
  own, initial = _FLAGS.read()
  run = run_flags.run(own)
  download = _ACCESS.read().download
  super_resolution.train(run, initial=initial, download=download)
  logging.info("Trained model in %s", run.out / "model")


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
