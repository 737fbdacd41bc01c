"""Trains a VAE with any loss, or one with each of several losses.

    python -m trainers.vae --loss=watson_dft --loss=mse --data=mnist.npz \
        --side=32 --fit=pad --beta=auto --nats_per_latent=1.5 --out=runs/digits

Several losses share the pictures, the initial weights, the noise and the number
of steps; each gets a folder below `--out`. If the training is killed, the same
command resumes it.
"""

from absl import flags

from programs import program
from tfpercept import training
from tfpercept.tasks import posterior
from trainers import example_trainer, run_flags, variational

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_TRAINER = example_trainer.ExampleTrainer(
  variational.Settings, variational.train
)


if __name__ == "__main__":
  program.start(
    _TRAINER.main, also=(training.NonFiniteError, posterior.PosteriorError)
  )
