"""Signatures of a network for exporters, and inputs to try them on."""

import abc
import dataclasses
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept import manifests, models, registry
from tfpercept.io import files

SIGNATURES = registry.Registry("exportable model")
"""`Signatures` by the registered name of the network they call."""


CARD = "README.md"
"""Name of the card in the folder of a model."""
NO_LICENSE = "none stated; ask whoever trained it, and for the data"
"""License of weights whose folder states none."""
_LICENSE_ROW = re.compile(r"^\| Licence \| (.+) \|$", re.MULTILINE)


class Source(NamedTuple):
  """Where weights of an export come from.

  Attributes:
    license: License of the weights and of their data, one line.
    folder: Folder with the card, `README.md`, and texts of licenses; None if
      there is none.
  """

  license: str
  folder: pathlib.Path | None


Function = Callable[..., dict[str, tf.Tensor]]
"""Function from tensors, given by name, to tensors by name."""


class _Kept(keras.mixed_precision.Policy):
  """Policy of layers that compute in float32 from weights kept in float16."""

  def __init__(self) -> None:
    super().__init__("float32")

  @property
  def variable_dtype(self) -> str:
    return "float16"


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
    summing: Difference that devices may have besides, since they sum the pixels
      of a picture one after the other in float32; in the unit of `tolerance`.
    precisions: Names of its precisions on devices.
    library: The library of ops that it needs beside TensorFlow's own.
    is_relative: Whether `tolerance` is a share of the largest magnitude of an
      output, instead of a difference in its unit.
    limits: Largest or smallest sizes that it takes, by names such as
      `max_pixels`, for the manifest.
  """

  function: Function
  inputs: dict[str, Tensor]
  outputs: dict[str, Tensor]
  example: Mapping[str, np.ndarray | list[bytes]]
  tolerance: float | None
  scale: float = 1.0
  summing: float = 0.0
  precisions: tuple[str, ...] = ("float32", "float16", "int8")
  library: pathlib.Path | None = None
  is_relative: bool = False
  limits: Mapping[str, int] = dataclasses.field(default_factory=dict)

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
    """Returns inputs, outputs and limits as JSON values."""
    found: dict[str, Any] = {
      side: {name: dataclasses.asdict(t) for name, t in tensors.items()}
      for side, tensors in (("inputs", self.inputs), ("outputs", self.outputs))
    }
    return {**found, "limits": dict(self.limits)}


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
    self.runs: tuple[files.PathLike, ...] = ()

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

  @property
  def stem(self) -> str:
    """Beginning of the names of files for devices."""
    return self.manifest["model"]

  def sources(self) -> dict[str, Source]:
    """Returns where the weights come from, by the name of the model.

    The name is the last part of the path of its folder, and as many parts more
    as tell it from the others.
    """
    found = {}
    for name, run in _named(self.runs).items():
      folder = manifests.folder(run)
      found[name] = Source(license_of(folder), folder)
    return found

  def beside(self) -> dict[str, bytes]:
    """Returns files that devices need besides, by name."""
    return {}


_OTHERWISE = {
  "pim": (
    "which compares pictures: export it as a distance, with"
    " --distance=\"pim(weights='RUN/model/weights.npz')\" in place of --run"
  )
}
"""How else to export networks that have no signatures, by name."""


def _named(runs: Sequence[files.PathLike]) -> dict[str, files.PathLike]:
  """Returns runs by the fewest last parts of their paths that differ."""
  paths = {pathlib.Path(run).resolve().parts[1:]: run for run in runs}
  for count in range(1, max(map(len, paths), default=0) + 1):
    found = {"/".join(parts[-count:]): run for parts, run in paths.items()}
    if len(found) == len(paths):
      return found
  return {}


def license_of(folder: pathlib.Path) -> str:
  """Returns the license that the card in a folder states."""
  card = folder / CARD
  found = _LICENSE_ROW.search(card.read_text()) if card.is_file() else None
  return found[1] if found else NO_LICENSE


def load(run: files.PathLike) -> Signatures:
  """Loads the trained network of a run in float32, with its signatures.

  Args:
    run: A run folder, or its model folder.

  Raises:
    ValueError: if there is no such model, it is damaged, or no signatures are
      known for its kind.
  """
  name = manifests.read(run)["model"]
  if name in _OTHERWISE:
    raise ValueError(f"{run} holds a {name}, {_OTHERWISE[name]}")
  kind: Any = SIGNATURES.get(name)
  # Weights that their file keeps in half precision need no more in an export,
  # and read so they are the same numbers.
  is_half = manifests.read(run)["dtype"] == "float16"
  dtype: Any = _Kept() if is_half else "float32"
  network, manifest = models.load(run, dtype=dtype)
  found: Signatures = kind.of_run(run, network, manifest)
  found.runs = (run, *found.runs)
  return found
