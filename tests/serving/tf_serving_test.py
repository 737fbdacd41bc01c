"""The files for TensorFlow Serving are ones that it reads."""

import pathlib
import re
import subprocess

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

FOLDER = pathlib.Path(__file__).parents[2] / "serving/tf_serving"


def test_the_list_of_models_is_of_its_type():
  text = (FOLDER / "models.config").read_text()
  config = model_server_config_pb2.ModelServerConfig()
  text_format.Parse(text, config)
  models = config.model_config_list.config
  assert {model.base_path for model in models} == {
    "/models/srcnn",
    "/models/loss",
  }
  for model in models:
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1


def test_the_compose_file_mounts_what_it_names():
  text = (FOLDER / "compose.yaml").read_text()
  assert ":/models:ro" in text
  for name in re.findall(r"=/config/(\S+)", text):
    assert (FOLDER / name).is_file()
    assert f"./{name}:/config/{name}:ro" in text
  assert set(re.findall(r"- (\S+):850[01]:", text)) == {"127.0.0.1"}


@pytest.mark.parametrize(
  "name", ["models.config", "batching.config", "compose.yaml",
           "range_coder/BUILD", "range_coder/build.sh"],
)  # fmt: skip
def test_each_says_that_it_was_not_tried(name):
  head = (FOLDER / name).read_text()[:400]
  assert re.search(r"[Nn]ot (run|built) here", head)


def test_the_recipe_is_a_shell_script_and_adds_its_target(tmp_path):
  script = FOLDER / "range_coder/build.sh"
  subprocess.run(["bash", "-n", str(script)], check=True)
  (command,) = re.findall(
    r'^  (sed -i ".*) "\$build"$', script.read_text(), re.M
  )
  build = tmp_path / "BUILD"
  build.write_text(
    'SUPPORTED_TENSORFLOW_OPS = if_v2([]) + [\n    "@a//:ops",\n]\n\n'
    "other = [\n]\n"
  )
  subprocess.run(
    ["bash", "-c", f'target=//x:range_coder_ops; {command} "{build}"'],
    check=True,
  )
  assert build.read_text() == (
    'SUPPORTED_TENSORFLOW_OPS = if_v2([]) + [\n    "@a//:ops",\n'
    '    "//x:range_coder_ops",\n]\n\nother = [\n]\n'
  )
