"""The loops in C trust nothing that they are given."""

import os
import shutil
import subprocess
import sys
import sysconfig

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests.conftest import ROOT


def compiled():
  """Returns the loops in C; skips where they were not built."""
  return pytest.importorskip(
    "tfpercept.codecs.bitstream._range_coder",
    reason="the loops in C were not built, for which `make venv` needs gcc",
  )


def int32(*values):
  return np.array(values, np.int32).tobytes()


TABLES = int32(0, 32768, 65536), int32(0, 3)
"""Ends and starts of one table of two symbols."""
WHOLE = 1 << 32


@pytest.mark.parametrize(
  "arguments",
  [
    (int32(0, 0), int32(1), 0, WHOLE),
    (int32(0), int32(0), 0, WHOLE),
    (int32(-1), int32(5), 0, WHOLE),
    (int32(3), int32(65537), 0, WHOLE),
    (int32(0), int32(1), 0, WHOLE + 1),
    (int32(0), int32(1), 0, 65535),
    (int32(0), int32(1), WHOLE + 1, WHOLE),
    (int32(0), int32(1), -1, WHOLE),
  ],
)
def test_the_loops_in_c_trust_no_share_and_no_interval(arguments):
  with pytest.raises(ValueError, match=r"make no sense|not within 0 to 2"):
    compiled().encode(*arguments)


@pytest.mark.parametrize(
  ("ends", "starts", "which", "state"),
  [
    (b"", int32(0), int32(0), (WHOLE, 0, 2)),
    (b"", b"", int32(0), (WHOLE, 0, 2)),
    (*TABLES, int32(1), (WHOLE, 0, 2)),
    (*TABLES, int32(-1), (WHOLE, 0, 2)),
    (*TABLES, int32(0), (WHOLE, WHOLE, 2)),
    (*TABLES, int32(0), (WHOLE + 1, 0, 2)),
    (*TABLES, int32(0), (1, 0, 2)),
    (*TABLES, int32(0), (0, 0, 2)),
    (*TABLES, int32(0), (WHOLE, 0, -1)),
    (*TABLES, int32(0), (WHOLE, 0, sys.maxsize)),
    (int32(0, 65536), int32(0, 4), int32(0), (WHOLE, 0, 2)),
    (int32(0, 65536), int32(0, 1, 2), int32(0), (WHOLE, 0, 2)),
    (int32(0, 65536), int32(0, 0, 2), int32(0), (WHOLE, 0, 2)),
    (int32(0, 65536), int32(0, -7, 2), int32(0), (WHOLE, 0, 2)),
    (int32(0, 65536), int32(0, 9, 2), int32(0), (WHOLE, 0, 2)),
    (int32(1, 65536), int32(0, 2), int32(0), (WHOLE, 0, 2)),
    (int32(0, 65535), int32(0, 2), int32(0), (WHOLE, 0, 2)),
    (int32(0, 9, 8, 65536), int32(0, 4), int32(0), (WHOLE, 0, 2)),
    (int32(0, -9, 8, 65536), int32(0, 4), int32(0), (WHOLE, 0, 2)),
  ],
)
def test_the_loops_in_c_trust_no_table(ends, starts, which, state):
  decode = compiled().decode
  with pytest.raises(ValueError, match=r"make no sense|no table of a number"):
    decode(b"abc", ends, starts, which, *state)


@hypothesis.given(st.data())
def test_the_loops_in_c_survive_any_bytes(data):
  """They may come to symbols or to a ValueError, and do both."""
  loops = compiled()
  numbers = st.lists(
    st.sampled_from([0, 1, 2, 3, 5, 32768, 65535, 65536, -1, 1 << 30]),
    max_size=6,
  ).map(lambda values: int32(*values))
  some = st.one_of(st.binary(max_size=9), numbers)
  wide = st.one_of(st.integers(0, WHOLE), st.integers(0, 2**64 - 1))
  ends, starts = data.draw(st.one_of(st.just(TABLES), st.tuples(some, some)))
  size, offset = data.draw(wide), data.draw(wide)
  which, taken = data.draw(some), data.draw(st.integers(-2, 9))
  outcomes = set()
  for call in (
    lambda: loops.decode(b"abc", ends, starts, which, size, offset, taken),
    lambda: loops.encode(ends, starts, offset, size),
    lambda: loops.decode(b"abc", *TABLES, int32(0), WHOLE, 5, 2),
  ):
    try:
      outcomes.add(type(call()))
    except ValueError as error:
      outcomes.add(type(error))
  assert tuple in outcomes <= {tuple, ValueError}


def test_the_source_compiles_without_a_warning():
  compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
  include = sysconfig.get_path("include")
  if not (shutil.which(compiler) and os.path.exists(f"{include}/Python.h")):
    pytest.skip("there is no C compiler with the headers of Python")
  source = ROOT / "tfpercept/codecs/bitstream/_range_coder.c"
  flags = "-fsyntax-only -Wall -Wextra -Werror -DPy_LIMITED_API=0x030A0000"
  done = subprocess.run(
    [compiler, *flags.split(), f"-I{include}", source],
    capture_output=True,
    text=True,
  )
  assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_environment_asks_for_the_loops_in_python():
  program = (
    "import sys; sys.argv = ['tfpercept']\n"
    "from tfpercept.codecs.bitstream import range_coder\n"
    "print(range_coder.is_compiled(), 'tensorflow' in sys.modules)"
  )

  def printed(**changes):
    return subprocess.run(
      [sys.executable, "-c", program],
      cwd=ROOT,
      env={**os.environ, **changes},
      check=True,
      capture_output=True,
      text=True,
    ).stdout.split()

  assert printed(TFPERCEPT_PURE="1") == ["False", "False"]
  compiled()
  assert printed(TFPERCEPT_PURE="0") == ["True", "False"]
