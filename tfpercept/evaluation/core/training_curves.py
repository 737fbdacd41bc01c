"""Curves of a training run, from its TensorBoard files."""

import numpy as np
import tensorflow as tf

from tfpercept.io import files, folders


def read(folder: files.PathLike, tag: str) -> tuple[np.ndarray, np.ndarray]:
  """Reads a scalar from the TensorBoard files of a run.

  Where a resumed run wrote a step twice the later value counts.

  Returns:
    Steps, int64 `[S]`, rising; and values, float64 `[S]`.
  """
  from tensorflow.core.util import event_pb2

  values = {}
  with folders.plain(folder) as place:
    for path in sorted(place.glob("events.out.tfevents.*")):
      for record in tf.data.TFRecordDataset(str(path)):
        event = event_pb2.Event.FromString(record.numpy())
        for value in event.summary.value:
          if value.tag == tag:
            values[event.step] = float(tf.make_ndarray(value.tensor))
  steps = sorted(values)
  return np.array(steps, np.int64), np.array([values[s] for s in steps])
