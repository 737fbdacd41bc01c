"""Trains a generator of small pictures, whose latent a codec can store.

    python -m trainers.gan --network=dcgan --data=emoji.npz --side=64 \
        --channels=3 --out=runs/emoji

`tools/emoji_pictures.py` makes `emoji.npz`. The network `klt_generator` starts
from principal components and learns from `--loss` and a critic; `pca` has the
components alone. Sheets of samples, or of reconstructions, go to
`samples/` in `--out` at each `--interval`. If the training is killed, the same
command resumes it. `tfpercept compress --model=RUN` codes with the result.
"""

from absl import flags

from programs import program
from tfpercept import training
from trainers import example_trainer, gan_training, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_TRAINER = example_trainer.ExampleTrainer(
  gan_training.Settings, gan_training.train
)


if __name__ == "__main__":
  program.start(_TRAINER.main, also=(training.NonFiniteError,))
