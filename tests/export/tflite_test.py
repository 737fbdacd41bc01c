"""TFLite files are written whole, once other programs agree with Keras."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from export import fresh, manifest, run_tflite, signatures, tflite
from tests.export import networks
from tfpercept.data import packaged

ROOT = pathlib.Path(__file__).parents[2]
LITERT_PYTHON = os.environ.get(tflite.LITERT)


@pytest.fixture
def run(tmp_path, monkeypatch):
  photographs = packaged.test
  monkeypatch.setattr(
    packaged, "test", lambda: {k: x[:60, :71] for k, x in photographs().items()}
  )
  # Tests say themselves when they want the second runtime.
  monkeypatch.delenv(tflite.LITERT, raising=False)
  return networks.save_run(tmp_path / "run")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
  folder = tmp_path_factory.mktemp("tflite")
  exported = signatures.load(networks.save_run(folder / "run"))
  ((name, signature),) = exported.on_device().items()
  paths = tflite.convert(exported, {name: signature}, folder)
  return paths[name], signature


def check(rows, folder):
  precisions = ("float32", "float16", "int8")
  assert [r["file"] for r in rows] == [f"srcnn_{p}.tflite" for p in precisions]
  for row in rows:
    assert row["bytes"] == (folder / row["file"]).stat().st_size
    assert 0 < row["mean_difference"] <= row["max_difference"]
    assert all(ms > 0 for ms in row["milliseconds"].values())
  # Rounding of sums; of weights to 11 bits; of weights to 8 bits.
  for row, bound in zip(rows, (1e-5, 2e-3, 5e-2), strict=True):
    assert row["max_difference"] < bound
    assert abs(row["psnr_change"]) < 20 * bound


def test_an_export_is_whole_and_its_table_is_that_of_its_files(run, tmp_path):
  out = tmp_path / os.fsdecode(b"\xff[1]*")  # a name, and no pattern
  rows = tflite.export(run, out)
  check(rows, out)
  table = json.loads((out / "table.json").read_text())
  assert table["rows"] == rows
  assert table["pictures"] == ["chelsea", "coffee", "flower"]
  assert (out / "table.md").read_text() == tflite.markdown(table)
  found = manifest.verify(out)
  assert list(found["signatures"]) == ["sharpen_luma"]
  assert list(found["checks"]) == [row["file"] for row in rows]
  with pytest.raises(ValueError, match="exists already; name a new --out"):
    tflite.export(run, out)
  assert manifest.verify(out) == found


def test_ai_edge_litert_agrees_in_its_own_environment(run, tmp_path):
  if not LITERT_PYTHON:
    message = (
      f"{tflite.LITERT} is not set; name a Python with ai-edge-litert,"
      " `make litert` makes one"
    )
    if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
      pytest.fail(message)
    pytest.skip(message)
  rows = tflite.export(run, tmp_path / "out", LITERT_PYTHON)
  assert all({"tf", "litert"} == row["milliseconds"].keys() for row in rows)
  checks = manifest.verify(tmp_path / "out")["checks"]
  assert all(c["litert"] <= c["tolerance"] for c in checks.values())


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_each_file_takes_any_batch_and_size(paths, precision):
  files, signature = paths
  interpreter = tf.lite.Interpreter(str(files[precision]))
  (given,), (answer,) = (
    interpreter.get_input_details(),
    interpreter.get_output_details(),
  )
  assert given["shape_signature"].tolist() == [-1, -1, -1, 1]
  tolerance = tflite.PRECISIONS[precision].tolerance
  for shape in ((1, 5, 9, 1), (2, 31, 17, 1), (1, 1, 1, 1)):
    image = np.random.default_rng(0).random(shape, np.float32)
    interpreter.resize_tensor_input(given["index"], shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], image)
    interpreter.invoke()
    expected = signature.function(enlarged_luma=tf.constant(image))["luma"]
    np.testing.assert_allclose(
      interpreter.get_tensor(answer["index"]), expected, atol=tolerance
    )


def test_files_need_builtin_ops_only_and_store_what_they_say(paths):
  files, _ = paths
  for precision, path in files.items():
    interpreter = tf.lite.Interpreter(str(path))
    types = {tensor["dtype"] for tensor in interpreter.get_tensor_details()}
    assert np.dtype(precision).type in types
    ops = {op["op_name"] for op in interpreter._get_ops_details()}
    assert "CONV_2D" in ops
    assert not {op for op in ops if op.startswith(("Flex", "CUSTOM"))}


@pytest.mark.parametrize("spec", ["delta_e", "watson_dft(weights=None)"])
def test_distances_convert_with_dynamic_sizes(spec, tmp_path):
  """These two have slices that add axes, and powers of constants."""
  exported = signatures.load_distance(spec)
  entries = exported.on_device()
  paths = tflite.convert(exported, entries, tmp_path)["score"]
  assert list(paths) == ["float32"]
  runner = tf.lite.Interpreter(str(paths["float32"])).get_signature_runner(
    "score"
  )
  noise = np.random.default_rng(0)
  for shape in ((1, 16, 24, 3), (2, 24, 16, 3)):
    reference, image = (noise.random(shape, np.float32) for _ in range(2))
    # Kernels of another library sum in another order.
    np.testing.assert_allclose(
      runner(reference=reference, image=image)["value"],
      exported.distance(reference, image),
      rtol=1e-4,
    )


def test_a_distance_of_a_fixed_size_above_the_timed_crop(tmp_path, monkeypatch):
  """Its sides are not cropped, and a sum of many pixels may differ more."""

  timed = []

  def run_here(command, *, python):
    with np.load(command[1]) as given:
      timed.append(given["timed/image"].shape)
    monkeypatch.setattr(sys, "argv", command)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
      run_tflite.main()
    return printed.getvalue()

  monkeypatch.delenv(tflite.LITERT, raising=False)
  monkeypatch.setattr(fresh, "run", run_here)
  exported = signatures.load_distance("mse", size=(264, 272))
  tflite.export(exported, tmp_path / "out")
  found = manifest.verify(tmp_path / "out")
  assert found["signatures"]["score"]["inputs"]["image"]["shape"] == [
    *(1, 264, 272, 3)
  ]
  # `mse` would take a crop, other distances fail then.
  assert timed == [(1, 264, 272, 3)]
  (check,) = found["checks"].values()
  # The first is of rounding, the second of a mean in float32.
  assert 1e-5 < check["tf"] <= check["tolerance"] < 4e-4


def test_operations_that_tflite_lacks_are_named():
  class Converter:
    def convert(self):
      message = "<unknown>:0: error: loc(1): 'tf.EnsureShape' op is neither a"
      raise RuntimeError(message)

  with pytest.raises(tflite.Refused, match="no EnsureShape as 'score' uses"):
    tflite._converted(Converter(), "score")


def test_a_corrupted_file_fails_the_check_and_leaves_nothing(
  run, tmp_path, monkeypatch
):
  convert = tflite.convert

  def spoil(exported, *arguments):
    weights = exported.network.get_weights()
    exported.network.set_weights([w * 1.01 for w in weights])
    paths = convert(exported, *arguments)
    exported.network.set_weights(weights)
    return paths

  monkeypatch.setattr(tflite, "convert", spoil)
  with pytest.raises(fresh.CheckError, match=r"^srcnn_float32\.tflite in tf: "):
    tflite.export(run, tmp_path / "out")
  assert {p.name for p in tmp_path.iterdir()} == {"run"}


def test_a_runtime_that_is_not_there_fails_the_check(run, tmp_path):
  with pytest.raises(fresh.CheckError, match="ai_edge_litert"):
    # This environment has TensorFlow's runtime only.
    tflite.export(run, tmp_path / "out", sys.executable)
  assert not (tmp_path / "out").exists()


def test_the_command_refuses_bad_input_in_one_line(tmp_path):
  done = subprocess.run(
    [
      sys.executable,
      "-m",
      "export.tflite",
      f"--run={tmp_path}",
      f"--out={tmp_path}/o",
    ],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 1
  assert done.stderr.splitlines()[-1].startswith("error: no trained model in ")
  assert not list(tmp_path.iterdir())
