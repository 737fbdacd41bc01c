"""Settings and fixtures of all tests."""

import contextlib
import os
import pathlib

# Read when TensorFlow is imported, so they come first, and passed on to the
# processes that tests start. Level 3 hides notes about absent GPU libraries.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
# All that a test computes is the processor's, also where there is a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Tests use no network: weights that are not here are missing.
os.environ.setdefault("TFPERCEPT_OFFLINE", "1")

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from tensorflow.python.framework import ops

from tests.browser import browser  # noqa: F401 (a fixture)
from tfpercept import weights

ROOT = pathlib.Path(__file__).parents[1]

with contextlib.suppress(ImportError):  # where only the wheel is tested
  import hypothesis

  # The same examples each time, and no deadline: the machine may be busy.
  hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
  )
  hypothesis.settings.load_profile("repeatable")

# TF32 keeps 10 bits of mantissa, fewer than our tolerances ask for.
tf.config.experimental.enable_tensor_float_32_execution(False)


def pytest_collection_modifyitems(items):
  # `test_session` is a context manager that tf.test.TestCase brings along.
  items[:] = [i for i in items if i.originalname != "test_session"]


@pytest.fixture(autouse=True)
def _seeds():
  """Gives each test the same random numbers, whatever ran before it.

  Those of Python and of NumPy, of TensorFlow and of Keras' initializers.
  """
  keras.utils.set_random_seed(1)


@pytest.fixture(autouse=True, scope="module")
def _graphs_end_with_their_module():
  """Lets go of the graphs of a module, or a run of all takes 10 GB.

  TensorFlow keeps what each trace of a custom gradient refers to, its whole
  graph, for as long as the process lives.
  """
  kept = ops.gradient_registry._registry
  before = set(kept)
  yield
  for name in set(kept) - before:
    if name.startswith("CustomGradient-"):
      del kept[name]
  keras.backend.clear_session()


@pytest.fixture
def apart_flags(monkeypatch) -> flags.FlagValues:
  """Flags that are defined in a test, apart from those of programs."""
  values = flags.FlagValues()
  for name in (n for n in dir(flags) if n.startswith("DEFINE_")):
    define = getattr(flags, name)

    def defined(*arguments, define=define, **options):
      return define(*arguments, flag_values=values, **options)

    monkeypatch.setattr(flags, name, defined)
  return values


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
  _absent(
    f"{path} has no golden/ and data/; set TFPERCEPT_SHARED to the folder that"
    " holds them"
  )


@pytest.fixture(scope="session")
def photograph():
  """Makes pictures like photographs, where no package has any.

  Their amplitudes fall as one over frequency, and channels are much alike.
  """

  def make(height: int, width: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = random.normal(size=(height, width, 3))
    noise += 2 * noise.mean(axis=-1, keepdims=True)
    rows, columns = np.fft.fftfreq(height), np.fft.fftfreq(width)
    frequency = np.hypot(rows[:, None], columns)[..., None]
    frequency[0, 0] = np.inf  # no mean
    field = np.fft.ifft2(
      np.fft.fft2(noise, axes=(0, 1)) / frequency, axes=(0, 1)
    )
    field = field.real / field.real.std()
    return np.clip(128 + 50 * field, 0, 255).astype(np.uint8)

  return make


@pytest.fixture(scope="session")
def weights_or_skip():
  """A context in which missing weights skip the test.

  They fail it where TFPERCEPT_REQUIRE_SHARED=1.
  """

  @contextlib.contextmanager
  def context():
    try:
      yield
    except weights.MissingWeights as error:
      _absent(str(error))

  return context


def _absent(message):
  if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
    pytest.fail(message)
  pytest.skip(message)
