"""Programs that train a network of small pictures under one or more losses."""

from typing import Any, Generic, Protocol, TypeVar

import keras
from absl import flags, logging

from programs import derived_flags
from tfpercept import training
from tfpercept.data import examples
from trainers import (
  example_settings,
  network_flags,
  run_flags,
  shared_settings,
)

# The flags belong to the program.
flags.disclaim_key_flags()
_Own = TypeVar("_Own", bound=example_settings.Pictures)


class Train(Protocol):
  """A function that trains a network and writes it to `run.out / "model"`."""

  def __call__(
    self,
    run: training.Run[Any],
    data: examples.Examples,
    unseen: examples.Examples,
    *,
    initial: keras.Model | None,
  ) -> None:
    """Trains, or resumes."""


class ExampleTrainer(Generic[_Own]):
  """A trainer of one network for each `--loss`, all on the same pictures.

  Args:
    kind: Dataclass of the settings, which the flags follow from.
    train: Function that trains one network.
  """

  def __init__(self, kind: type[_Own], train: Train):
    self._flags = network_flags.NetworkFlags(kind)
    self._access = derived_flags.Flags(shared_settings.Access)
    self._train = train

  def main(self) -> None:
    """Trains all networks, once flags are parsed."""
    own, initial = self._flags.read()
    runs, data, unseen = example_settings.ready(
      run_flags.runs(own), download=self._access.read().download
    )
    for run in runs:
      self._train(run, data, unseen, initial=initial)
      logging.info("Trained model in %s", run.out / "model")
