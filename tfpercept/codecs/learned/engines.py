"""What runs the transforms of the learned codec.

An engine is one way to compute analysis, hyper-analysis and synthesis. All else
is the codec's own, the same with every engine: entropy parameters, which must
be exact, symbols and files.
"""

import abc
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfpercept import offers
from tfpercept.codecs import base
from tfpercept.codecs.learned import layout
from tfpercept.io import files

AUTO, NUMPY, TENSORFLOW = offers.ENGINES
_MODULES = {NUMPY: "numpy_engine", TENSORFLOW: "tensorflow_engine"}
# Pixels that a refinement has at once in a picture of 16,000 columns: its
# `PIXELS`, and 4 latents above and below them.
_REFINED = 2_600_000
_BYTES_OF_MSE, _BYTES_OF_OTHERS = 560, 1000

Refinement = Callable[..., np.ndarray]
"""Function that chooses symbols, with the arguments of
`refinement.Refinement.__call__`."""


def refined_at_once(objective: str) -> tuple[int, int]:
  """Returns `Codec.refined_at_once`, of the gradient above all.

  The figures are above those of squared errors and of MS-SSIM, for pictures of
  up to 16,000 columns (`tests.codecs.memory --codec='hyperprior(effort=1)'`).

  Args:
    objective: Spec of the distance that the model was trained for.
  """
  size = _BYTES_OF_MSE if objective == "mse" else _BYTES_OF_OTHERS
  return size, _REFINED


class Unfit(ValueError):  # noqa: N818 what the model is
  """A model that an engine cannot run."""


class Engine(abc.ABC):
  """Base of engines. Transforms take and return float32 arrays of one picture.

  Args:
    model: Run folder, model folder or name of the model.
    manifest: Manifest of the model.
    laid: Layout of what the model codes with.

  Attributes:
    halo: Most latents beyond its own that a pixel of the synthesis sees; a
      latent of the analysis sees so many times 16 pixels.
    analysis_halo: Number of latents beyond its own that a hyper-latent depends
      on, rounded up to a multiple of the ratio.

  Raises:
    Unfit: if the engine cannot run the model.
    ValueError: if the model is damaged.
  """

  halo: int
  analysis_halo: int
  keeps_memory: bool = False
  """Whether what transforms took stays taken, so that other work beside them
  needs memory of its own."""

  @abc.abstractmethod
  def __init__(
    self,
    model: files.PathLike,
    manifest: Mapping[str, Any],
    laid: layout.Layout,
  ):
    pass

  @abc.abstractmethod
  def analysis(self, x: np.ndarray, quality: float) -> np.ndarray:
    """Returns latents, `[1, H/16, W/16, latents]`, not scaled.

    Args:
      x: Picture in [0, 1], `[1, H, W, 3]`, sides multiples of 16.
      quality: Quality, 1 or more.
    """

  @abc.abstractmethod
  def hyper_analysis(self, y: np.ndarray, quality: float) -> np.ndarray:
    """Returns hyper-latents, `[1, h/4, w/4, hyper_latents]`, not rounded.

    Args:
      y: Latents, `[1, h, w, latents]`, sides multiples of 4, not scaled.
      quality: Quality, 1 or more.
    """

  @abc.abstractmethod
  def synthesis(self, y_hat: np.ndarray, quality: float) -> np.ndarray:
    """Returns a picture, `[1, 16 h, 16 w, 3]`, not clipped.

    Args:
      y_hat: Decoded latents, `[1, h, w, latents]`, not scaled.
      quality: Quality, 1 or more.
    """

  def refinement(self, rounds: int) -> Refinement:
    """Returns what chooses symbols for a picture.

    Args:
      rounds: Number of rounds, above 0.

    Raises:
      ValueError: if the engine or the model cannot do so.
    """
    del rounds
    raise ValueError(
      f"effort needs the engine {TENSORFLOW!r}. Leave effort at 0, or use "
      f"{AUTO!r}"
    )


def create(
  name: str,
  model: files.PathLike,
  manifest: Mapping[str, Any],
  laid: layout.Layout,
  *,
  effort: int = 0,
) -> Engine:
  """Returns the engine of a name.

  Args:
    name: One of `offers.ENGINES`. `auto` takes NumPy where that can do what is
      asked for, or else TensorFlow.
    model: Run folder, model folder or name of the model.
    manifest: Manifest of the model.
    laid: Layout of what the model codes with.
    effort: Number of rounds that choose symbols, which TensorFlow alone does.

  Raises:
    ValueError: if there is no such engine, it cannot do what is asked for, or
      the model is damaged.
    MissingLibrary: if it needs TensorFlow, which is not installed.
  """
  if name not in offers.ENGINES:
    raise ValueError(f"engines are {', '.join(offers.ENGINES)}; got {name!r}")
  if name == AUTO:
    name = TENSORFLOW if effort else NUMPY
    try:
      return _module(name).create(model, manifest, laid)
    except Unfit:
      name = TENSORFLOW
  return _module(name).create(model, manifest, laid)


def _module(name: str) -> Any:
  """Imports the module of an engine, which may bring TensorFlow."""
  try:
    return importlib.import_module(f"tfpercept.codecs.learned.{_MODULES[name]}")
  except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("tensorflow", "keras"):
      raise
    raise base.MissingLibrary(
      "this needs TensorFlow, which is not installed: pip install "
      "'tfpercept[compression]', which has releases for Python up to 3.11"
    ) from error
