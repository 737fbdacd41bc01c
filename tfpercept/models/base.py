"""The registry of networks, and the folder format of trained ones."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from tfpercept import manifests, registry
from tfpercept.io import files
from tfpercept.manifests import DTYPES, FORMAT

MODELS = registry.Registry("model")
_Class = TypeVar("_Class", bound=type[keras.Model])


def register(name: str) -> Callable[[_Class], _Class]:
  """Returns a class decorator that registers a network.

  It enters the class in `MODELS` and in Keras' serialization, and sets
  `registered_name`.
  """

  def decorate(cls: _Class) -> _Class:
    cls.registered_name = name
    cls = keras.saving.register_keras_serializable(package="tfpercept")(cls)
    return MODELS.register(name)(cls)

  return decorate


def save(
  network: keras.Model,
  folder: files.PathLike,
  *,
  dtype: str = "float32",
  arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
  **details: Any,
) -> None:
  """Writes a network as `manifest.json` and `weights.npz`, atomically.

  Args:
    network: Built network of a registered class.
    folder: Path of the folder to write; a model in it is replaced.
    dtype: Type of the weights in the file, `"float32"` or `"float16"`.
    arrays: Further arrays of the model, by names of `.npz` files and of the
      arrays in them.
    **details: JSON values for the manifest (scale, objective, training, ...).

  Raises:
    ValueError: if `dtype` is another, a weight is too large for it or NaN, or
      the folder holds something else than a model.
  """
  manifests.require_replaceable(folder)
  if dtype not in DTYPES:
    raise ValueError(
      f"weights are kept in {' or '.join(DTYPES)}; got {dtype!r}"
    )
  weights = {
    f"{i:03d}": _as(dtype, weight)
    for i, weight in enumerate(network.get_weights())
  }
  with files.atomic(folder) as temporary:
    temporary.mkdir()
    # Compression hardly makes float32 smaller.
    write = np.savez if dtype == "float32" else np.savez_compressed
    write(temporary / "weights.npz", **weights)
    for name, group in (arrays or {}).items():
      np.savez_compressed(temporary / name, **group)
    manifest = {
      "format": FORMAT,
      "model": network.registered_name,
      "config": network.get_config(),
      "weights": [list(w.shape) for w in weights.values()],
      "names": [
        w.name.partition(":")[0].removeprefix(f"{network.name}/")
        for w in network.weights
      ],
      "dtype": dtype,
      "sha256": files.sha256(temporary / "weights.npz"),
      "files": {name: files.sha256(temporary / name) for name in arrays or {}},
      **details,
    }
    files.write_json(temporary / "manifest.json", manifest)


def _as(dtype: str, weight: np.ndarray) -> np.ndarray:
  if not np.isfinite(weight).all():
    raise ValueError(
      "a network whose weights are finite can be saved; got NaN or infinity in "
      f"one of shape {weight.shape}. Take the weights of an earlier step"
    )
  with np.errstate(over="ignore"):  # told below
    kept = weight.astype(dtype)
  if not np.isfinite(kept).all():
    raise ValueError(
      f"a weight of {np.abs(weight).max():g} does not fit {dtype}; use float32"
    )
  return kept


def load(
  folder: files.PathLike, *, dtype: str | None = None
) -> tuple[keras.Model, dict[str, Any]]:
  """Reads a network that `save` wrote.

  Args:
    folder: Path of a model folder or of a run folder that holds one as
      `model/`, or the name of a model that comes with the package.
    dtype: Keras dtype or policy of the network; by default that of its config,
      if it has one, or the global policy.

  Returns:
    The network and its manifest.

  Raises:
    ValueError: if the folder holds no model, an unknown one, or a damaged one.
  """
  manifest = manifests.read(folder)
  folder = manifests.folder(folder)
  shapes = [tuple(shape) for shape in manifest["weights"]]
  path = manifests.weights_file(folder, manifest)
  options = {k: v for k, v in manifest["config"].items() if k != "name"}
  own = options.pop("dtype", None)
  dtype = own if dtype is None else dtype

  def build() -> keras.Model:
    network = MODELS.create(manifest["model"], options, dtype=dtype)
    network.build()
    return network

  if _shapes_without_memory(build, folder) != shapes:
    raise ValueError(
      f"{folder} holds weights of shapes {shapes}, which do not fit its config "
      f"{manifest['config']}"
    )
  network = build()
  network.set_weights(manifests.read_weights(path, manifest))
  return network, manifest


def _shapes_without_memory(
  build: Callable[[], keras.Model], folder: pathlib.Path
) -> list[tuple[int, ...]]:
  """Returns the shapes of the weights that a config asks for.

  The network is built in a separate graph, which allocates nothing, so that a
  hostile config cannot exhaust the memory.
  """
  try:
    with tf.Graph().as_default():
      return [tuple(weight.shape) for weight in build().weights]
  except (TypeError, OverflowError, tf.errors.OpError) as error:
    raise ValueError(f"{folder} has an impossible config: {error}") from error
