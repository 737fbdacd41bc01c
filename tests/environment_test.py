"""`make` finds a Python, says what is missing, and is idle the second time."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def tree(tmp_path) -> pathlib.Path:
  """A copy of what tools/venv.sh reads, with commands that stand in for pip."""
  (tmp_path / "tools").mkdir()
  shutil.copy(ROOT / "tools/venv.sh", tmp_path / "tools")
  compiled = "tfpercept/codecs/bitstream/_range_coder.c"
  for name in (
    "setup.cfg",
    "setup.py",
    "pyproject.toml",
    "constraints-tf214.txt",
    compiled,
  ):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / name, tmp_path / name)
  (tmp_path / "bin").mkdir()
  return tmp_path


def command(tree, name, script):
  path = tree / "bin" / name
  path.write_text(f"#!/bin/sh\n{script}\n")
  path.chmod(0o755)


def make_venv(tree, **environment):
  # /usr/bin has the shell's tools; a Python found there is hidden by ours.
  path = f"{tree / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
  return subprocess.run(
    ["tools/venv.sh", "run"],
    cwd=tree,
    env={"PATH": path, **environment},
    capture_output=True,
    text=True,
    check=False,
  )


def with_python(tree):
  """Adds a `python3.11` and a `uv` that only write down what they are asked."""
  command(tree, "python3.11", "echo 3.11")
  command(
    tree,
    "uv",
    'echo "$@" >>calls\n'
    "[ $1 = pip ] && [ -e broken ] && exit 1\n"
    "[ $1 = pip ] && exit 0\n"
    "mkdir -p .venv/bin\n"
    "cp bin/python3.11 .venv/bin/python",
  )


@pytest.mark.parametrize("version", ["3.9", "3.12"])
def test_a_wrong_python_is_answered_in_one_line_with_the_remedy(tree, version):
  for name in ("python3.11", "python3"):
    command(tree, name, f"echo {version}")
  done = make_venv(tree)
  assert done.returncode == 1
  assert done.stderr.count("\n") == 1
  assert "Python 3.11 was not found" in done.stderr
  assert "apt-get install python3.11" in done.stderr


def test_a_wrong_python_by_name_is_called_by_that_name(tree):
  command(tree, "mine", "echo 3.12")
  done = make_venv(tree, PYTHON="mine")
  assert done.returncode == 1
  assert "PYTHON=mine is not Python 3.11" in done.stderr


def test_the_second_time_nothing_is_installed(tree):
  with_python(tree)
  assert make_venv(tree).returncode == 0
  calls = (tree / "calls").read_text()
  assert "--editable" in calls
  again = make_venv(tree)
  assert again.returncode == 0
  assert not again.stdout + again.stderr
  assert (tree / "calls").read_text() == calls


def test_changed_constraints_are_installed_without_starting_over(tree):
  with_python(tree)
  make_venv(tree)
  (tree / "calls").unlink()
  with (tree / "constraints-tf214.txt").open("a") as constraints:
    constraints.write("# changed\n")
  assert make_venv(tree).returncode == 0
  assert "pip install" in (tree / "calls").read_text()
  assert "venv --quiet" not in (tree / "calls").read_text()


def test_a_changed_part_in_c_is_built_again(tree):
  with_python(tree)
  make_venv(tree)
  (tree / "calls").unlink()
  source = tree / "tfpercept/codecs/bitstream/_range_coder.c"
  source.write_text(f"{source.read_text()}/* changed */\n")
  assert make_venv(tree).returncode == 0
  assert "--editable" in (tree / "calls").read_text()


def test_an_interrupted_install_is_made_anew(tree):
  with_python(tree)
  (tree / "broken").touch()
  assert make_venv(tree).returncode == 1
  (tree / "broken").unlink()
  (tree / "calls").unlink()
  assert make_venv(tree).returncode == 0
  assert "venv --quiet" in (tree / "calls").read_text()


def test_a_moved_tree_gets_an_environment_of_its_own(tree, tmp_path):
  with_python(tree)
  make_venv(tree)
  moved = tmp_path / "moved"
  shutil.copytree(tree, moved)
  (moved / "calls").unlink()
  assert make_venv(moved).returncode == 0
  assert "venv --quiet" in (moved / "calls").read_text()
