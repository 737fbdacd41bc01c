"""An export as a function of arrays, by TensorFlow and NumPy alone.

A server that has this file and an export needs nothing else of ours.
"""

import hashlib
import importlib.util
import json
import pathlib
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Arrays = Mapping[str, np.ndarray]
"""Inputs or outputs of a signature by name; bytes as arrays of objects."""
Answer = dict[str, np.ndarray] | Exception
"""Outputs by name, or the error that a request met.

It is a `RefusedError` if the request does not fit the signature, or the model
refuses all of its elements.
"""
_AROUND = (
  "Graph execution error", "Detected at node", "Node:", "File ", "[[{{node",
)  # fmt: skip
STATUS = "status"
"""Output that says for each element why it was refused; empty if it was not."""


class RefusedError(ValueError):
  """What was asked is wrong; the message is one line for who asked."""


class Exported:
  """A version folder of an export, ready to answer.

  Args:
    folder: The version folder, with `saved_model.pb` and `manifest.json`.

  Attributes:
    signatures: Description of each signature by name, as in the manifest.

  Raises:
    ValueError: if it is no export, is damaged, or needs a library of operations
      that is not installed.
  """

  def __init__(self, folder: str | pathlib.Path):
    folder = pathlib.Path(folder)
    manifest = _verified(folder)
    for name in manifest["ops"].get("libraries", ()):
      tf.load_op_library(_library(name))
    self.signatures: dict[str, dict[str, Any]] = manifest["signatures"]
    # By a name that holds nothing like a pattern; TensorFlow would expand it.
    with tempfile.TemporaryDirectory() as place:
      link = pathlib.Path(place) / "model"
      link.symlink_to(folder.absolute(), target_is_directory=True)
      self._model = tf.saved_model.load(str(link))

  def answer(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
    """Returns the outputs of a signature.

    Args:
      signature: Name of the signature.
      inputs: Its inputs by name, in any numeric type that holds their values.

    Raises:
      RefusedError: if there is no such signature, or the inputs are not as the
        manifest says, or the model refuses all of them at once.
    """
    given = self._checked(signature, inputs)
    try:
      outputs = self._model.signatures[signature](**given)
    except tf.errors.InvalidArgumentError as error:
      raise RefusedError(plain(error.message)) from error
    return {name: value.numpy() for name, value in outputs.items()}

  def answer_all(
    self, signature: str, requests: Sequence[Arrays]
  ) -> list[Answer]:
    """Returns the outputs of many requests, as if each had come alone.

    Requests of like shapes are answered by one call. If that fails, each of
    them is asked alone.

    Args:
      signature: Name of a signature whose inputs and outputs all have a first
        axis for the elements of a batch.
      requests: Inputs of each request.
    """
    answers: list[Answer] = [RefusedError("")] * len(requests)
    for places in _alike(requests):
      found = self._together(signature, [requests[i] for i in places])
      for place, answer in zip(places, found, strict=True):
        answers[place] = _judged(answer)
    return answers

  def alone(self, signature: str, request: Arrays) -> Answer:
    """Returns the outputs of a request, or the error that it meets.

    Args:
      signature: Name of the signature.
      request: Arrays of its inputs by name.
    """
    try:
      return self.answer(signature, request)
    except Exception as error:  # noqa: BLE001 - that of this request alone
      return error

  def _together(
    self, signature: str, requests: Sequence[Arrays]
  ) -> list[Answer]:
    counts = [_elements(request) for request in requests]
    if len(requests) > 1 and None not in counts:
      try:
        merged = {
          name: np.concatenate([request[name] for request in requests])
          for name in requests[0]
        }
        outputs = self.answer(signature, merged)
      except Exception:  # noqa: BLE001 - each is asked alone then
        outputs = {}  # one of them is at fault, or they are too many
      ends = [int(end) for end in np.cumsum(np.array(counts))]
      if outputs and all(len(x) == ends[-1] for x in outputs.values()):
        parts = {k: np.split(x, ends[:-1]) for k, x in outputs.items()}
        return [{k: parts[k][i] for k in parts} for i in range(len(ends))]
    return [self.alone(signature, request) for request in requests]

  def _checked(self, signature: str, inputs: Arrays) -> dict[str, tf.Tensor]:
    if signature not in self.signatures:
      known = ", ".join(sorted(self.signatures))
      raise RefusedError(f"no signature {signature!r}; there are {known}")
    wanted = self.signatures[signature]["inputs"]
    if wanted.keys() != inputs.keys():
      raise RefusedError(
        f"{signature!r} takes {', '.join(sorted(wanted))}; got"
        f" {', '.join(sorted(inputs)) or 'nothing'}"
      )
    return {
      name: _tensor(name, inputs[name], tensor)
      for name, tensor in wanted.items()
    }


def plain(message: str) -> str:
  """Returns the line of an error without what TensorFlow puts around it.

  Args:
    message: Message of the error.
  """
  found = re.search(r"assertion failed: (.+)", message)
  if found:
    return " ".join(re.findall(r"\[(.*?)\](?= \[|\s*$)", found[1]))
  lines = [line.strip() for line in message.splitlines()]
  kept = (x for x in lines if x and not x.startswith(_AROUND))
  return next(kept, "the model failed")


def _tensor(name: str, value: np.ndarray, wanted: dict[str, Any]) -> tf.Tensor:
  """Returns an input as a tensor of the type that the signature takes."""
  shape, dtype = wanted["shape"], tf.as_dtype(wanted["dtype"])
  fits = len(shape) == value.ndim and all(
    size in (None, side) for size, side in zip(shape, value.shape, strict=True)
  )
  if not fits:
    sizes = ", ".join("any" if size is None else str(size) for size in shape)
    raise RefusedError(f"{name} has shape [{sizes}]; got {list(value.shape)}")
  if not value.size:
    raise RefusedError(f"{name} has no elements; got {list(value.shape)}")
  is_bytes = value.dtype.kind in "OSU"
  if is_bytes != (dtype == tf.string) or value.dtype.kind not in "OSUbiuf":
    raise RefusedError(f"{name} holds {wanted['dtype']}; got {value.dtype}")
  if is_bytes:
    return tf.constant(value.tolist(), tf.string, value.shape)
  with np.errstate(all="ignore"):  # it is looked at below
    cast = value.astype(dtype.as_numpy_dtype)
  if dtype.is_floating:
    is_held = bool(np.all(np.isfinite(cast) == np.isfinite(value)))
  else:
    is_held = np.array_equal(cast, value)
  if not is_held:
    raise RefusedError(
      f"{name} holds {wanted['dtype']}, which has not all of its numbers"
    )
  return tf.constant(cast)


def _alike(requests: Sequence[Arrays]) -> Iterable[list[int]]:
  """Returns the places of requests that one call can answer."""
  groups: dict[Any, list[int]] = {}
  for place, request in enumerate(requests):
    kinds = [(k, x.shape[1:], x.dtype.str) for k, x in sorted(request.items())]
    groups.setdefault(tuple(kinds), []).append(place)
  return groups.values()


def _elements(request: Arrays) -> int | None:
  """Returns the number of elements of a request; None if inputs differ."""
  counts = {len(x) if x.ndim else None for x in request.values()}
  return counts.pop() if len(counts) == 1 else None


def _judged(answer: Answer) -> Answer:
  """Returns an answer, or why each of its elements was refused."""
  if isinstance(answer, Exception) or STATUS not in answer:
    return answer
  lines = [line.decode() for line in answer[STATUS]]
  if lines and all(lines):
    return RefusedError("; ".join(dict.fromkeys(lines)))
  return answer


def _verified(folder: pathlib.Path) -> dict[str, Any]:
  """Returns the manifest of an export whose files are as it lists them."""
  try:
    manifest: dict[str, Any] = json.loads(
      (folder / "manifest.json").read_text()
    )
    listed = {**manifest["sha256"]}
    if manifest["kind"] != "saved_model" or not manifest["signatures"]:
      raise ValueError("it describes no SavedModel")
    for name, digest in listed.items():
      found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
      if found != digest:
        raise ValueError(f"{name} was changed")
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise ValueError(
      f"{folder} is no whole export ({error}); copy it again or export anew"
    ) from error
  return manifest


def _library(name: str) -> str:
  """Returns the path of a library of operations by its name."""
  found = importlib.util.find_spec("tensorflow_compression")
  if found is not None and found.origin is not None:
    for path in pathlib.Path(found.origin).parent.rglob(name):
      return str(path)
  raise ValueError(
    f"the model needs {name}; `pip install tensorflow-compression==2.14.1`"
  )
