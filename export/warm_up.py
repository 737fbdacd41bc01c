"""Warm-up requests, which TF Serving replays before it answers others."""

import pathlib

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from export.signatures import Signature

PATH = "assets.extra/tf_serving_warmup_requests"


def write(
  folder: pathlib.Path, model: str, signatures: dict[str, Signature]
) -> None:
  """Writes one request for each signature: its example.

  Args:
    folder: The version folder of a SavedModel.
    model: Name of the model in the requests; servers use their own.
    signatures: Signatures of the SavedModel, by name.
  """
  path = folder / PATH
  path.parent.mkdir()
  with tf.io.TFRecordWriter(str(path)) as writer:
    for name, signature in signatures.items():
      log = prediction_log_pb2.PredictionLog()
      request = log.predict_log.request
      request.model_spec.name = model
      request.model_spec.signature_name = name
      for key, value in signature.example.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
      writer.write(log.SerializeToString())
