"""Exports become models of a repository, whole or not at all."""

import pathlib
import shutil
import subprocess
import sys

import pytest

from export import manifest
from serving import model_repository
from tests.serving import served_exports


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
  folder = tmp_path_factory.mktemp("exports")
  first = served_exports.write(folder / "srcnn", 1)
  for version in ("2", "10"):
    shutil.copytree(first, folder / "srcnn" / version)
  return folder


def added(exports, repository, **options):
  found = model_repository.versions(exports)["srcnn"]
  return [
    name
    for version in found
    for name in model_repository.add("srcnn", version, repository, **options)
  ]


def test_versions_are_found_in_the_order_of_their_numbers(exports):
  (found,) = model_repository.versions(exports).values()
  assert [path.name for path in found] == ["1", "2", "10"]
  assert model_repository.versions(exports / "srcnn") == {"srcnn": found}


def test_a_folder_without_exports_is_refused(tmp_path):
  with pytest.raises(ValueError, match="has no exports; `python -m export"):
    model_repository.versions(tmp_path)


def test_folders_whose_names_become_one_are_named(exports, tmp_path):
  for name in ("a b", "a+b"):
    shutil.copytree(exports / "srcnn", tmp_path / name)
  with pytest.raises(ValueError, match="both become a_b; rename one"):
    model_repository.versions(tmp_path)


def test_other_folders_are_no_versions(exports, tmp_path):
  place = shutil.copytree(exports / "srcnn", tmp_path / "srcnn")
  for name in ("01", "two", "9" * 30, "-3"):
    shutil.copytree(place / "1", place / name)
  (found,) = model_repository.versions(tmp_path).values()
  assert [path.name for path in found] == ["1", "2", "10"]


def test_an_export_for_devices_alone_is_named(tmp_path, monkeypatch):
  """Files of builtin operations take no files and have no default."""
  described = {"encode": {"inputs": {"image": {"dtype": "float32"}}}}
  monkeypatch.setattr(model_repository, "signatures", lambda path: described)
  version = tmp_path / "codec" / "1"
  with pytest.raises(ValueError, match="name those to serve, of encode"):
    list(model_repository.add("codec", version, tmp_path / "repository"))


def test_a_version_is_added_once_and_without_leftovers(exports, tmp_path):
  assert added(exports, tmp_path) == ["srcnn_png"] * 3
  assert added(exports, tmp_path) == []
  names = {path.name for path in (tmp_path / "srcnn_png").iterdir()}
  assert names == {"config.pbtxt", "1", "2", "10"}
  one = tmp_path / "srcnn_png" / "1"
  names = {path.name for path in one.iterdir()}
  assert names == {"model.py", "exported.py", "export", "__pycache__"}
  manifest.verify(one / "export")


def test_the_configuration_says_what_the_manifest_says(exports, tmp_path):
  added(exports, tmp_path, wanted=["png", "luma", "serving_default"])
  png = (tmp_path / "srcnn_png" / "config.pbtxt").read_text().splitlines()
  assert png == [
    'name: "srcnn_png"',
    'backend: "python"',
    "max_batch_size: 16",
    'input { name: "image_bytes" data_type: TYPE_STRING dims: [1]'
    " reshape { shape: [] } }",
    'output { name: "image_bytes" data_type: TYPE_STRING dims: [1]'
    " reshape { shape: [] } }",
    'output { name: "status" data_type: TYPE_STRING dims: [1]'
    " reshape { shape: [] } }",
    'parameters { key: "written_by" value { string_value: "tfpercept" } }',
    'parameters { key: "signature" value { string_value: "png" } }',
    "instance_group [ { kind: KIND_CPU count: 1 } ]",
    "version_policy { latest { num_versions: 1 } }",
    "dynamic_batching { max_queue_delay_microseconds: 2000 }",
  ]
  luma = (tmp_path / "srcnn_luma" / "config.pbtxt").read_text()
  assert (
    'input { name: "image" data_type: TYPE_FP32 dims: [-1, -1, 1] }' in luma
  )
  assert (tmp_path / "srcnn" / "config.pbtxt").is_file()


def test_a_signature_without_a_batch_is_answered_one_by_one():
  described = {
    "inputs": {
      "count": {"dtype": "int32", "shape": []},
      "seed": {"dtype": "int32", "shape": [2]},
    },
    "outputs": {"image": {"dtype": "float32", "shape": [None, 8, 8, 1]}},
  }
  text = model_repository.config(
    "vae_sample", "sample", described, model_repository.Batching()
  )
  assert "max_batch_size: 0" in text
  assert "dynamic_batching" not in text
  # Triton refuses the shape of a number where there is no batch.
  assert 'input { name: "count" data_type: TYPE_INT32 dims: [1] }' in text
  assert 'name: "image" data_type: TYPE_FP32 dims: [-1, 8, 8, 1] }' in text


def test_a_version_with_other_inputs_is_refused(exports, tmp_path):
  added(exports, tmp_path)
  config = tmp_path / "srcnn_png" / "config.pbtxt"
  config.write_text(config.read_text().replace("TYPE_STRING", "TYPE_FP32"))
  with pytest.raises(ValueError, match="serve it under another name"):
    added(exports, tmp_path)


def test_other_settings_of_batches_replace_those_before(exports, tmp_path):
  added(exports, tmp_path)
  batching = model_repository.Batching(largest=8, delay=1, processes=2)
  assert added(exports, tmp_path, batching=batching) == []
  text = (tmp_path / "srcnn_png" / "config.pbtxt").read_text()
  for part in ("max_batch_size: 8", "microseconds: 1 }", "count: 2"):
    assert part in text


def test_a_version_that_was_damaged_is_replaced(exports, tmp_path):
  added(exports, tmp_path)
  damaged = tmp_path / "srcnn_png" / "2"
  (damaged / "exported.py").unlink()
  assert added(exports, tmp_path) == ["srcnn_png"]
  assert (damaged / "exported.py").is_file()
  assert (tmp_path / "srcnn_png" / "damaged-2").is_dir()


def test_nothing_is_made_within_the_folder_of_a_model(
  exports, tmp_path, monkeypatch
):
  place = tmp_path / "models" / "srcnn_png"
  seen, copy = [], shutil.copytree

  def watched(source, target, *rest, **options):
    if pathlib.Path(target).name == "export":
      seen.append({path.name for path in place.iterdir()})
    return copy(source, target, *rest, **options)

  monkeypatch.setattr(model_repository.shutil, "copytree", watched)
  added(exports, tmp_path / "models")
  assert seen == [
    {"config.pbtxt"}, {"config.pbtxt", "1"}, {"config.pbtxt", "1", "2"},
  ]  # fmt: skip
  assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_a_damaged_export_is_not_added(exports, tmp_path):
  damaged = tmp_path / "exports"
  shutil.copytree(exports / "srcnn" / "1", damaged / "srcnn" / "3")
  (damaged / "srcnn" / "3" / "saved_model.pb").write_bytes(b"")
  with pytest.raises(ValueError, match=r"changed: saved_model\.pb"):
    added(damaged, tmp_path / "repository")
  assert not list((tmp_path / "repository" / "srcnn_png").glob("[0-9]*"))


def test_before_a_start_damaged_latest_versions_are_set_aside(
  exports, tmp_path
):
  added(exports, tmp_path)
  place = tmp_path / "srcnn_png"
  for version, name in (("10", "model.py"), ("2", "exported.py")):
    export = place / version / "export"
    (export / "saved_model.pb").unlink()
    (place / version / name).touch()
  lines = list(model_repository.set_aside_damaged(tmp_path))
  assert len(lines) == 2 and "missing: saved_model.pb" in lines[0]
  names = {path.name for path in place.iterdir()}
  assert names == {"config.pbtxt", "1", "damaged-2", "damaged-10"}
  assert not list(model_repository.set_aside_damaged(tmp_path))


def test_models_of_others_are_left_alone(tmp_path):
  for version in ("1", "2"):
    (tmp_path / "resnet" / version).mkdir(parents=True)
  (tmp_path / "resnet" / "config.pbtxt").write_text('name: "resnet"')
  assert not list(model_repository.set_aside_damaged(tmp_path))
  names = {path.name for path in (tmp_path / "resnet").iterdir()}
  assert names == {"config.pbtxt", "1", "2"}


def test_the_program_adds_what_is_new_and_names_what_is_not_there(
  exports, tmp_path
):
  def run(*flags):
    return subprocess.run(
      [
        sys.executable, "-m", "serving.triton", f"--exports={exports}",
        f"--repository={tmp_path / 'models'}", *flags,
      ],
      cwd=pathlib.Path(__file__).parents[2],
      capture_output=True,
      text=True,
      check=False,
    )  # fmt: skip

  done = run()
  assert done.stdout.count("Added version") == 3, done.stderr
  config = tmp_path / "models" / "srcnn_png" / "config.pbtxt"
  run("--largest_batch=5", "--delay=777", "--processes=3")
  for line in (
    "max_batch_size: 5",
    "max_queue_delay_microseconds: 777",
    "count: 3",
  ):
    assert line in config.read_text()
  missing = run("--signatures=jpg")
  assert missing.stdout == f"{tmp_path / 'models'} has nothing new\n"
  assert missing.returncode == 1
  assert "no export has a signature jpg; there are luma, png" in missing.stderr
