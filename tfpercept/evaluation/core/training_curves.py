"""Curves of a training run, from its TensorBoard files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfpercept.io import files, folders


def scalars(
  folder: files.PathLike,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Reads all scalars from the TensorBoard files of a run.

  Where a resumed run wrote a step twice the later value counts. A killed run
  leaves a record that is not whole; what follows it in the file is left out.

  Args:
    folder: Folder of the files.

  Returns:
    Steps, int64 `[S]`, rising, and values, float64 `[S]`, by tag in the order
    in which the tags were first written.

  Raises:
    ValueError: if a file holds something else than events.
  """
  from google.protobuf import message
  from tensorflow.core.util import event_pb2

  found: dict[str, dict[int, float]] = {}
  with folders.plain(folder) as place:
    for path in sorted(place.glob("events.out.tfevents.*")):
      try:
        for record in tf.data.TFRecordDataset(str(path)):
          event = event_pb2.Event.FromString(record.numpy())
          for value in event.summary.value:
            number = _number(value)
            if number is not None:
              found.setdefault(value.tag, {})[event.step] = number
      except tf.errors.DataLossError:
        logging.info("%s ends with a record that is not whole", path)
      except message.DecodeError as error:
        raise ValueError(f"{path} holds no events: {error}") from error
  return {tag: _sorted(values) for tag, values in found.items()}


def _number(value: Any) -> float | None:
  """Returns the scalar of a summary's value; None if it is something else."""
  if value.WhichOneof("value") == "simple_value":
    return float(value.simple_value)
  if value.WhichOneof("value") != "tensor":
    return None
  array = tf.make_ndarray(value.tensor)
  is_scalar = array.dtype.kind == "f" and not array.ndim
  return float(array) if is_scalar else None


def read(folder: files.PathLike, tag: str) -> tuple[np.ndarray, np.ndarray]:
  """Reads a scalar from the TensorBoard files of a run; see `scalars`.

  Returns:
    Steps, int64 `[S]`, rising; and values, float64 `[S]`.
  """
  return scalars(folder).get(tag, _sorted({}))


def _sorted(values: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
  steps = sorted(values)
  return (
    np.array(steps, np.int64),
    np.array([values[s] for s in steps], np.float64),
  )
