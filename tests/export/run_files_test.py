"""Files go through an export in a program that needs TensorFlow alone."""

import ast
import pathlib
import sys

import numpy as np
import pytest

from export import fresh, run_files, saved_model, signatures
from tests.export import networks
from tfpercept.io import files


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  folder = tmp_path_factory.mktemp("export")
  exported = signatures.load(networks.save_run(folder / "run"))
  saved_model.write_graph(exported, exported.served(), folder / "1")
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
    (["{model}", "{here}/bad", "{here}/o.png"], "bad: "),
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


@pytest.mark.parametrize("program", ["run_files", "run_tflite"])
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
