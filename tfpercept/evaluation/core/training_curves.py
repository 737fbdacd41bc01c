"""Curves of a training run, from its TensorBoard files."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfpercept.io import files, folders


def scalars(
  folder: files.PathLike,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Reads all scalars from the TensorBoard files of a run.

  Where a resumed run wrote a step twice the later value counts.

  Args:
    folder: Folder of the files.

  Returns:
    Steps, int64 `[S]`, rising, and values, float64 `[S]`, by tag in the order
    in which the tags were first written.
  """
  from tensorflow.core.util import event_pb2

  found: dict[str, dict[int, float]] = {}
  with folders.plain(folder) as place:
    for path in sorted(place.glob("events.out.tfevents.*")):
      try:
        for record in tf.data.TFRecordDataset(str(path)):
          event = event_pb2.Event.FromString(record.numpy())
          for value in event.summary.value:
            array = tf.make_ndarray(value.tensor)
            if array.dtype.kind == "f" and not array.ndim:
              found.setdefault(value.tag, {})[event.step] = float(array)
      except tf.errors.DataLossError:
        # A killed run leaves a record that is not whole, the last of its file.
        continue
  return {tag: _sorted(values) for tag, values in found.items()}


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
