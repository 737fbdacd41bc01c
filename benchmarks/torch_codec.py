"""CompressAI's codecs, for `torch_server`."""

import math
import time

import numpy as np
import torch
from compressai import models
from compressai.entropy_models import EntropyBottleneck
from compressai.layers import GDN
from compressai.models.utils import conv, deconv
from torch import nn

CLASSES = {
  "mbt2018-mean": models.MeanScaleHyperprior,
  "bmshj2018-hyperprior": models.ScaleHyperprior,
}
_CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
_NETWORKS = {
  "g_a": "analysis", "h_a": "hyper", "h_s": "hyper", "g_s": "synthesis"
}  # fmt: skip
_TRIES = 12
_CLOSE = 0.02


class Codec:
  """A model of CompressAI with random weights, run by CompressAI's code.

  Args:
    peer: CompressAI's name of the model, one of `CLASSES`.
    config: Configuration of our codec, whose widths are used.
    is_published: Whether to keep the widths that CompressAI derives from the
      first width and the latents.
  """

  def __init__(self, peer: str, config: dict, *, is_published: bool):
    torch.manual_seed(0)
    width, latents = config["widths"][0], config["latents"]
    self._net = CLASSES[peer](width, latents)
    if not is_published:
      _resize(self._net, config, has_means=peer == "mbt2018-mean")
    self._net.eval()
    self._net.update(force=True)
    self._seconds, self._clock, self._start = {}, time.perf_counter, 0.0
    for name, part in _NETWORKS.items():
      network = getattr(self._net, name)
      network.register_forward_pre_hook(self._begin)
      network.register_forward_hook(self._ender(part))

  def fit(
    self, picture: np.ndarray, bpp: float, deviations: np.ndarray
  ) -> float:
    """Scales latents so that files have about the wanted rate.

    Args:
      picture: Picture, uint8 `[H, W, 3]`, with sides that are multiples of 64.
      bpp: Wanted rate in bits per pixel.
      deviations: Relative standard deviations of the latents, `[latents]`.

    Returns:
      The rate of the files in bits per pixel.
    """
    self._picture = picture
    last = self._net.g_a[-1]
    scales = [m for m in self._net.h_s if isinstance(m, nn.Conv2d)][-1]
    with torch.inference_mode():
      y = self._net.g_a(_batch(picture))
      mean = y.mean(dim=(0, 2, 3))
      unit = torch.from_numpy(deviations.astype(np.float32)).clamp(min=1e-3)
      ratio = unit / y.std(dim=(0, 2, 3))
      weight, bias = last.weight.clone(), last.bias - mean
      low, high = 2.0**-8, 2.0**8
      for _ in range(_TRIES):
        factor = math.sqrt(low * high)
        last.weight.copy_(weight * (factor * ratio)[:, None, None, None])
        last.bias.copy_(bias * factor * ratio)
        scales.weight.zero_()
        scales.bias.zero_()
        scales.bias[: len(unit)] = factor * unit
        self.encode("wall")
        found = 8 * self._size() / picture[..., 0].size
        if abs(found / bpp - 1) < _CLOSE:
          break
        low, high = (factor, high) if found < bpp else (low, factor)
    return found

  def encode(self, clock: str) -> dict[str, float]:
    """Encodes the picture; returns seconds by part."""
    return self._timed(clock, self._encode)

  def decode(self, clock: str) -> dict[str, float]:
    """Decodes the encoded picture to uint8; returns seconds by part."""
    return self._timed(clock, self._decode)

  @property
  def network(self) -> nn.Module:
    """The model of CompressAI."""
    return self._net

  def compress(self, picture: np.ndarray) -> dict:
    """Returns the strings of a picture, uint8 `[H, W, 3]`, and their shape."""
    with torch.inference_mode():
      return self._net.compress(_batch(picture))

  def decompress(self, made: dict) -> np.ndarray:
    """Returns the picture of `compress`, uint8 `[H, W, 3]`."""
    with torch.inference_mode():
      x_hat = self._net.decompress(**made)["x_hat"]
      x_hat = (255 * x_hat[0].clamp(0, 1)).round().to(torch.uint8)
      return x_hat.permute(1, 2, 0).numpy()

  def _encode(self) -> None:
    self._made = self.compress(self._picture)

  def _decode(self) -> None:
    self.decompress(self._made)

  def _size(self) -> int:
    return sum(len(s) for strings in self._made["strings"] for s in strings)

  def _timed(self, clock: str, work) -> dict[str, float]:
    self._clock, self._seconds = _CLOCKS[clock], {}
    start = self._clock()
    with torch.inference_mode():
      work()
    seconds = self._clock() - start
    rest = seconds - sum(self._seconds.values())
    return {"all": seconds, **self._seconds, "coder": rest}

  def _begin(self, module: nn.Module, inputs: tuple) -> None:
    self._start = self._clock()

  def _ender(self, part: str):
    def end(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
      seconds = self._clock() - self._start
      self._seconds[part] = self._seconds.get(part, 0.0) + seconds

    return end


def _resize(net: nn.Module, config: dict, *, has_means: bool) -> None:
  """Gives a model our widths, in CompressAI's own layers."""
  a, b, c = config["widths"]
  latents, width = config["latents"], config["hyper_width"]
  hyper = config["hyper_latents"]
  activation = nn.LeakyReLU if has_means else nn.ReLU
  outputs = 2 * latents if has_means else latents
  net.entropy_bottleneck = EntropyBottleneck(hyper)
  net.g_a = nn.Sequential(
    *(conv(3, a), GDN(a), conv(a, b), GDN(b), conv(b, c), GDN(c)),
    conv(c, latents),
  )
  net.g_s = nn.Sequential(
    *(deconv(latents, c), GDN(c, inverse=True)),
    *(deconv(c, b), GDN(b, inverse=True)),
    *(deconv(b, a), GDN(a, inverse=True)),
    deconv(a, 3),
  )
  net.h_a = nn.Sequential(
    conv(latents, width, stride=1, kernel_size=3),
    activation(),
    conv(width, width),
    activation(),
    conv(width, hyper),
  )
  net.h_s = nn.Sequential(
    deconv(hyper, width),
    activation(),
    deconv(width, width),
    activation(),
    conv(width, outputs, stride=1, kernel_size=3),
  )


def _batch(picture: np.ndarray) -> torch.Tensor:
  return torch.from_numpy(picture).permute(2, 0, 1)[None].float().div(255)
