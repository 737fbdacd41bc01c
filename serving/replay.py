"""Sends the warm-up requests of exports over TF Serving's gRPC interface.

    python -m serving.replay --exports=exported

The requests go to `--server`, where TF Serving has these exports, or by default
to a small server of this package. The answers must be those that the SavedModel
gives in this process. Files must be equal and numbers agree to 1e-5 of the
largest.
"""

import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from absl import flags
from tensorflow_serving.apis import (
  predict_pb2,
  prediction_log_pb2,
  prediction_service_pb2_grpc,
)

from export import warm_up
from programs import program
from serving import exported, exports_flag, prediction_service

TOLERANCE = 1e-5
"""Share of the largest number of an output by which an answer may differ."""


def requests(version: pathlib.Path) -> Iterator[predict_pb2.PredictRequest]:
  """Yields the warm-up requests of an export.

  Args:
    version: Version folder of the export.

  Raises:
    ValueError: if there are none, or a record is another.
  """
  path = version / warm_up.PATH
  if not path.is_file():
    raise ValueError(f"{version} has no warm-up requests")
  count = 0
  for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
    log = prediction_log_pb2.PredictionLog.FromString(record)
    if log.WhichOneof("log_type") != "predict_log":
      raise ValueError(f"{path} holds a record that is no Predict request")
    yield log.predict_log.request
    count += 1
  if not count:
    raise ValueError(f"{path} holds no requests")


def replay(name: str, version: pathlib.Path, address: str | None) -> list[str]:
  """Returns one line for each request that was not answered as it should be.

  Args:
    name: Name of the model on the server.
    version: Version folder of the export.
    address: Address and port of a server; None for one of this process.
  """
  model = exported.Exported(version)
  if address is None:
    with prediction_service.served({name: model}) as own:
      return replay(name, version, own)
  wrong = []
  with grpc.insecure_channel(
    address, options=prediction_service.OPTIONS
  ) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    for request in requests(version):
      signature = request.model_spec.signature_name
      inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
      request.model_spec.name = name
      try:
        found = stub.Predict(request, timeout=3600).outputs
      except grpc.RpcError as error:
        wrong.append(f"{signature}: {error.code().name}: {error.details()}")
        continue
      expected = model.answer(signature, inputs)
      answered = {key: tf.make_ndarray(value) for key, value in found.items()}
      if expected.keys() != answered.keys() or not all(
        _equal(expected[key], answered[key]) for key in expected
      ):
        wrong.append(f"{signature}: another answer than the SavedModel gives")
  return wrong


def _equal(one: Any, other: Any) -> bool:
  if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
    return False
  if one.dtype.kind not in "fc":
    return bool(np.array_equal(one, other))
  finite = np.abs(one[np.isfinite(one)])
  atol = TOLERANCE * float(finite.max(initial=0.0))
  return bool(np.allclose(one, other, rtol=0, atol=atol, equal_nan=True))


def main() -> None:
  """Replays the requests of the latest version of each export."""
  given = flags.FLAGS
  failed = 0
  exports = exports_flag.read()
  for name, versions in exports.items():
    version = versions[-1]
    wrong = replay(name, version, given.server)
    failed += bool(wrong)
    count = sum(1 for _ in requests(version))
    print(f"{name}/{version.name}: {'; '.join(wrong) or f'{count} answered'}")
  print(f"{len(exports) - failed} of {len(exports)} exports answered all")
  sys.exit(min(failed, 1))


if __name__ == "__main__":
  exports_flag.define()
  flags.DEFINE_string(
    "server", None, "Address and port of gRPC; by default a server of its own."
  )
  program.start(main)
