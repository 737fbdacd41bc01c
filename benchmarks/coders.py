"""Learned codecs with one interface for timing, ours and CompressAI's."""

import abc
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from benchmarks import timing, torch_program
from tfpercept import models
from tfpercept.codecs.learned import learned_codec, model_writer
from tfpercept.models.compression import transform_codec

ALL = "all"
SHOWN = {
  "encode": ("analysis", "hyper", "coder"),
  "decode": ("hyper", "coder", "synthesis"),
}
"""Parts of both directions. `coder` is range coding; for CompressAI it is all
that is no network. Our `hyper` includes rounding and the choice of tables."""
PARTS = (ALL, "analysis", "hyper", "coder", "synthesis")
WIDE = "base"
"""Size of CompressAI's published models of low and middle rates."""

Run = dict[str, float]
"""Seconds by part."""


class Coder(abc.ABC):
  """A codec and a picture, to be timed.

  Attributes:
    name: Name in tables.
    widths: Channels of the transforms, for tables.
    bpp: Bits of the file for each pixel.
  """

  name: str
  widths: str
  bpp: float

  @abc.abstractmethod
  def encode(self) -> Run:
    """Encodes the picture to bytes."""

  @abc.abstractmethod
  def decode(self) -> Run:
    """Decodes those bytes to uint8 pixels."""


class Ours(Coder):
  """A learned codec of this package.

  Args:
    model: Name of a shipped model, or a folder.
    picture: Picture, uint8 `[H, W, 3]`.
    quality: Quality of the encoding.
    clock: Name of a clock, one of `timing.CLOCKS`.
  """

  def __init__(
    self, model: str, picture: np.ndarray, quality: float, clock: str
  ):
    self._codec = learned_codec.Hyperprior(model=model, engine="tensorflow")
    self.picture, self._quality = picture, quality
    self._clock = timing.CLOCKS[clock]
    self.config = models.read_manifest(model)["config"]
    self.name = f"ours, {pathlib.Path(model).name}"
    self.widths = _widths(self.config)
    if self.config.get("blocks"):
      self.widths += f", {self.config['blocks']} residual blocks"
    self._data = self._codec.compress(picture, quality=quality)
    self.bpp = 8 * len(self._data) / picture[..., 0].size

  def deviations(self) -> np.ndarray:
    """Returns the standard deviation of each latent's symbols, `[latents]`."""
    return self._codec.symbols(self._data)["y"].std(axis=(0, 1, 2))

  def encode(self) -> Run:
    start = self._clock()
    self._data, parts = self._codec.timed_compress(
      self.picture, quality=self._quality
    )
    return self._run(self._clock() - start, parts)

  def decode(self) -> Run:
    start = self._clock()
    _, parts = self._codec.timed_decompress(self._data)
    return self._run(self._clock() - start, parts)

  def _run(self, seconds: float, parts: Mapping[str, float]) -> Run:
    # The codec times its parts by the wall clock; only their shares are used.
    scale = seconds / sum(parts.values())
    return {ALL: seconds, **{part: scale * s for part, s in parts.items()}}


class Theirs(Coder):
  """A codec of CompressAI with random weights, in its own process.

  Args:
    process: Process with CompressAI.
    peer: CompressAI's name of the model.
    ours: Our codec, which gives the widths, the picture and the rate to match.
    clock: Name of a clock, one of `timing.CLOCKS`.
  """

  def __init__(
    self,
    process: torch_program.TorchProcess,
    peer: str,
    ours: Ours,
    clock: str,
  ):
    self._process, self._clock = process, clock
    config = ours.config
    is_wide = _widths(config) == _widths(transform_codec.SIZES[WIDE])
    self._key = f"{peer} {_widths(config)}"
    self.name = f"CompressAI `{peer}`"
    self.widths = _widths(config)
    process.ask("codec", self._key, peer, config, is_wide)
    self.bpp = process.ask(
      "codec_fit", self._key, ours.picture, ours.bpp, ours.deviations()
    )

  def encode(self) -> Run:
    return self._process.ask("codec_encode", self._key, self._clock)

  def decode(self) -> Run:
    return self._process.ask("codec_decode", self._key, self._clock)


def save_untrained(folder: pathlib.Path, picture: np.ndarray, size: str) -> str:
  """Writes a codec of layers that CompressAI has too; returns its folder.

  Its transforms start from the KLT of the picture's blocks, so its latents are
  like those of a trained codec.

  Args:
    folder: Folder to write; its name is that of the codec in tables.
    picture: Picture, uint8 `[H, W, 3]`.
    size: One of `transform_codec.SIZES`.
  """
  network = models.MeanScaleHyperprior(**transform_codec.SIZES[size], blocks=0)
  network.build()
  pixels = picture[: picture.shape[0] // 16 * 16, : picture.shape[1] // 16 * 16]
  blocks = tf.nn.space_to_depth(pixels[None] / np.float32(255), 16)
  network.start(blocks.numpy().reshape(-1, 16, 16, 3))
  model_writer.save(network, folder)
  return str(folder)


def _widths(config: dict) -> str:
  return "-".join(str(n) for n in (*config["widths"], config["latents"]))
