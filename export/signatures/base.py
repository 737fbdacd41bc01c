"""Signatures of a network for exporters, and inputs to try them on."""

import abc
import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import models, registry
from tfpercept.io import files

SIGNATURES = registry.Registry("exportable model")
"""`Signatures` by the registered name of the network they call."""


@dataclasses.dataclass(frozen=True)
class Tensor:
  """One input or output of a signature.

  Attributes:
    dtype: Name of a TensorFlow dtype; `"string"` is bytes, and then the
      tensor's name ends in `_bytes`, which makes REST clients use base64.
    shape: Sizes, None where any size goes.
    meaning: One line for the manifest.
    range: Smallest and largest value of a float tensor.
  """

  dtype: str
  shape: tuple[int | None, ...]
  meaning: str
  range: tuple[float, float] | None = None

  def spec(self, name: str) -> tf.TensorSpec:
    """Returns the TensorFlow type."""
    return tf.TensorSpec(self.shape, self.dtype, name=name)


@dataclasses.dataclass(frozen=True)
class Signature:
  """One entry point of an exported model.

  Attributes:
    function: Maps tensors given by name to a dictionary of tensors. It runs
      eagerly and in a graph, and calls the Keras network.
    inputs: Types of its arguments.
    outputs: Types of what it returns.
    example: Inputs that a written export is checked with: a batch of three with
      odd sides, or bytes as a list.
    tolerance: Most that a reloaded export may differ from Keras; in the unit of
      the float outputs, or in 8-bit steps if the outputs are encoded pictures.
      None means that bytes must be equal.
    scale: Approximate largest value of its outputs; on devices that store
      numbers coarsely they may differ in proportion. 0 if nothing may differ.
    precisions: Names of its precisions on devices.
    library: The library of ops that it needs beside TensorFlow's own.
  """

  function: Callable[..., dict[str, tf.Tensor]]
  inputs: dict[str, Tensor]
  outputs: dict[str, Tensor]
  example: dict[str, np.ndarray | list[bytes]]
  tolerance: float | None
  scale: float = 1.0
  precisions: tuple[str, ...] = ("float32", "float16", "int8")
  library: pathlib.Path | None = None

  @property
  def dtypes(self) -> set[str]:
    """The types of its inputs and outputs."""
    tensors = (*self.inputs.values(), *self.outputs.values())
    return {tensor.dtype for tensor in tensors}

  def concrete(self) -> tf.types.experimental.ConcreteFunction:
    """Traces the function for all sizes that it takes."""
    specs = {name: tensor.spec(name) for name, tensor in self.inputs.items()}
    return tf.function(self.function).get_concrete_function(**specs)

  def expected(self) -> dict[str, np.ndarray]:
    """Runs the function on its example, eagerly and on the CPU."""
    with tf.device("CPU"):
      given = {name: tf.constant(x) for name, x in self.example.items()}
      return {name: x.numpy() for name, x in self.function(**given).items()}

  def to_json(self) -> dict[str, Any]:
    """Returns the inputs and outputs as JSON values."""
    return {
      side: {name: dataclasses.asdict(t) for name, t in tensors.items()}
      for side, tensors in (("inputs", self.inputs), ("outputs", self.outputs))
    }


class Signatures(abc.ABC):
  """All signatures of a trained network.

  To make a network exportable, subclass this in a new file of this package and
  register it under the network's name; no other file changes.

  Args:
    network: A network as `models.load` returns it, in float32.
    manifest: Manifest of the network.

  Raises:
    ValueError: if the manifest lacks what the signatures need.
  """

  def __init__(self, network: keras.Model, manifest: dict[str, Any]):
    self.network = network
    self.manifest = manifest

  @classmethod
  def of_run(
    cls, run: files.PathLike, network: keras.Model, manifest: dict[str, Any]
  ) -> "Signatures":
    """Returns those of a run; its folder may hold more than the network.

    Args:
      run: Run folder or model folder of the network.
      network: Network as `models.load` returns it, in float32.
      manifest: Manifest of the network.

    Raises:
      ValueError: if the folder lacks something or is damaged.
    """
    del run
    return cls(network, manifest)

  @abc.abstractmethod
  def served(self) -> dict[str, Signature]:
    """Returns the signatures of the SavedModel; one is `serving_default`."""

  @abc.abstractmethod
  def on_device(self) -> dict[str, Signature]:
    """Returns what becomes a TFLite file each, of builtin ops only, by name."""

  @abc.abstractmethod
  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    """Returns inputs of an entry of `on_device` and the ideal output.

    They are by picture, photographs that no packaged training has seen; where
    the output is no picture there is no ideal.
    """

  def beside(self) -> dict[str, bytes]:
    """Returns files that devices need besides, by name."""
    return {}


def load(run: files.PathLike) -> Signatures:
  """Loads the trained network of a run in float32, with its signatures.

  Args:
    run: A run folder, or its model folder.

  Raises:
    ValueError: if there is no such model, it is damaged, or no signatures are
      known for its kind.
  """
  network, manifest = models.load(run, dtype="float32")
  kind: Any = SIGNATURES.get(manifest["model"])
  return kind.of_run(run, network, manifest)
