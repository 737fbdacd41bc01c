"""The learned codec: pictures to real bytes by a trained network.

It needs no TensorFlow: what is computed of symbols is the same everywhere, in
NumPy, and an engine (`engines`) runs the transforms.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs import base
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  channel_wise_parameters,  # noqa: F401 registers its entropy parameters
  coding_tables,
  engines,
  entropy_parameters,
  heads,
  model_ids,
  realism_head,
  selftest,
  stopwatch,
  symbol_coder,
  tiles,
)
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.offers import MAX_EFFORT, MODEL
from tfpercept.ops import codec_constants

_MOST_BETWEEN = 2.0
"""Ratio of the weights of distortion of neighbors in `qualities`, at most."""


@base.register("hyperprior")
class Hyperprior(base.Codec):
  """Codes pictures by a trained network, a hyperprior or another.

  It opens every model that `trainers.compression` wrote: all that differs from
  one network to another is stated by its entropy model. `learned` is another
  name of this codec in specs.

  Quality is 1 to the levels of the model, 8 as a rule, in steps of a sixteenth.
  Files are read by any machine to the same latents; the pictures made of them
  may differ by a few levels of 255 here and there from one machine to another.

  Args:
    model: A run folder, a model folder, or the name of a model that comes with
      the package.
    check: Whether to test that this machine computes exactly.
    effort: Number of rounds in which symbols are chosen for the very picture
      (`refinement`), if the entropy model allows it. Each takes a few times as
      long as decoding.
    max_pixels: Largest number of pixels of a picture; files that tell of more
      are corrupt. 2^27, which is the most, and the default, take 3 GB at
      most, and 4 GB with a realism head beside TensorFlow.
    realism: Strength of the realism head in decoded pictures, 0 to 1. 0 gives
      the faithful picture, which is nearest to the original. Above 0 a head
      adds details that are likely, and not known. Files do not depend on it.
    head: Folder or name of the head, which must be for this very model; by
      default the one that comes with the package for the model.
    engine: What runs the transforms: `numpy`, `tensorflow`, or `auto`, which
      takes NumPy where that can do what is asked for. Files of one are read by
      the other to the same latents.

  Raises:
    ValueError: if there is no such model, it is damaged, or an option is out
      of range.
    MissingLibrary: if TensorFlow is needed and not installed.
    selftest.WrongArithmetic: if this machine would read files wrongly.

  Source: Minnen, Ballé, Toderici, 2018; integers: Ballé, Johnston, Minnen,
  "Integer networks for data compression with latent-variable models", 2019.
  """

  suffix = ".tfp"
  bytes_per_pixel = (10, 12)
  bytes_at_once = (160, 4_500_000)

  def __init__(
    self,
    *,
    model: str = MODEL,
    check: bool = True,
    effort: int = 0,
    max_pixels: int = container.MAX_PIXELS,
    realism: float = 0.0,
    head: str = "",
    engine: str = engines.AUTO,
  ):
    self.model, self.check, self.effort = model, check, effort
    self.engine, self.realism, self.head = engine, realism, head
    _check_options(effort, max_pixels)
    heads.check_strength(realism)
    self.max_pixels = container.MAX_PIXELS  # of the picture of the test, too
    manifest = manifests.read(model)
    _refuse_generator(model, manifest)
    self._laid, kept = coding_tables.load(model, manifest)
    self._parameters = entropy_parameters.of_layout(self._laid, kept)
    self._coder = symbol_coder.SymbolCoder(kept, self._laid, self._parameters)
    self.identity = model_ids.identity(manifest)
    self.qualities = _ladder(model, self._laid.levels, manifest["config"])
    self._engine = engines.create(
      engine, model, manifest, self._laid, effort=effort
    )
    self._refinement = self._engine.refinement(effort) if effort else None
    if effort:
      objective = manifest.get("objective", "mse")
      self.refined_at_once = engines.refined_at_once(objective)
    if check:
      selftest.check(self, manifest)
    self.max_pixels = max_pixels
    self._head: realism_head.Head | None = None
    self.head_identity = ""  # names the head that takes part in pictures
    if realism:
      found = heads.find(self.identity, model, [head] if head else [])
      self.head_identity = heads.read(found)["sha256"]
      self._head = realism_head.Head(found, self._laid)
      self._patch, at_once = realism_head.PATCH, realism_head.BYTES_AT_ONCE
      if self._engine.keeps_memory:
        self._patch = realism_head.SMALL_PATCH
        size = at_once[0] + self.bytes_at_once[0]
        at_once = size, realism_head.PIXELS_OF_SMALL_PATCH
      self.bytes_at_once = at_once

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    return self.timed_compress(image, quality=quality)[0]

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    header = container.read_header(data).header
    return header.height, header.width

  def decompress(self, data: bytes) -> np.ndarray:
    return self.timed_decompress(data)[0]

  def timed_compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> tuple[bytes, dict[str, float]]:
    watch = stopwatch.Stopwatch()
    image = base.check_picture(image, self.spec)
    container.check_size(*image.shape[:2], max_pixels=self.max_pixels)
    step = self._step(quality)
    y, z = self._latents(image, step, watch)
    strings = self._coder.write(z, self._coded(image, y, z, step), watch)
    header = container.Header(
      codec=container.CODEC_IDS[self._laid.codec],
      model=self.identity,
      height=image.shape[0],
      width=image.shape[1],
      quality=step if len(self.qualities) > 1 else 0,
      grey=image.shape[2] == 1,
      integer=self._laid.has_side_information,
    )
    data = container.pack(header, strings)
    watch.lap("coder")
    return data, watch.seconds

  def timed_decompress(
    self, data: bytes
  ) -> tuple[np.ndarray, dict[str, float]]:
    if lossless_codec.is_lossless(data):
      return lossless_codec.Lossless(max_pixels=self.max_pixels).decompress(
        data
      ), {}
    watch = stopwatch.Stopwatch()
    header, picture = self._unpack(data)
    y_hat = self._coder.values(picture, watch)
    quality = picture.step / container.STEPS
    try:
      image = self._picture(y_hat, quality, picture.size)
    except FloatingPointError as error:
      raise base.CorruptStream(
        f"the latents are no picture's: {error}"
      ) from error
    if header.grey:
      image = _grey(image)
    watch.lap("synthesis")
    return image, watch.seconds

  def _picture(
    self, y_hat: np.ndarray, quality: float, size: tuple[int, int]
  ) -> np.ndarray:
    """Returns the picture of latents at the strength of the codec, uint8."""
    engine, head = self._engine, self._head
    if head is None:
      return tiles.synthesise(
        lambda y: engine.synthesis(y, quality), y_hat, size, halo=engine.halo
      )
    strength = self.realism * head.share(quality)
    return tiles.synthesise(
      lambda y: head.realistic(
        y, engine.synthesis(y, quality), quality, strength
      ),
      y_hat,
      size,
      halo=engine.halo + head.halo,
      patch=self._patch,
    )

  def symbols(self, data: bytes) -> dict[str, np.ndarray]:
    """Returns the symbols of a stream, which are the same on all machines.

    Args:
      data: Whole stream.

    Returns:
      `y`, int32 `[1, h, w, latents]`, and `z`, int32 `[1, h/4, w/4,
      hyper_latents]`, if there are hyper-latents.

    Raises:
      CorruptStream: as `decompress`.
    """
    return self._coder.symbols(self._unpack(data)[1])

  @property
  def hyper_latents(self) -> int:
    """Number of channels of the side information; 0 if there is none."""
    return self._laid.hyper_latents

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the whole numbers that follow from hyper-latents.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`, within 127.

    Returns:
      Int32 arrays by name, the same on all machines: of a mean-scale hyperprior
      `indexes` of scales, before the offset of the quality, and `means` in
      64ths of deviations, `[1, 4h, 4w, latents]`.
    """
    return self._parameters.integers(z)

  def estimated_bits(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> float:
    image = base.check_picture(image, self.spec)
    step = self._step(quality)
    y, z = self._latents(image, step, stopwatch.Stopwatch())
    return self._coder.bits(z, self._coded(image, y, z, step))

  def _coded(
    self, image: np.ndarray, y: np.ndarray, z: np.ndarray | None, step: int
  ) -> Iterator[symbol_coder.Coded]:
    """Yields each part of latents with its symbols, in order of coding.

    Args:
      image: Picture, uint8 `[H, W, 1 or 3]`.
      y: Latents of the picture, float32 `[1, h, w, latents]`, not scaled.
      z: Hyper-latents, int32; None if there are none.
      step: Quality in sixteenths.
    """
    color = np.broadcast_to(image, (*image.shape[:2], 3))
    _, height, width, _ = y.shape
    parts = self._parameters.parts((height, width), z, step)
    for part in parts:
      symbols = self._parameters.symbols(
        y[:, part.rows, :, part.channels], part.mean, step, part.channels
      )
      if self._refinement:
        symbols = self._refinement(
          color, y, part.rows, (symbols, part.index, part.mean),
          self._parameters.inverse(step), step / container.STEPS,
        )  # fmt: skip
      yield part, symbols
      parts.tell(symbols)

  def _step(self, quality: float | None) -> int:
    """Returns the quality in sixteenths; the middle one by default."""
    levels = self._laid.levels
    if quality is None:
      quality = (1 + levels) / 2
    if not 1 <= quality <= levels:
      raise ValueError(
        f"{self.spec} has qualities from 1 to {levels}; got {quality}"
      )
    return round(quality * container.STEPS)

  def _latents(
    self, image: np.ndarray, step: int, watch: stopwatch.Stopwatch
  ) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns y, float32 `[1, h, w, C]`, and z, int32 `[1, h/4, w/4, C']`."""
    size = self._coder.size(*image.shape[:2])
    quality, stride = step / container.STEPS, codec_constants.STRIDE
    color = np.broadcast_to(image, (*image.shape[:2], 3))
    y = tiles.analyse(
      lambda x: self._engine.analysis(x, quality),
      color,
      (size[0] * stride, size[1] * stride),
      halo=self._engine.halo,
    )
    watch.lap("analysis")
    if not self._laid.has_side_information:
      return y, None
    z = tiles.hyper_analyse(
      lambda y: self._engine.hyper_analysis(y, quality),
      y,
      ratio=self._laid.ratio,
      halo=self._engine.analysis_halo,
    )
    limit = codec_constants.SYMBOL_LIMIT
    z = np.round(z).clip(-limit, limit).astype(np.int32)
    watch.lap("hyper")
    return y, z

  def _unpack(
    self, data: bytes
  ) -> tuple[container.Header, symbol_coder.Picture]:
    """Returns header and strings; raises CorruptStream."""
    header, strings = container.unpack(
      data,
      codec=container.CODEC_IDS[self._laid.codec],
      model=self.identity,
      symbols=self._coder.counts,
      max_pixels=self.max_pixels,
    )
    levels, step = self._laid.levels, header.quality
    if levels == 1 and step == 0:
      step = container.STEPS
    elif levels == 1 or not 1 <= step / container.STEPS <= levels:
      raise base.CorruptStream(
        f"a quality of {step / container.STEPS:g}; the model has "
        + (f"1 to {levels}" if levels > 1 else "one rate, which is 0")
      )
    if header.integer != self._laid.has_side_information:
      raise base.CorruptStream(
        "a hyper-synthesis in "
        + ("whole numbers" if header.integer else "floating point")
        + ", which the model has not"
      )
    size = header.height, header.width
    return header, symbol_coder.Picture(size, step, strings)


def _check_options(effort: int, max_pixels: int) -> None:
  if type(effort) is not int or not 0 <= effort <= MAX_EFFORT:
    raise ValueError(f"effort is 0 to {MAX_EFFORT} rounds; got {effort!r}")
  if not 1 <= max_pixels <= container.MAX_PIXELS:
    raise ValueError(
      f"max_pixels is 1 to {container.MAX_PIXELS}; got {max_pixels}"
    )


def _refuse_generator(model: str, manifest: Mapping[str, Any]) -> None:
  """Raises ValueError for a model whose files hold a generator's latent."""
  if manifest.get(model_ids.BITSTREAM) == "inversion":
    raise ValueError(
      f"{model} holds a {manifest['model']}, which is a generator; code with "
      f"it by inversion(model={model!r})"
    )


def _grey(picture: np.ndarray) -> np.ndarray:
  """Returns the rounded mean of three channels, uint8 `[H, W, 1]`."""
  grey = np.empty((*picture.shape[:2], 1), np.uint8)
  for top, bottom in tiles.spans(len(picture), tiles.heights(*grey.shape[:2])):
    total = picture[top:bottom].sum(axis=-1, keepdims=True, dtype=np.uint16)
    grey[top:bottom] = (total + 1) // 3
  return grey


def _ladder(
  model: str, levels: int, config: Mapping[str, Any]
) -> tuple[float, ...]:
  """Returns the qualities that show a model's rates, rising.

  They are the whole ones, and those halfway where the weight of distortion
  more than doubles from one to the next: BD-rates need points close to each
  other.

  Args:
    model: Folder or name of the model, for messages.
    levels: Largest quality.
    config: Config of the network, with its range of lambda if it has one.

  Raises:
    ValueError: if the range is not two rising numbers above 0.
  """
  steps = 1
  if levels > 1 and "lmbda" in config:
    low, high = _range(model, config["lmbda"])
    steps += (high / low) ** (1.0 / (levels - 1)) > _MOST_BETWEEN
  return tuple(1.0 + place / steps for place in range(steps * (levels - 1) + 1))


def _range(model: str, lmbda: Any) -> tuple[float, float]:
  """Returns the ends of a range of lambda; raises ValueError for damage."""
  if isinstance(lmbda, list) and len(lmbda) == 2:
    low, high = lmbda
    are_numbers = all(type(end) in (int, float) for end in lmbda)
    if are_numbers and 0 < low <= high <= sys.float_info.max:
      return low, high
  raise ValueError(
    f"{model} is damaged: lmbda in its config should be two finite numbers "
    f"above 0, the smaller one first; got {lmbda!r:.80}. Copy the whole model "
    "folder again"
  )
