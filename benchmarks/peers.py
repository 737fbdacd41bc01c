"""The programs that distances are compared with, and their places."""

import contextlib
import dataclasses
import functools
import importlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from benchmarks.programs import Program, TensorFlowProgram
from benchmarks.torch_program import TorchProcess, TorchProgram
from tfpercept import distances


class Absent(Exception):  # noqa: N818 - a peer that is not here is no error
  """A peer that is not available; the message says why."""


@dataclasses.dataclass(frozen=True)
class Places:
  """Places of the peers.

  Args:
    watson: Folder of a checkout of SteffenCzolbe/PerceptualSimilarity, or "".
    perceptual_quality: Folder of a checkout of
      google-research/perceptual-quality, or "".
    lpips: Folder of a checkout of richzhang/PerceptualSimilarity; "" imports
      the installed package.
    torch_python: Path of a Python with PyTorch, or "".
    threads: Number of threads of every program.
    scratch: Folder for weights passed between programs.
  """

  watson: str
  perceptual_quality: str
  lpips: str
  torch_python: str
  threads: int
  scratch: pathlib.Path

  @functools.cached_property
  def torch(self) -> TorchProcess:
    """The process of the PyTorch peers, started when first asked for."""
    if not self.torch_python:
      raise Absent("needs --torch_python or PEER_TORCH_PYTHON")
    return TorchProcess(self.torch_python, self.threads)

  def folder(self, name: str, flag: str) -> str:
    """Returns a checkout's absolute path; Absent if it is not given."""
    path = getattr(self, name)
    if not path:
      raise Absent(f"needs --{flag} or PEER_{flag.upper()}")
    return os.path.abspath(path)

  @contextlib.contextmanager
  def in_use(self) -> Iterator[None]:
    """Ends the processes that were started meanwhile."""
    try:
      yield
    finally:
      if "torch" in vars(self):
        self.torch.close()


@dataclasses.dataclass(frozen=True)
class Match:
  """A distance of ours and the peer's, ready to run."""

  spec: str
  theirs: Program
  same: str | None
  """The spec of ours that gives the peer's own values, if there is one."""


@dataclasses.dataclass(frozen=True)
class Contest:
  """One comparison of a distance with a peer, as it is printed."""

  distance: str
  peer: str
  load: Callable[[Places], Match]
  shapes: tuple[str, ...] | None = None
  """Shapes to run at; None takes those of the flag."""

  def match(self, places: Places) -> Match:
    """Loads both sides.

    Raises:
      Absent: if one is not available.
    """
    name = self.distance.split("(")[0]
    if name not in distances.names():
      raise Absent(f"there is no distance named {name}")
    try:
      match = self.load(places)
      distances.get(match.spec)
    except (ImportError, FileNotFoundError, RuntimeError) as error:
      raise Absent(str(error)) from error
    return match


def _tf_image(name: str, places: Places) -> Match:
  del places
  similarity = {"ssim": tf.image.ssim, "ms_ssim": tf.image.ssim_multiscale}

  def distance(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    return 1 - similarity[name](reference, image, max_val=1.0)

  return Match(name, TensorFlowProgram(distance), name)


def _google(places: Places, module: str):
  folder = places.folder("perceptual_quality", "pq_dir")
  if folder not in sys.path:
    sys.path.insert(0, folder)
  return importlib.import_module(f"perceptual_quality.{module}")


def _google_nlpd(places: Places) -> Match:
  theirs = _google(places, "nlpd").nlpd

  def distance(reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(theirs(255 * reference, 255 * image), axis=-1)

  return Match("nlpd", TensorFlowProgram(distance), "nlpd")


def _google_pim(mixtures: int, places: Places) -> Match:
  """Matches both with the same random weights; trained ones are not public."""
  pim = _google(places, "pim")
  tf.random.set_seed(1)
  model = pim.PIM(pim.get_params(num_marginal_encoder_mixtures=mixtures))
  bands = model.frontend(tf.zeros((1, 32, 32, 3)))
  model.marginal_encoder(bands)
  model.joint_encoder(bands, bands)
  path = places.scratch / f"pim_{mixtures}.npz"
  weights = {f"{i:03}": w for i, w in enumerate(model.get_weights())}
  np.savez(path, **weights)
  spec = f"pim(weights={str(path)!r})"
  # With several components theirs is drawn anew by each call.
  return Match(spec, TensorFlowProgram(model), spec if mixtures == 1 else None)


def _czolbe_watson(transform: str, places: Places) -> Match:
  folder = places.folder("watson", "watson_dir")
  name = {"dct": "watson_dct", "fft": "watson_dft"}[transform]
  places.torch.ask("watson", name, folder, transform)
  weights = os.path.join(
    folder, "src", "loss", "weights", f"rgb_watson_{transform}_trial0.pth"
  )
  return Match(
    f"{name}(weights={weights!r})",
    TorchProgram(places.torch, name),
    f"{name}(weights={weights!r}, reference=True)",
  )


def _lpips(net: str, places: Places) -> Match:
  """Matches both with one random network under the authors' linear layers."""
  name, path = f"lpips_{net}", str(places.scratch / f"lpips_{net}.npz")
  folder = places.lpips and os.path.abspath(places.lpips)
  places.torch.ask("lpips", name, folder, net, path)
  spec = f"lpips(net={net!r}, weights={path!r})"
  return Match(spec, TorchProgram(places.torch, name), spec)


def _contest(distance, peer, load, *arguments, shapes=None) -> Contest:
  return Contest(distance, peer, functools.partial(load, *arguments), shapes)


CONTESTS = (
  _contest("ssim", "tf.image.ssim", _tf_image, "ssim"),
  _contest("ms_ssim", "tf.image.ssim_multiscale", _tf_image, "ms_ssim"),
  _contest("nlpd", "google NLPD", _google_nlpd),
  _contest("watson_dct", "Czolbe Watson-DCT", _czolbe_watson, "dct"),
  _contest("watson_dft", "Czolbe Watson-DFT", _czolbe_watson, "fft"),
  _contest('lpips(net="alex")', "LPIPS-Alex", _lpips, "alex"),
  _contest('lpips(net="vgg")', "LPIPS-VGG", _lpips, "vgg"),
  _contest('lpips(net="squeeze")', "LPIPS-Squeeze", _lpips, "squeeze"),
  _contest("pim", "google PIM-1", _google_pim, 1, shapes=("1x256x256x3",)),
  _contest(
    "pim(mixtures=5)", "google PIM-5", _google_pim, 5, shapes=("1x256x256x3",)
  ),
)
