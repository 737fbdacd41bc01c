"""Flags of trainers of networks: settings, and the weights to start from."""

from typing import Generic, TypeVar

import keras
from absl import flags

from programs import derived_flags
from trainers import initial_weights, shared_settings

# The flags belong to the trainer that asks for them.
flags.disclaim_key_flags()
_Own = TypeVar("_Own", bound=shared_settings.Network)


class NetworkFlags(Generic[_Own]):
  """The flags of the settings of a trainer, and `--initial`.

  Args:
    kind: The dataclass of settings.
  """

  def __init__(self, kind: type[_Own]):
    self._own = derived_flags.Flags(kind)
    self._start = derived_flags.Flags(shared_settings.Start)

  def read(self) -> tuple[_Own, keras.Model | None]:
    """Returns the settings, and the network whose weights training starts from.

    Raises:
      ValueError: if there is no such network, or a value is not one that its
        field takes.
    """
    initial, told = initial_weights.load(self._start.read().initial)
    return self._own.read(**told), initial
