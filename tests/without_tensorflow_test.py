"""Without TensorFlow the codec works, and all else says what it needs."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tfpercept import extras

WITHOUT = (
  "import sys\nsys.modules['tensorflow'] = sys.modules['keras'] = None\n"
)
MESSAGE = (
  "need TensorFlow, which is not installed: pip install 'tfpercept[tf]'\n"
)


def outcome(program):
  """Runs a program in a process without TensorFlow."""
  return subprocess.run(
    [sys.executable, "-c", WITHOUT + program],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )


@pytest.mark.parametrize(
  "use",
  [
    "import tfpercept as tp; tp.losses.get('mse')",
    "from tfpercept import distances",
    "import tfpercept.metrics",
    "from tfpercept.callbacks import CheckRange",
    "import tfpercept as tp; getattr(tp, 'distances', None)",
  ],
)
def test_the_public_modules_name_the_extra_however_they_are_imported(use):
  done = outcome(use)
  assert done.returncode == 1
  last = f"MissingExtra: distances and what uses them {MESSAGE}"
  assert done.stderr.endswith(last)
  assert "During handling" not in done.stderr


def test_bitstreams_are_read_and_written():
  done = outcome("""
import numpy as np
import tfpercept
from tfpercept.codecs.bitstream import container, escape_symbols, range_coder
lookup = np.array([1, 0, 1, 2], np.int32)
tables, zeros = range_coder.Tables(lookup), np.zeros(80, np.int32)
encoder = range_coder.RangeEncoder(tables)
encoder.write(zeros, zeros + 1)
print(tfpercept.__version__, encoder.finish() == bytes([255] * 10))
""")
  assert (done.stderr, done.stdout.split()[1:]) == ("", ["True"])


@pytest.mark.parametrize(
  "arguments", [["score", "a.png", "b.png"], ["doctor", "ssim"], ["list"]]
)
def test_commands_that_need_it_say_so_in_a_line(arguments):
  done = outcome(
    "sys.argv = ['tfpercept']\n"
    f"from tfpercept import cli; sys.exit(cli.main({arguments}))"
  )
  assert (done.returncode, done.stdout) == (2, "")
  assert done.stderr.startswith("error: ")
  assert done.stderr.endswith(MESSAGE)
  assert done.stderr.count("\n") == 1


def test_whether_a_library_is_there_is_known_without_importing_it(monkeypatch):
  assert extras.is_installed("tensorflow")
  monkeypatch.setitem(sys.modules, "tensorflow", None)
  assert not extras.is_installed("tensorflow")
  assert not extras.is_installed("no_such_library")
