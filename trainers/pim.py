"""Trains PIM without labels, on pairs of nearly equal pictures.

    python -m trainers.pim --clips=film.mp4 --photos=pictures --out=runs/pim

A pair is two neighbouring frames of a clip, or two slightly moved, turned,
zoomed and lit views of a photograph. With both, each gives half of a batch.
If the training is killed, the same command resumes it.
"""

import dataclasses

from absl import flags, logging

from programs import program
from tfpercept import training
from trainers import network_flags, pim_training, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_FLAGS = network_flags.NetworkFlags(pim_training.Settings)


def main() -> None:
  own, initial = _FLAGS.read()
  # PIM is trained with its own bound; --loss does not apply.
  run = dataclasses.replace(run_flags.run(own), loss="ixyz")
  pim_training.train(run, initial=initial)
  logging.info("Trained model in %s", run.out / "model")


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
