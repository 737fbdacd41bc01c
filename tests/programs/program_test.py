"""Programs read flag files as people save them, and help is no failure."""

import os
import subprocess
import sys

import pytest
from absl import app, flags

from programs import program
from tests.conftest import ROOT

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@pytest.fixture
def own_flags(monkeypatch):
  """Flags of a program of its own, in place of those of this process."""
  values = flags.FlagValues()
  monkeypatch.setattr(flags, "FLAGS", values)
  return values


def test_a_flag_file_is_read_whatever_mark_it_begins_with(tmp_path):
  inner, outer = tmp_path / "inner.flags", tmp_path / "outer.flags"
  inner.write_bytes(b"\xef\xbb\xbf--steps=2\r\n# none\r\n\r\n--out=a b\r\n")
  outer.write_text(f"// none\n--flagfile={inner}\n--seed=1\n", "utf-8-sig")
  assert program.expanded(
    ["--a", f"--flagfile={outer}", "--b", "--", "--flagfile=c"]
  ) == [
    "--a", "--steps=2", "--out=a b", "--seed=1", "--b", "--", "--flagfile=c",
  ]  # fmt: skip
  assert program.expanded(["--flagfile", str(inner)])[0] == "--steps=2"


@pytest.mark.parametrize(
  ("data", "message"),
  [
    ("--steps=2".encode("utf-16"), "is UTF-16, or not text; save it as UTF-8"),
    ("--steps=2".encode("utf-16-le"), "is UTF-16, or not text"),
    (b"--steps=\xff", r"is not UTF-8 \("),
  ],
)
def test_a_flag_file_in_another_encoding_is_named(tmp_path, data, message):
  path = tmp_path / "a.flags"
  path.write_bytes(data)
  with pytest.raises(ValueError, match=rf"a\.flags {message}"):
    program.expanded([f"--flagfile={path}"])


def test_a_flag_file_that_includes_itself_is_refused(tmp_path):
  path = tmp_path / "a.flags"
  path.write_text(f"--flagfile={path}")
  with pytest.raises(ValueError, match="includes itself"):
    program.expanded([f"--flagfile={path}"])
  with pytest.raises(ValueError, match="needs the name of a file"):
    program.expanded(["--flagfile"])
  with pytest.raises(FileNotFoundError):
    program.expanded([f"--flagfile={tmp_path / 'no'}"])


def test_a_tilde_is_the_home_folder_in_every_flag(monkeypatch, own_flags):
  monkeypatch.setenv("HOME", "/home/me")
  flags.DEFINE_string("out", None, "", flag_values=own_flags)
  flags.DEFINE_multi_string("data", [], "", flag_values=own_flags)
  flags.DEFINE_list("sets", [], "", flag_values=own_flags)
  flags.DEFINE_integer("steps", 3, "", flag_values=own_flags)
  own_flags(["a", "--out=~/x", "--data=~/d", "--data=./~", "--sets=~/a,b~"])
  program._expand_homes()
  assert own_flags.out == "/home/me/x"
  assert own_flags.data == ["/home/me/d", "./~"]
  assert own_flags.sets == ["/home/me/a", "b~"]
  assert own_flags.steps == 3
  with pytest.raises(ValueError, match=r"no such user; write \./~"):
    program.home("~nobody-of-this-name/x")
  own_flags.out = ""
  with pytest.raises(ValueError, match="--out is empty"):
    program._expand_homes()


@pytest.mark.parametrize(
  ("given", "status"),
  [(["--help"], 0), (["-h"], 0), (["--helpfull"], 0), (["--no_such"], 1)],
)
def test_help_that_is_asked_for_is_no_failure(given, status, monkeypatch):
  def parse(argv):
    sys.exit(1)  # as absl does for both

  monkeypatch.setattr(app, "parse_flags_with_usage", parse)
  with pytest.raises(SystemExit) as caught:
    program.parsed(["program", *given])
  assert caught.value.code == status


def test_a_mistake_in_a_flag_file_is_answered_in_a_line(tmp_path):
  with pytest.raises(SystemExit, match=r"error: .*no_such") as caught:
    program.parsed(["program", f"--flagfile={tmp_path / 'no_such'}"])
  assert os.linesep not in str(caught.value.code)


def _python(*arguments, **environment):
  """Runs Python as someone does who has set nothing but what is given."""
  unset = {k: v for k, v in os.environ.items() if k != _LEVEL}
  return subprocess.run(
    [sys.executable, *arguments],
    cwd=ROOT,
    capture_output=True,
    text=True,
    env={**unset, **environment},
    check=False,
  )


def test_a_mistake_is_the_only_line_on_standard_error(tmp_path):
  """`demo` imports TensorFlow itself, before any module of `programs`."""
  missing = tmp_path / "no.png"
  done = _python(
    "-m", "trainers.demo", f"--image={missing}", f"--out={tmp_path}"
  )
  assert done.returncode == 1
  assert done.stderr.splitlines() == [
    f"error: expected a picture file; {missing} does not exist"
  ]


@pytest.mark.parametrize(
  "package", ["export", "pipelines", "serving", "trainers"]
)
def test_every_package_of_programs_silences_tensorflow_first(package):
  shown = (
    f"import os, sys, logging, {package}\n"
    "level = logging.getLogger('tensorflow').level\n"
    f"print(os.environ['{_LEVEL}'], level, 'tensorflow' in sys.modules)"
  )
  assert _python("-c", shown).stdout.split() == ["3", "40", "False"]
  child = _python("-c", shown, **{_LEVEL: "3"})
  assert child.stdout.split() == ["3", "40", "False"]
  own = _python("-c", shown, **{_LEVEL: "0"})
  assert own.stdout.split() == ["0", "0", "False"]


def test_the_library_leaves_the_setting_to_the_program_that_imports_it():
  shown = f"import os, tfpercept; print(os.environ.get('{_LEVEL}'))"
  assert _python("-c", shown).stdout.split() == ["None"]
