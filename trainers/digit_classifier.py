"""Trains the classifier of digits that judges samples of VAEs.

    python -m trainers.digit_classifier --data=mnist.npz --out=runs/a

Killed at any moment, the same command resumes it.
"""

import dataclasses

import tensorflow as tf
from absl import flags, logging

from programs import program
from tfpercept import models, training
from tfpercept.data import examples, identity
from tfpercept.evaluation.generative import metrics as generation
from tfpercept.models import digit_classifier
from tfpercept.tasks import classification
from tfpercept.training import callbacks, precision
from trainers import initial_weights, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_DATA = flags.DEFINE_string(
  "data", None, "An .npz file of digits in Keras' layout.", required=True
)
_BATCH = flags.DEFINE_integer("batch", 128, "Digits in a batch.", 1)
_SHIFT = flags.DEFINE_integer("shift", 2, "Most pixels of shifts.", 0)
_DROPOUT = flags.DEFINE_float("dropout", 0.3, "Share of features.", 0.0, 0.99)
_FILTERS = flags.DEFINE_list(
  "filters", ["16", "32", "32", "64", "64"], "Widths of the convolutions."
)
_WIDTH = flags.DEFINE_integer("width", 64, "Number of features.", 1)
_INITIAL = flags.DEFINE_string(
  "initial",
  None,
  "A finished run of a like network, to start from its weights.",
)


def main() -> None:
  initial, told = initial_weights.load(_INITIAL.value)
  run = run_flags.run(
    {
      "data": _DATA.value,
      "batch": _BATCH.value,
      "shift": _SHIFT.value,
      "dropout": _DROPOUT.value,
      "model": {
        "filters": [int(f) for f in _FILTERS.value],
        "width": _WIDTH.value,
      },
      **told,
    }
  )
  # What --loss names compares pictures; it has no say here.
  run = dataclasses.replace(run, loss="cross-entropy")
  run = run.on(data=lambda: identity.of_paths([_DATA.value]))
  train_on, test = (_digits(split) for split in examples.SPLITS)
  accuracy = train(run, train_on, test, initial=initial)
  logging.info(
    "Model of %.2f %% on %d test digits in %s",
    100 * accuracy,
    len(test),
    run.out / "model",
  )


def train(
  run: training.Run,
  data: examples.Examples,
  test: examples.Examples,
  *,
  initial: models.DigitClassifier | None = None,
) -> float:
  """Trains a classifier, or resumes it, and writes it to `out / "model"`.

  Args:
    run: Its `settings` hold `batch`, `shift`, `dropout` and `model` (the
      arguments of the network).
    data: Digits to train on, each with its `label`.
    test: Digits that are counted.
    initial: Has the weights to start from; random ones by default.

  Returns:
    The share of `test` that it tells.
  """
  settings = run.settings
  batches = examples.Batches(
    data.images,
    labels=data.labels["label"],
    batch=settings["batch"],
    seed=run.seed,
  )
  with training.prepare(run).scope():
    network = models.DigitClassifier(
      **settings["model"], dtype=precision.policy(run.precision)
    )
    network.build()
    initial_weights.start(network, initial)
    task = classification.Classification(
      network,
      seed=run.seed,
      shift=settings["shift"],
      dropout=settings["dropout"],
    )

  def show() -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    return {}, {"held_out/accuracy": _accuracy(network, test)}

  training.fit(task, batches, run, pictures=callbacks.Pictures(show))
  accuracy = _accuracy(network, test)
  models.save(
    network,
    run.out / "model",
    objective=run.loss,
    test_accuracy=accuracy,
    training=run.to_json(),
  )
  return accuracy


def _digits(split: str) -> examples.Examples:
  digits = examples.load(
    [_DATA.value],
    side=digit_classifier.SIDE,
    channels=1,
    fit="pad",
    split=split,
  )
  label = digits.labels.get("label")
  if label is None or not 0 <= label.min() <= label.max() < 10:
    raise ValueError(
      f"--data needs labels y_{split} from 0 to 9; {_DATA.value} has none"
    )
  return digits


def _accuracy(
  network: models.DigitClassifier, digits: examples.Examples
) -> float:
  """Returns the share of digits that its weights tell in float32."""
  exact = models.DigitClassifier.from_config(network.get_config())
  exact.build()
  exact.set_weights(network.get_weights())
  judged = generation.judge(exact, digits.floats())
  return float((judged.classes == digits.labels["label"]).mean())


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
