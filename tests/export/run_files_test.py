"""Files go through an export in a program that needs TensorFlow alone."""

import ast
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf

from export import fresh, run_files, saved_model, signatures
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


@pytest.mark.parametrize(
  ("text", "shape", "expected"),
  [
    ("4", (), 4),
    ("4", (None,), [4, 4, 4]),
    ("1,2.5,3", (None,), [1, 2.5, 3]),
  ],
)
def test_numbers_are_one_for_all_files_or_one_for_each(text, shape, expected):
  kind = tf.TensorSpec(shape, tf.float32)
  assert run_files._numbers(text, kind, 3).numpy().tolist() == expected
  with pytest.raises(ValueError, match="neither one number nor 3, one a file"):
    run_files._numbers("1,2", kind, 3)


def test_an_assertion_is_told_in_its_own_words():
  @tf.function(autograph=False)
  def checked(x):
    with tf.control_dependencies([tf.debugging.Assert(x < 2, ["1; got", x])]):
      return tf.identity(x)

  with pytest.raises(tf.errors.InvalidArgumentError) as error:
    checked(tf.constant(3))
  assert run_files.plain(error.value.message) == "1; got 3"
  assert run_files.plain("other") == "other"


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
