"""Trains an autoencoder with any loss, or one with each of several losses.

    python -m trainers.autoencoder --loss=mse --loss="ms_ssim(scales=3)" \
        --data=faces.npz --side=48 --out=runs/faces

Several losses share the pictures, the initial weights and the number of steps;
each gets a folder below `--out`. If the training is killed, the same command
resumes it.
"""

from absl import flags, logging

from programs import derived_flags, program
from tfpercept import training
from trainers import (
  autoencoder_training,
  example_settings,
  network_flags,
  run_flags,
  shared_settings,
)

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_FLAGS = network_flags.NetworkFlags(autoencoder_training.Settings)
_ACCESS = derived_flags.Flags(shared_settings.Access)


def main() -> None:
  own, initial = _FLAGS.read()
  runs, data, unseen = example_settings.ready(
    run_flags.runs(own), download=_ACCESS.read().download
  )
  for run in runs:
    autoencoder_training.train(run, data, unseen, initial=initial)
    logging.info("Trained model in %s", run.out / "model")


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
