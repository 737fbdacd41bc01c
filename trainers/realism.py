"""Trains a realism head, which a decoder adds to a codec's faithful picture.

    python -m trainers.realism --codec=photo_mse --loss=lpips --data=PHOTOS \
        --adversarial=0 --steps=3000 --out=runs/gentle
    python -m trainers.realism --codec=photo_mse --loss=lpips --data=PHOTOS \
        --initial=runs/gentle --steps=8000 --out=runs/realism

The codec is frozen: its files and its own decoder stay as they are. The first
run trains without a critic, the second with one. If a training is killed, the
same command resumes it. `--out` holds the head as of the last interval, which
`tfpercept decompress --head` takes.
"""

from absl import flags, logging

from programs import derived_flags, program
from tfpercept import training
from trainers import (
  initial_weights,
  realism_training,
  run_flags,
  shared_settings,
)

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_SETTINGS = derived_flags.Flags(realism_training.Settings)
_START = derived_flags.Flags(shared_settings.Start)
_ACCESS = derived_flags.Flags(shared_settings.Access)


def main() -> None:
  initial, kept = initial_weights.load(_START.read().initial)
  given = _SETTINGS.read(codec_identity="")
  own = _SETTINGS.read(
    codec_identity=realism_training.codec_identity(given.codec), **kept
  )
  run = run_flags.run(own)
  realism_training.train(run, initial=initial, download=_ACCESS.read().download)
  logging.info("Trained realism head in %s", run.out / "model")


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
