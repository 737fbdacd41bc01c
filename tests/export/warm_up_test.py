"""The warm-up requests are ones that the written model answers."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from export import saved_model, signatures, warm_up
from tests.export import networks


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
  folder = tmp_path_factory.mktemp("export")
  exported = signatures.load(networks.save_run(folder / "run"))
  served = exported.served()
  saved_model.write_graph(served, folder / "1")
  warm_up.write(folder / "1", "srcnn", served)
  return folder / "1", served


def requests(folder):
  path = folder / "assets.extra" / "tf_serving_warmup_requests"
  for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
    log = prediction_log_pb2.PredictionLog.FromString(record)
    assert log.WhichOneof("log_type") == "predict_log"
    yield log.predict_log.request


def test_replaying_them_reaches_every_signature_and_gives_its_outputs(exported):
  folder, served = exported
  model = tf.saved_model.load(str(folder))
  replayed = []
  for request in requests(folder):
    assert request.model_spec.name == "srcnn"
    name = request.model_spec.signature_name
    call = model.signatures[name]
    _, types = call.structured_input_signature
    inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
    assert inputs.keys() == types.keys()
    answers = call(**{k: tf.constant(v) for k, v in inputs.items()})
    for key, expected in served[name].expected().items():
      if served[name].outputs[key].dtype == "string":
        assert answers[key].numpy().tolist() == expected.tolist()
      else:
        # Eager and graph may sum a convolution in another order.
        np.testing.assert_allclose(answers[key], expected, atol=1e-5)
    replayed.append(name)
  assert sorted(replayed) == ["luma", "png", "serving_default"]


def test_the_graph_is_float32_and_of_ops_that_servers_know(exported):
  folder, _ = exported
  saved = saved_model_pb2.SavedModel()
  saved.ParseFromString((folder / "saved_model.pb").read_bytes())
  (meta,) = saved.meta_graphs
  functions = meta.graph_def.library.function
  nodes = [node for function in functions for node in function.node_def]
  assert not {node.op for node in nodes if "PyFunc" in node.op}
  types = {node.attr["T"].type for node in nodes if node.op == "Conv2D"}
  assert types == {tf.float32.as_datatype_enum}
