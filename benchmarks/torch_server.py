"""Serves the PyTorch peers to `torch_program`, over standard input and output.

It runs in an interpreter with PyTorch and without tfpercept. Requests and
answers are pickles; an answer is a pair of an error message, or None, and a
result.
"""

import importlib
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import torchvision_skeleton

Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Server:
  """Answers requests, each by the method of its name."""

  def __init__(self):
    self._distances: dict[str, Distance] = {}
    self._pictures: tuple[torch.Tensor, ...] = ()
    self._codecs = {}

  def start(self, threads: int) -> str:
    """Sets the number of threads and returns PyTorch's version."""
    torch.set_num_threads(threads)
    return str(torch.__version__)

  def watson(self, name: str, folder: str, transform: str) -> None:
    """Loads Watson's distance with its released parameters for RGB."""
    source = os.path.join(folder, "src", "loss")
    sys.path.insert(0, source)
    if not hasattr(torch, "rfft"):  # left PyTorch with version 1.8
      torch.rfft = lambda x, signal_ndim: torch.view_as_real(torch.fft.rfft2(x))
    module, cls = {
      "dct": ("watson", "WatsonDistance"),
      "fft": ("watson_fft", "WatsonDistanceFft"),
    }[transform]
    single = getattr(importlib.import_module(module), cls)
    wrapper = importlib.import_module("color_wrapper").ColorWrapper
    model = wrapper(single, (), {"reduction": "none"})
    file = os.path.join(source, "weights", f"rgb_watson_{transform}_trial0.pth")
    model.load_state_dict(torch.load(file, weights_only=True))
    model.requires_grad_(False)
    self._distances[name] = lambda r, i: model(i, r)

  def lpips(self, name: str, folder: str | None, net: str, out: str) -> None:
    """Loads LPIPS on a random backbone and writes its weights to an .npz.

    Random, because the real backbones come through torchvision, which not every
    PyTorch has a build of. Time does not depend on them.
    """
    torchvision_skeleton.install()
    if folder:
      sys.path.insert(0, folder)
    torch.manual_seed(0)
    package = importlib.import_module("lpips")
    model = package.LPIPS(net=net, pnet_rand=True, verbose=False)
    model.requires_grad_(False)
    arrays = {}
    for key, value in model.state_dict().items():
      part, *rest = key.split(".")
      if part == "net":  # net.slice1.0.weight -> features.0.weight
        arrays[".".join(["features", *rest[1:]])] = value.numpy()
      elif part.startswith("lin") and part != "lins":
        arrays[key] = value.numpy()
    np.savez(out, **arrays)
    self._distances[name] = lambda r, i: model(i, r, normalize=True)

  def codec(
    self, name: str, peer: str, config: dict, is_published: bool
  ) -> None:
    """Loads a codec of CompressAI, from `torch_codec`, under a name."""
    torchvision_skeleton.install()
    module = importlib.import_module("benchmarks.torch_codec")
    self._codecs[name] = module.Codec(peer, config, is_published=is_published)

  def codec_fit(
    self, name: str, picture: np.ndarray, bpp: float, deviations: np.ndarray
  ) -> float:
    """Gives a codec a picture and a wanted rate; returns the rate it has."""
    return self._codecs[name].fit(picture, bpp, deviations)

  def codec_encode(self, name: str, clock: str) -> dict[str, float]:
    """Returns the seconds of encoding by part."""
    return self._codecs[name].encode(clock)

  def codec_decode(self, name: str, clock: str) -> dict[str, float]:
    """Returns the seconds of decoding by part."""
    return self._codecs[name].decode(clock)

  def pictures(self, reference: np.ndarray, image: np.ndarray) -> None:
    """Keeps the pair to compare, `[N, H, W, 3]`."""
    self._pictures = tuple(
      torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
      for x in (reference, image)
    )

  def call(self, name: str, gradient: bool) -> np.ndarray:
    """Returns the values `[N]`; computes the gradient too if asked to."""
    distance = self._distances[name]
    reference, image = self._pictures
    if not gradient:
      with torch.no_grad():
        return distance(reference, image).flatten().numpy()
    image = image.detach().requires_grad_(True)
    value = distance(reference, image)
    value.sum().backward()
    return value.detach().flatten().numpy()


def main() -> None:
  answers = os.fdopen(os.dup(1), "wb")
  os.dup2(2, 1)  # what the peers print goes elsewhere
  server = Server()
  while True:
    try:
      request, arguments = pickle.load(sys.stdin.buffer)
    except EOFError:
      return
    pickle.dump(_answer(getattr(server, request), arguments), answers)
    answers.flush()


def _answer(method: Callable[..., Any], arguments: tuple) -> tuple:
  try:
    return None, method(*arguments)
  # Whatever fails in a peer is told to the parent, which leaves that peer out.
  except Exception as error:  # noqa: BLE001
    return f"{type(error).__name__}: {error}", None


if __name__ == "__main__":
  main()
