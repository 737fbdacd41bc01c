"""Files go through an export in a program that needs TensorFlow alone."""

import ast
import pathlib
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from export import fresh, run_files, run_score, saved_model, signatures
from tests.export import networks
from tfpercept.io import files


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  folder = tmp_path_factory.mktemp("export")
  exported = signatures.load(networks.save_run(folder / "run"))
  saved_model.write_graph(exported.served(), folder / "1")
  (folder / "1").rename(folder / "[1]*\\")  # a name, and no pattern
  return str(folder / "[1]*\\")


def run(monkeypatch, *arguments):
  monkeypatch.setattr(sys, "argv", ["run_files.py", *map(str, arguments)])
  run_files.main()


def test_each_file_is_answered_by_the_file_named_after_it(
  model, tmp_path, monkeypatch
):
  noise = np.random.default_rng(0)
  sizes = {"a": (9, 7, 3), "b": (4, 11, 1)}
  for name, size in sizes.items():
    picture = noise.integers(256, size=size, dtype=np.uint8)
    files.write_image(tmp_path / f"{name}.png", picture)
  pairs = [tmp_path / f for f in ("a.png", "a2.png", "b.png", "b2.png")]
  run(monkeypatch, model, *pairs)
  assert files.read_image(tmp_path / "a2.png").shape == (18, 14, 3)
  assert files.read_image(tmp_path / "b2.png").shape == (8, 22, 1)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["{model}", "{here}/a.png"], "files come in pairs; got 1"),
    (["{model}", "{here}/no.png", "{here}/o.png"], "no such file"),
    (["{here}", "{here}/a.png", "{here}/o.png"], "holds no saved_model.pb"),
    (
      ["{model}", "{here}/a.png", "{here}/o.png", "--signature=x"],
      "no signature 'x'; there are luma, png, serving_default",
    ),
    (
      ["{model}", "{here}/bad", "{here}/o.png"],
      "bad: the file is no picture in PNG or JPEG",
    ),
    (
      ["{model}", "{here}/a.png", "{here}/o.png", "--signature=luma"],
      "'luma' takes numbers, not files",
    ),
    (
      ["{model}", "{here}/a.png", "{here}/o.png", "--set", "quality=4"],
      "--set all inputs but one; there are image_bytes",
    ),
  ],
)
def test_bad_input_is_one_line(
  model, tmp_path, monkeypatch, capsys, arguments, message
):
  files.write_image(tmp_path / "a.png", np.zeros((3, 3, 3), np.uint8))
  (tmp_path / "bad").write_bytes(b"no picture")
  filled = [a.format(model=model, here=tmp_path) for a in arguments]
  with pytest.raises(SystemExit) as error:
    run(monkeypatch, *filled)
  assert error.value.code != 0
  assert message in capsys.readouterr().err.splitlines()[-1]
  assert not (tmp_path / "o.png").exists()


def test_a_bad_file_spoils_no_other(model, tmp_path, monkeypatch, capsys):
  files.write_image(tmp_path / "a.png", np.zeros((3, 3, 3), np.uint8))
  (tmp_path / "bad").write_bytes(b"no picture")
  pairs = [tmp_path / f for f in ("bad", "bad2", "a.png", "a2.png")]
  with pytest.raises(SystemExit) as error:
    run(monkeypatch, model, *pairs)
  assert error.value.code == 1
  assert "bad: the file is no picture" in capsys.readouterr().err
  assert files.read_image(tmp_path / "a2.png").shape == (6, 6, 3)
  assert not (tmp_path / "bad2").exists()


def test_a_target_that_can_not_be_written_spoils_no_other(
  model, tmp_path, monkeypatch, capsys
):
  files.write_image(tmp_path / "a.png", np.zeros((3, 3, 3), np.uint8))
  pairs = [tmp_path / f for f in ("a.png", "no/b.png", "a.png", "c.png")]
  with pytest.raises(SystemExit) as error:
    run(monkeypatch, model, *pairs)
  assert error.value.code == 1
  assert capsys.readouterr().err == (
    f"error: {pairs[0]}: {pairs[1]} cannot be written: No such file or "
    "directory\n"
  )
  assert files.read_image(pairs[3]).shape == (6, 6, 3)


@pytest.mark.parametrize(
  ("text", "shape", "dtype", "expected"),
  [
    ("4", (), "float32", 4),
    ("4", (), "int32", 4),
    ("4", (None,), "float32", [4, 4, 4]),
    ("1,2.5,3", (None,), "float32", [1, 2.5, 3]),
    ("1,-2,3", (None,), "int64", [1, -2, 3]),
  ],
)
def test_numbers_are_one_for_all_files_or_one_for_each(
  text, shape, dtype, expected
):
  kind = tf.TensorSpec(shape, dtype)
  found = run_files._numbers("k", text, kind, 3)
  assert found.dtype.name == dtype and found.numpy().tolist() == expected
  with pytest.raises(ValueError, match="neither one number nor 3, one a file"):
    run_files._numbers("k", "1,2", kind, 3)


@pytest.mark.parametrize(
  ("text", "dtype", "message"),
  [
    ("1,2", "float32", "k is one number for all files; got 1,2"),
    ("4.5", "int32", "k takes int32; got 4.5"),
    (f"{2**31}", "int32", f"k takes int32; got {2**31}"),
    ("four", "float32", "k takes float32; got four"),
    ("1", "string", "k takes string; got 1"),
  ],
)
def test_what_is_no_number_of_an_input_is_told(text, dtype, message):
  with pytest.raises(ValueError, match=message):
    run_files._numbers("k", text, tf.TensorSpec((), dtype), 2)


def test_pairs_that_are_refused_as_a_batch_are_told_in_a_line(
  tmp_path, monkeypatch, capsys
):
  def refuse(**given):
    assert given.keys() == {"reference_bytes", "image_bytes"}
    told = "assertion failed: [too many pixels; got] [3]"  # as graphs do
    raise tf.errors.InvalidArgumentError(None, None, told)

  for name in ("a.png", "b.png", "saved_model.pb"):
    (tmp_path / name).touch()
  held = types.SimpleNamespace(signatures={"score_png": refuse})
  monkeypatch.setattr(run_score, "_load", lambda folder: held)
  names = [str(tmp_path / name) for name in ("", "a.png", "b.png")]
  monkeypatch.setattr(sys, "argv", ["run_score.py", *names])
  with pytest.raises(SystemExit) as error:
    run_score.main()
  assert error.value.code == 2
  said = capsys.readouterr().err.splitlines()[-1]
  assert said.endswith("b.png: too many pixels; got 3")


@pytest.mark.parametrize("plain", [run_files.plain, run_score.plain])
def test_an_assertion_is_told_in_its_own_words(plain):
  @tf.function(autograph=False)
  def checked(x):
    with tf.control_dependencies([tf.debugging.Assert(x < 2, ["1; got", x])]):
      return tf.identity(x)

  with pytest.raises(tf.errors.InvalidArgumentError) as error:
    checked(tf.constant(3))
  assert plain(error.value.message) == "1; got 3"
  assert plain("other") == "other"


@pytest.mark.parametrize(
  "program", ["run_files", "run_score", "run_signatures", "run_tflite"]
)
def test_programs_that_check_share_no_code_with_what_writes(program):
  path = pathlib.Path(fresh.HERE) / f"{program}.py"
  names = set()
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      names |= {alias.name.split(".")[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      assert not node.level
      names.add(node.module.split(".")[0])
  runtimes = {"numpy", "tensorflow", "ai_edge_litert"}
  assert names - set(sys.stdlib_module_names) <= runtimes
