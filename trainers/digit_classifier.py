"""Trains the classifier of digits that measures samples of VAEs.

    python -m trainers.digit_classifier --data=mnist.npz --out=runs/a

If the training is killed, the same command resumes it.
"""

import dataclasses

from absl import flags, logging

from programs import program
from tfpercept import training
from tfpercept.data import examples, identity
from trainers import digit_training, network_flags, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_FLAGS = network_flags.NetworkFlags(digit_training.Settings)


def main() -> None:
  own, initial = _FLAGS.read()
  # --loss names a distance of pictures, which a classifier does not use.
  run = dataclasses.replace(run_flags.run(own), loss="cross-entropy")
  run = run.on(data=lambda: identity.of_paths([own.data]))
  train_on, test = (
    digit_training.read(own, split) for split in examples.SPLITS
  )
  accuracy = digit_training.train(run, train_on, test, initial=initial)
  logging.info(
    "Model of %.2f %% on %d test digits in %s",
    100 * accuracy,
    len(test),
    run.out / "model",
  )


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
