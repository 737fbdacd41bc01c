"""TF Serving's gRPC interface for exports, to try them without its binary.

This small server stands in for TF Serving in tests and in `serving.replay`. It
has its `Predict` and the status of models, but no batches, and one version of
each model, which it calls 1 whatever is asked for.
"""

import concurrent.futures
import contextlib
from collections.abc import Iterator, Mapping

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
  get_model_status_pb2,
  model_service_pb2_grpc,
  predict_pb2,
  prediction_service_pb2_grpc,
)

from serving import exported

_LARGEST = 256 << 20
"""Most bytes of a message, as a server for photographs is set up."""
OPTIONS = [
  ("grpc.max_send_message_length", _LARGEST),
  ("grpc.max_receive_message_length", _LARGEST),
]
_DEFAULT = "serving_default"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
  """Answers `Predict` as TF Serving does.

  Args:
    models: Exports by the name of their model.
  """

  def __init__(self, models: Mapping[str, exported.Exported]):
    self._models = models

  def Predict(  # noqa: N802 - the name in the protocol
    self,
    request: predict_pb2.PredictRequest,
    context: grpc.ServicerContext,
  ) -> predict_pb2.PredictResponse:
    """Returns the outputs of a signature, or ends with a status.

    Args:
      request: Request of a client.
      context: Call that it came by.
    """
    name = request.model_spec.name
    if name not in self._models:
      context.abort(
        grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {name}"
      )
    signature = request.model_spec.signature_name or _DEFAULT
    try:
      inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
      outputs = self._models[name].answer(signature, inputs)
      outputs = {k: outputs[k] for k in request.output_filter or outputs}
    except KeyError as error:
      context.abort(
        grpc.StatusCode.INVALID_ARGUMENT, f"there is no output {error}"
      )
    except (TypeError, ValueError) as error:
      context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    response = predict_pb2.PredictResponse()
    response.model_spec.CopyFrom(request.model_spec)
    for name, value in outputs.items():
      response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
  """Tells which models are at work.

  Args:
    models: Exports by the name of their model.
  """

  def __init__(self, models: Mapping[str, exported.Exported]):
    self._models = models

  def GetModelStatus(  # noqa: N802 - the name in the protocol
    self,
    request: get_model_status_pb2.GetModelStatusRequest,
    context: grpc.ServicerContext,
  ) -> get_model_status_pb2.GetModelStatusResponse:
    """Returns that a model is available, or ends with a status.

    Args:
      request: Request of a client.
      context: Call that it came by.
    """
    if request.model_spec.name not in self._models:
      context.abort(
        grpc.StatusCode.NOT_FOUND,
        f"Could not find any versions of model {request.model_spec.name}",
      )
    response = get_model_status_pb2.GetModelStatusResponse()
    entry = response.model_version_status.add()
    entry.version = 1
    entry.state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    return response


@contextlib.contextmanager
def served(
  models: Mapping[str, exported.Exported], *, threads: int = 4
) -> Iterator[str]:
  """Yields the address of a server on the loopback interface.

  Args:
    models: Exports by the name of their model.
    threads: Most requests that are worked on at a time.
  """
  server = grpc.server(
    concurrent.futures.ThreadPoolExecutor(threads), options=OPTIONS
  )
  prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
    PredictionService(models), server
  )
  model_service_pb2_grpc.add_ModelServiceServicer_to_server(
    ModelService(models), server
  )
  port = server.add_insecure_port("127.0.0.1:0")
  server.start()
  try:
    yield f"127.0.0.1:{port}"
  finally:
    server.stop(grace=None).wait()
