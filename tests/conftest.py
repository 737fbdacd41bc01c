"""Settings and fixtures of all tests."""

import os
import pathlib

# Read when TensorFlow is imported, so they come first, and passed on to the
# processes that tests start. Level 3 hides notes about absent GPU libraries.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import numpy as np
import pytest
import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[1]

# TF32 keeps 10 bits of mantissa, fewer than our tolerances ask for.
tf.config.experimental.enable_tensor_float_32_execution(False)


def pytest_collection_modifyitems(items):
  # `test_session` is a context manager that tf.test.TestCase brings along.
  items[:] = [i for i in items if i.originalname != "test_session"]


@pytest.fixture(autouse=True)
def _seeds():
  """Gives each test the same random numbers, whatever ran before it."""
  np.random.seed(1)
  tf.random.set_seed(1)


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
  """The folder with `golden/` and `data/`, too large for this repository.

  It is `$TFPERCEPT_SHARED`, or `shared` beside the repository. Without it the
  test is skipped, or fails where TFPERCEPT_REQUIRE_SHARED=1, as in `.ci/run`.
  """
  path = pathlib.Path(
    os.environ.get("TFPERCEPT_SHARED") or ROOT.parent / "shared"
  )
  if (path / "golden").is_dir() and (path / "data").is_dir():
    return path.absolute()
  message = (
    f"{path} has no golden/ and data/; set TFPERCEPT_SHARED to the folder that"
    " holds them"
  )
  if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
    pytest.fail(message)
  pytest.skip(message)
