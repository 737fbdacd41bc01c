"""Parameters of distances, and what of them a file has to hold: what moved.

The others come from where they came from when the distance was made: its spec
says where that is, and `Origin.checksum` whether it still holds the same.
"""

import hashlib
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# What `save_own_variables` of Keras 2 and 3 numbers, in its order.
_OWN = (
  ("_trainable_weights", "_non_trainable_weights")
  if keras.__version__.startswith("2.")
  else ("_trainable_variables", "_non_trainable_variables")
)


class Origin:
  """The values that the parameters of a layer had when they were made.

  Of what can be trained it keeps a copy, of what is fixed a checksum: kernels
  of a network may fill a good part of the memory.
  """

  def __init__(self):
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
    """Takes note of the first value of a variable."""
    digest = self._digests[variable.name] = _digest(value)
    if is_from_file:  # in one precision, whatever the distance computes in
      single = value.dtype == np.float32
      self._from_files.append(
        digest if single else _digest(value.astype(np.float32))
      )
    if not is_fixed:
      self._values[variable.name] = np.array(value)

  def checksum(self) -> str | None:
    """Returns 16 digits for the values from files, or None if there are none.

    Others follow from the spec, and computers may differ in their last digit.
    """
    return joined(self._from_files)

  def save(self, layer: keras.layers.Layer, store: MutableMapping) -> None:
    """Writes the variables that are no longer what they were.

    Likewise those that this was never told of.
    """
    for key, variable in _keys(layer).items():
      value = _array(variable)
      if self._digests.get(variable.name) != _digest(value):
        store[key] = value

  def load(self, layer: keras.layers.Layer, store: Mapping) -> None:
    """Sets the variables to what `save` wrote, and the others as at first.

    Files of 0.1.0 hold all variables by their numbers. What belongs to another
    layer, since a model was compiled with another loss, is passed over.
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
  """A layer whose files hold only those of its parameters that moved.

  A subclass makes them with `parameter` in its `__init__`, and sets
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
    """Returns a new Keras weight of this layer, to be made in `__init__`.

    Args:
      name: Its name among the weights of this layer.
      value: Its initial value, which sets its shape.
      trainable: Whether it moves when the layer is trainable; kernels of a
        fixed network do not.
      is_from_file: Whether the value was read from a file, which may hold
        another one day; then it counts in `checksum`.
      **kwargs: For `add_weight`, such as `constraint`.
    """
    value = np.asarray(value, self._dtype_name)
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
    """Tells the weights that files gave this layer from others, if any."""
    return self._origin.checksum()

  def save_own_variables(self, store: Any) -> None:
    """Saves what moved since this was made; the spec finds the rest again."""
    self._origin.save(self, store)

  def load_own_variables(self, store: Any) -> None:
    """Reads what `save_own_variables` wrote, or all that files of 0.1.0 hold.

    A file without any, of a model that was trained under another loss, leaves
    this as it was made.
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

    That is how something saved learns that its weights are no longer there.
    """
    if checksum not in (None, self.checksum):
      raise ValueError(
        f"the weights of {self.spec} are not those that the model was saved "
        f"with: their checksum is {self.checksum}, not {checksum}. Bring back "
        "the file that held them, or load the model with compile=False and "
        "compile it anew."
      )


def joined(checksums: Iterable[str | None]) -> str | None:
  """Returns one checksum for several, or None if all are None."""
  known = [checksum for checksum in checksums if checksum is not None]
  if not known:
    return None
  return hashlib.sha256(" ".join(known).encode()).hexdigest()[:16]


def origin_of(layer: keras.layers.Layer, *, is_from_file: bool) -> Origin:
  """Returns the values that a layer has now, as those that it was made with.

  The layer itself knows nothing of it: whoever saves it alone gets all of it.
  """
  origin = Origin()
  for variable in _keys(layer).values():
    origin.add(
      variable, _array(variable), is_fixed=False, is_from_file=is_from_file
    )
  return origin


def stored_below(store: Any, name: str) -> Mapping:
  """Returns what a file holds of an attribute of the layer that gets `store`.

  It is empty if there is none. Keras 2 hands out a group of the file, Keras 3
  the file and where in it the layer is.
  """
  if hasattr(store, "parent"):
    return store.parent.get(f"{name}/vars", {})
  path = getattr(store, "_h5_entry_path", None)
  if path is None or not hasattr(store, "h5_file"):
    return {}
  return store.h5_file.get("/".join(filter(None, [path, name, "vars"])), {})


def _keys(layer: keras.layers.Layer) -> dict[str, Any]:
  """Returns the variables of a layer's own by their names in files."""
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
  digest.update(np.ascontiguousarray(value))
  return digest.hexdigest()
