"""Trainings that start from the weights of a finished run."""

from typing import Any

import keras

from tfpercept import models


def load(folder: str | None) -> tuple[keras.Model | None, dict[str, Any]]:
  """Returns the network that `--initial` names, and its entry in the settings.

  Args:
    folder: Folder of a run, or name of a model; None for none.

  Returns:
    The network, or None, and the field `initial` of
    `shared_settings.Network`, if there is something in it.

  Raises:
    ValueError: if there is no such network.
  """
  if not folder:
    return None, {}
  network, manifest = models.load(folder, dtype="float32")
  return network, {"initial": manifest["sha256"]}


def start(network: keras.Model, initial: keras.Model | None) -> None:
  """Gives a built network the weights of another, if there is one.

  Args:
    network: A built network.
    initial: The network that has the weights; None leaves `network` as it is.

  Raises:
    ValueError: if they do not fit.
  """
  if initial is None:
    return
  shapes = [
    [weight.shape for weight in one.get_weights()] for one in (network, initial)
  ]
  if shapes[0] != shapes[1] or type(network) is not type(initial):
    raise ValueError(
      f"--initial holds a network {initial.get_config()}, whose weights do not "
      f"fit {network.get_config()}"
    )
  network.set_weights(initial.get_weights())
