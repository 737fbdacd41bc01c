"""Trains an autoencoder with any loss, or one with each of several losses.

    python -m trainers.autoencoder --data=faces.npz --side=48 --loss=mse \
        --loss="ms_ssim(scales=3, border='mirror')" --out=runs/faces

Several losses share the pictures, the initial weights and the number of steps;
each gets a folder below `--out`. If the training is killed, the same command
resumes it.
"""

from absl import flags

from programs import program
from tfpercept import training
from trainers import autoencoder_training, example_trainer, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_TRAINER = example_trainer.ExampleTrainer(
  autoencoder_training.Settings, autoencoder_training.train
)


if __name__ == "__main__":
  program.start(_TRAINER.main, also=(training.NonFiniteError,))
