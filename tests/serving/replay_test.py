"""Warm-up requests are answered over TF Serving's gRPC interface."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
  get_model_status_pb2,
  model_service_pb2_grpc,
  predict_pb2,
  prediction_service_pb2_grpc,
)

from export import signatures
from serving import exported, prediction_service, replay
from tests.serving import served_exports


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  folder = tmp_path_factory.mktemp("exports")
  return {
    "srcnn": served_exports.write(folder / "srcnn"),
    "codec": served_exports.of(signatures.load("photo_mse"), folder / "codec"),
    "loss": served_exports.of(
      signatures.load_distance("0.84*ssim + 0.16*mae"), folder / "loss"
    ),
  }


@pytest.fixture(scope="module")
def address(folders):
  models = {name: exported.Exported(path) for name, path in folders.items()}
  with prediction_service.served(models) as address:
    yield address


def predict(address, name, signature, **inputs):
  request = predict_pb2.PredictRequest()
  request.model_spec.name = name
  request.model_spec.signature_name = signature
  for key, value in inputs.items():
    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
  with grpc.insecure_channel(address) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return stub.Predict(request, timeout=3600)


@pytest.mark.parametrize("name", ["srcnn", "codec", "loss"])
def test_every_request_gets_the_answer_of_the_model(folders, address, name):
  expected = len(exported.Exported(folders[name]).signatures)
  assert sum(1 for _ in replay.requests(folders[name])) == expected
  assert replay.replay(name, folders[name], address) == []


def test_another_model_behind_the_name_is_noticed(folders, tmp_path):
  other = served_exports.write(tmp_path / "srcnn", seed=1)
  models = {"srcnn": exported.Exported(other)}
  with prediction_service.served(models) as address:
    wrong = replay.replay("srcnn", folders["srcnn"], address)
  assert wrong and all("another answer" in line for line in wrong)


def test_a_server_without_the_model_is_reported(folders, address):
  wrong = replay.replay("none", folders["srcnn"], address)
  assert len(wrong) == 3
  assert "NOT_FOUND: Servable not found for request: none" in wrong[0]


@pytest.mark.parametrize(
  ("signature", "inputs", "line"),
  [
    ("none", {"image_bytes": [b""]}, "no signature 'none'; there are"),
    ("png", {"image": [1.0]}, "'png' takes image_bytes; got image"),
    ("png", {"image_bytes": [1.0]}, "image_bytes holds string; got float32"),
  ],
)
def test_a_bad_request_is_an_invalid_argument(address, signature, inputs, line):
  with pytest.raises(grpc.RpcError) as caught:
    predict(address, "srcnn", signature, **inputs)
  assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
  assert line in caught.value.details()


def test_without_a_name_the_default_signature_answers(address):
  image = np.zeros((1, 4, 4, 3), np.float32)
  (answer,) = predict(address, "srcnn", "", image=image).outputs.values()
  assert tf.make_ndarray(answer).shape == (1, 8, 8, 3)


def test_only_the_outputs_that_are_asked_for_are_sent(address):
  request = predict_pb2.PredictRequest()
  request.model_spec.name = "loss"
  request.model_spec.signature_name = "score"
  for key in ("reference", "image"):
    zeros = tf.make_tensor_proto(np.zeros((1, 16, 16, 3), np.float32))
    request.inputs[key].CopyFrom(zeros)
  with grpc.insecure_channel(address) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request.output_filter.append("value")
    assert set(stub.Predict(request, timeout=3600).outputs) == {"value"}
    request.output_filter.append("none")
    with pytest.raises(grpc.RpcError) as caught:
      stub.Predict(request, timeout=3600)
  assert caught.value.details() == "there is no output 'none'"


def test_infinite_values_do_not_hide_other_ones():
  one = np.array([np.inf, 1.0])
  assert replay._equal(one, one)
  assert not replay._equal(one, np.array([np.inf, 1.1]))
  assert not replay._equal(one, np.array([2.0, 1.0]))


def test_the_status_of_a_model_is_told(address):
  request = get_model_status_pb2.GetModelStatusRequest()
  with grpc.insecure_channel(address) as channel:
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request.model_spec.name = "srcnn"
    (status,) = stub.GetModelStatus(request).model_version_status
    assert status.state == status.AVAILABLE
    request.model_spec.name = "none"
    with pytest.raises(grpc.RpcError) as caught:
      stub.GetModelStatus(request)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_export_without_requests_is_refused(tmp_path):
  with pytest.raises(ValueError, match="has no warm-up requests"):
    next(replay.requests(tmp_path))
