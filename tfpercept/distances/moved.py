"""Parameters of distances. A file holds only those that have changed.

The others are made again from their source, which the spec of the distance
names. `Origin.checksum` tells whether the source still holds the same values.
"""

import hashlib
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# The lists that `save_own_variables` of Keras 2 and 3 numbers, in its order.
_OWN = (
  ("_trainable_weights", "_non_trainable_weights")
  if keras.__version__.startswith("2.")
  else ("_trainable_variables", "_non_trainable_variables")
)


class Origin:
  """The values that the parameters of a layer had when they were made.

  It keeps a copy of parameters that can be trained, but only a checksum of
  fixed ones, since the kernels of a network may fill a large part of the
  memory.
  """

  def __init__(self) -> None:
    self._values: dict[str, np.ndarray] = {}
    self._digests: dict[str, str] = {}
    self._from_files: list[str] = []

  def add(
    self,
    variable: Any,
    value: np.ndarray,
    *,
    is_fixed: bool,
    is_from_file: bool,
  ) -> None:
    """Records the first value of a variable.

    Args:
      variable: Keras variable that holds the value.
      value: First value of the variable.
      is_fixed: True if the variable is never trained.
      is_from_file: True if the value was read from a file, so that it counts in
        `checksum`.
    """
    digest = self._digests[variable.name] = _digest(value)
    # The checksum is that of float32, so that it does not depend on the
    # precision in which the distance computes.
    if is_from_file:
      single = value.dtype == np.float32
      self._from_files.append(
        digest if single else _digest(value.astype(np.float32))
      )
    if not is_fixed:
      self._values[variable.name] = np.array(value)

  def checksum(self) -> str | None:
    """Returns 16 hex digits for the values from files, or None without any.

    Other values follow from the spec and are left out: their last digit may
    differ between computers.
    """
    return joined(self._from_files)

  def save(self, layer: keras.layers.Layer, store: MutableMapping) -> None:
    """Writes the variables whose values have changed since they were made.

    Variables that `add` never saw are written too.
    """
    for key, variable in _keys(layer).items():
      value = _array(variable)
      if self._digests.get(variable.name) != _digest(value):
        store[key] = value

  def load(self, layer: keras.layers.Layer, store: Mapping) -> None:
    """Sets variables to the values that `save` wrote, others to their first.

    Files of 0.1.0 hold all variables by their numbers. Entries of another
    layer, from a model that was compiled with another loss, are ignored.
    """
    keys = _keys(layer)
    found = {key: np.asarray(store[key]) for key in list(store.keys())}
    numbered = {str(i): v for i, v in enumerate(keys.values())}
    if _fit(found, numbered) and len(found) == len(numbered):
      keys = numbered
    for key, variable in keys.items():
      if key in found and _fit({key: found[key]}, keys):
        variable.assign(found[key])
      elif variable.name in self._values:
        variable.assign(self._values[variable.name])


class Parameters(keras.layers.Layer):
  """A layer whose files hold only the parameters that have changed.

  A subclass makes its parameters with `parameter` in its `__init__`, and sets
  `_dtype_name` before that.
  """

  def __init__(self, **kwargs: Any):
    super().__init__(**kwargs)
    self._origin = Origin()

  def parameter(
    self,
    name: str,
    value: np.ndarray,
    *,
    trainable: bool = True,
    is_from_file: bool = False,
    **kwargs: Any,
  ) -> Any:
    """Returns a new Keras weight of this layer; for use in `__init__`.

    Args:
      name: Name of the weight within this layer.
      value: Initial value, which sets the shape.
      trainable: False for a weight that stays fixed while the layer is
        trainable, such as a kernel of a fixed network.
      is_from_file: True if the value was read from a file, whose content may
        change later; then it counts in `checksum`.
      **kwargs: Further arguments of `add_weight`, such as `constraint`.

    Raises:
      ValueError: if a value that was read from a file is not finite.
    """
    with np.errstate(over="ignore"):  # told below
      value = np.asarray(value, self._dtype_name)
    if is_from_file:
      require_finite(name, value)
    weight = self.add_weight(
      name=name,
      shape=value.shape,
      dtype=self._dtype_name,
      initializer="zeros",
      trainable=trainable,
      **kwargs,
    )
    weight.assign(value)
    self._origin.add(
      weight, value, is_fixed=not trainable, is_from_file=is_from_file
    )
    return weight

  @property
  def checksum(self) -> str | None:
    """Checksum of the weights that files gave this layer, or None."""
    return self._origin.checksum()

  def save_own_variables(self, store: Any) -> None:
    """Saves the weights that have changed; the spec finds the others again."""
    self._origin.save(self, store)

  def load_own_variables(self, store: Any) -> None:
    """Reads weights that `save_own_variables` wrote, or those of 0.1.0.

    A file without any, from a model that was trained with another loss, leaves
    the layer as it was made.
    """
    self._origin.load(self, store)

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "Parameters":
    config = dict(config)
    checksum = config.pop("checksum", None)
    made = cls(**config)
    made.expect(checksum)
    return made

  def expect(self, checksum: str | None) -> None:
    """Raises ValueError if files gave weights of another checksum.

    So a saved model reports that the file of its weights has changed.
    """
    if checksum not in (None, self.checksum):
      raise ValueError(
        f"the weights of {self.spec} are not those that the model was saved "
        f"with: their checksum is {self.checksum}, not {checksum}. Bring back "
        "the file that held them, or load the model with compile=False and "
        "compile it again."
      )


def require_finite(name: str, value: np.ndarray) -> None:
  """Raises ValueError if a weight from a file would make all values NaN.

  Args:
    name: Name of the weight, for the error message.
    value: Array that the file holds for it, of any shape, in the precision of
      the distance.
  """
  if not np.isfinite(value).all():
    raise ValueError(
      "weights of a distance are finite numbers; the file holds NaN, infinity "
      f"or a number out of the range of {value.dtype} for {name!r}. Take "
      "another file of weights, or those of an earlier step of their training"
    )


def joined(checksums: Iterable[str | None]) -> str | None:
  """Returns one checksum for several, or None if all are None."""
  known = [checksum for checksum in checksums if checksum is not None]
  if not known:
    return None
  return hashlib.sha256(" ".join(known).encode()).hexdigest()[:16]


def origin_of(layer: keras.layers.Layer, *, is_from_file: bool) -> Origin:
  """Returns a record of the present values of a layer as its first values.

  The layer itself has no link to the record, so saving the layer alone writes
  all of its variables.
  """
  origin = Origin()
  for variable in _keys(layer).values():
    origin.add(
      variable, _array(variable), is_fixed=False, is_from_file=is_from_file
    )
  return origin


def stored_below(store: Any, name: str) -> Mapping:
  """Returns the entries of a file for an attribute of a layer, or none.

  Args:
    store: Object that Keras passes to `load_own_variables` of the layer. With
      Keras 2 it is a group of the file, with Keras 3 it has the file and the
      path of the layer in it.
    name: Name of the attribute.
  """
  if hasattr(store, "parent"):
    return store.parent.get(f"{name}/vars", {})
  path = getattr(store, "_h5_entry_path", None)
  if path is None or not hasattr(store, "h5_file"):
    return {}
  return store.h5_file.get("/".join(filter(None, [path, name, "vars"])), {})


def _keys(layer: keras.layers.Layer) -> dict[str, Any]:
  """Returns the layer's own variables by their names in files."""
  own = [v for part in _OWN for v in getattr(layer, part)]
  return {f"{type(layer).__name__}.{i}": v for i, v in enumerate(own)}


def _fit(found: Mapping[str, np.ndarray], keys: Mapping[str, Any]) -> bool:
  return all(
    key in keys and tuple(keys[key].shape) == value.shape
    for key, value in found.items()
  )


def _array(variable: Any) -> np.ndarray:
  with tf.init_scope():  # a distance may be made while a graph is traced
    return tf.convert_to_tensor(variable).numpy()


def _digest(value: np.ndarray) -> str:
  digest = hashlib.sha256(f"{value.dtype.str} {value.shape} ".encode())
  digest.update(np.ascontiguousarray(value).data)
  return digest.hexdigest()
