"""Training of the classifier of digits: its settings, and what follows."""

import dataclasses

import tensorflow as tf

from tfpercept import models, settings, training
from tfpercept.data import examples
from tfpercept.evaluation.generative import metrics as generation
from tfpercept.models import digit_classifier
from tfpercept.tasks import classification
from tfpercept.training import callbacks, precision
from trainers import initial_weights, shared_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(settings.Settings):
  """Arguments of the classifier.

  Attributes:
    filters: Channels of the convolutions.
    width: Number of features.
  """

  filters: tuple[int, ...] = settings.option(
    (16, 32, 32, 64, 64), "Channels of the convolutions."
  )
  width: int = settings.option(64, "Number of features.", least=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Network):
  """Settings of a training of the classifier of digits.

  Attributes:
    data: Path of an `.npz` file.
    batch: Number of digits in a batch.
    shift: Most pixels that a digit is shifted by.
    dropout: Share of the features that are left out in training.
    model: Arguments of the network.
  """

  data: str = settings.option(
    settings.REQUIRED, ".npz file of digits in the layout of Keras."
  )
  batch: int = settings.option(128, "Number of digits in a batch.", least=1)
  shift: int = settings.option(
    2, "Largest shift of a digit, in pixels.", least=0
  )
  dropout: float = settings.option(
    0.3,
    "Share of the features that are dropped in training.",
    least=0.0,
    most=0.99,
  )
  model: Layers = dataclasses.field(default_factory=Layers)


def train(
  run: training.Run[Settings],
  data: examples.Examples,
  test: examples.Examples,
  *,
  initial: models.DigitClassifier | None = None,
) -> float:
  """Trains a classifier, or resumes it, and writes it to `out / "model"`.

  Args:
    run: The run.
    data: Digits to train on, each with its `label`.
    test: Digits that the accuracy is measured on, each with its `label`.
    initial: A network that has the weights to start from; None for random ones.

  Returns:
    The accuracy on `test`, in [0, 1].
  """
  own = run.settings
  batches = examples.Batches(
    data.images,
    labels=data.labels["label"],
    batch=own.batch,
    seed=run.seed,
  )
  with training.prepare(run).scope():
    network = models.DigitClassifier(
      **own.model.to_json(), dtype=precision.policy(run.precision)
    )
    network.build()
    initial_weights.start(network, initial)
    task = classification.Classification(
      network, seed=run.seed, shift=own.shift, dropout=own.dropout
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


def read(own: Settings, split: str) -> examples.Examples:
  """Reads the digits of a part of the data.

  Args:
    own: Settings, which name the file.
    split: Part of the data, one of `data.examples.SPLITS`.

  Raises:
    ValueError: if the part has no labels from 0 to 9.
  """
  digits = examples.load(
    [own.data],
    side=digit_classifier.SIDE,
    channels=1,
    fit="pad",
    split=split,
  )
  label = digits.labels.get("label")
  if label is None or not 0 <= label.min() <= label.max() < 10:
    raise ValueError(
      f"--data needs labels y_{split} from 0 to 9; {own.data} has none"
    )
  return digits


def _accuracy(
  network: models.DigitClassifier, digits: examples.Examples
) -> float:
  """Returns the share of digits that its weights tell in float32."""
  exact = models.DigitClassifier.from_config(network.get_config())
  exact.build()
  exact.set_weights(network.get_weights())
  told = generation.judge(exact, digits.floats())
  return float((told.classes == digits.labels["label"]).mean())
