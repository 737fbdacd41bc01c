"""The codec whose files hold the latent of a generator."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpercept import manifests
from tfpercept.codecs import base
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.inversion import (
  latent_tables,
  picture_channels,
  residual_layer,
  tile_grid,
)
from tfpercept.codecs.learned import model_ids
from tfpercept.codecs.lossless import lossless_codec

if TYPE_CHECKING:
  from tfpercept.codecs.inversion import generator_engine, latent_search

BITSTREAM = "inversion"
"""Name of the bitstream."""
MAX_PIXELS = 2**24
_AT_ONCE = 64  # squares that are searched for, or decoded, together


@base.register("inversion")
class Inversion(base.Codec):
  """Stores the latent of a generator, which makes the picture again.

  Decoding is one pass of the generator. Encoding is a search for the latent;
  generators with an encoder, such as principal components, begin with its
  latent, and by default end with it. A file has 18 bytes beside the latent, 21
  where a side has 128 pixels or more and the latent 128 bytes or more. Pictures
  of other sizes than the generator's are covered by squares that overlap, each
  with its latent.

  What the generator cannot make is lost, unless a file has a residual layer, a
  second string that decoding adds to the generator's picture. Such files need
  not grow with the quality, since better latents leave less of a residual, so
  targets are refused.

  Quality is 1 to the number of the generator's quantizer steps. A file's
  symbols are the same on all machines, and pixels the same within a level.

  Args:
    model: A run folder of `trainers.gan`, a model folder, or the name of a
      model that comes with the package. There is no default.
    steps: Number of steps of the search; None takes 0 where the generator has
      an encoder, and 300 where it has none.
    restarts: Number of starts that are followed at once.
    objective: Spec of the distance that is minimized; None takes
      `0.84*ms_ssim + 0.16*mae` with as many scales as fit.
    seconds: Most seconds of a search by the clock; None for any number.
    target: Value of the objective at which a search ends; None for none.
    residual: Quantizer step of the residual layer in levels of 255, 8 to 256,
      rounded to `residual_layer.STEPS`; None writes no layer.
    seed: Seed of the starts.
    max_pixels: Largest number of pixels of a picture; files that tell of more
      are corrupt.

  Raises:
    ValueError: if there is no such model, it is damaged or of another kind, or
      an option is out of range.
    MissingLibrary: if TensorFlow is not installed.

  Source: Creswell, Bharath, "Inverting the generator of a generative
  adversarial network", 2018; as a codec: Santurkar, Budden, Shavit, "Generative
  compression", 2018.
  """

  searches: bool
  """Whether encoding is a search, and not the encoder's latent alone."""
  progress: Callable[[int, int, float], None] | None
  """Function that a search calls after each step with the steps taken, the
  steps in all and the largest of the best values of all pictures."""

  suffix = ".tfp"
  bytes_per_pixel = (80, 88)

  def __init__(
    self,
    *,
    model: str | None = None,
    steps: int | None = None,
    restarts: int = 4,
    objective: str | None = None,
    seconds: float | None = None,
    target: float | None = None,
    residual: float | None = None,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
  ):
    self.model, self.steps, self.restarts = model, steps, restarts
    self.objective, self.seconds, self.target = objective, seconds, target
    self.residual, self.seed, self.max_pixels = residual, seed, max_pixels
    if residual is not None:
      self._residual = residual_layer.nearest(residual)
      self.rises_with_quality = False
    if model is None:
      raise ValueError(
        "inversion needs a generator; name one by inversion(model='RUN')"
      )
    if not 1 <= max_pixels <= MAX_PIXELS:
      raise ValueError(f"max_pixels is 1 to {MAX_PIXELS}; got {max_pixels}")
    manifest = manifests.read(model)
    if not is_generator(manifest):
      raise ValueError(
        f"{model} holds a {manifest['model']}, which is no generator; give a "
        "folder that trainers.gan wrote"
      )
    self._coding = latent_tables.load(model, manifest)
    self.identity = model_ids.identity(manifest)
    levels, latents = self._coding.indexes.shape
    self.qualities = tuple(float(q) for q in range(1, levels + 1))
    self._engine: generator_engine.Engine = _engine().Engine(model, latents)
    taken = self._engine.default_steps() if steps is None else steps
    self.searches = taken > 0
    self._search = self._engine.search(
      steps=taken, restarts=restarts, objective=objective, seconds=seconds,
      target=target, seed=seed,
    )  # fmt: skip
    self.progress = None

  @property
  def side(self) -> int:
    """Side of the generator's pictures."""
    return self._engine.image_shape[0]

  @property
  def latent(self) -> int:
    """Number of latents of a square."""
    return self._coding.indexes.shape[1]

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    return self.compress_all([image], quality=quality)[0]

  def compress_all(
    self, images: Sequence[np.ndarray], *, quality: float | None = None
  ) -> list[bytes]:
    """Returns the files of pictures, which are searched for at once.

    A search of many takes less time than many searches.

    Args:
      images: Pictures, as `compress` takes them.
      quality: Quality, as `compress` takes it.

    Raises:
      ValueError: as `compress`.
    """
    sixteenths = self._sixteenths(quality)
    checked = [self._checked(image) for image in images]
    found = self._symbols(checked, sixteenths)
    return [
      container.pack(
        container.Header(
          codec=container.CODEC_IDS[BITSTREAM],
          model=self.identity[: 4 if self.residual is None else 8],
          height=image.shape[0],
          width=image.shape[1],
          quality=sixteenths,
          grey=image.shape[2] == 1,
        ),
        self._strings(image, symbols, sixteenths),
      )
      for image, symbols in zip(checked, found, strict=True)
    ]

  def decompress(self, data: bytes) -> np.ndarray:
    if lossless_codec.is_lossless(data):
      return lossless_codec.Lossless(max_pixels=self.max_pixels).decompress(
        data
      )
    header, symbols, more = self._unpack(data)
    size, channels = (header.height, header.width), 1 if header.grey else 3
    made = self._made(symbols, size, header.quality)
    if not np.isfinite(made).all():
      raise base.CorruptStream("the latents are no picture's")
    if not more:
      levels = picture_channels.levels(made)
      return picture_channels.of_levels(levels, channels)
    (string,) = more
    rest = residual_layer.read(string, *size, channels)
    own = picture_channels.predicted(made, channels)
    return picture_channels.levels((own + rest) / 255)

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    header = container.read_header(data).header
    return header.height, header.width

  def symbols(self, data: bytes) -> np.ndarray:
    """Returns the symbols of a file, int32 `[squares, latent]`.

    Raises:
      CorruptStream: as `decompress`.
    """
    return self._unpack(data)[1]

  def estimated_bits(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> float:
    sixteenths, image = self._sixteenths(quality), self._checked(image)
    (symbols,) = self._symbols([image], sixteenths)
    vectors = symbols.reshape(-1, self._coding.indexes.shape[1])
    bits = self._coding.bits(vectors, self._level(sixteenths)).sum()
    more = self._strings(image, symbols, sixteenths)[1:]
    return float(bits) + sum(8 * len(string) for string in more)

  def trajectory(
    self,
    image: np.ndarray,
    *,
    at: tuple[int, ...] = (100, 1000),
    quality: float | None = None,
  ) -> latent_search.Found:
    """Searches for the latent of one picture, and keeps what it saw.

    Args:
      image: Picture of the generator's size, uint8 `[side, side, 1 or 3]`.
      at: Numbers of steps after which the best picture so far is kept.
      quality: Quality, as `compress` takes it.

    Raises:
      ValueError: if the picture has another size.
    """
    image = self._checked(image)
    if image.shape[:2] != (self.side, self.side):
      raise ValueError(
        f"a trajectory is of {self.side}x{self.side} pixels; got "
        f"{image.shape[1]}x{image.shape[0]}"
      )
    squares, sixteenths = self._squares(image), self._sixteenths(quality)
    (found,) = self._found(squares, sixteenths, keep=at)
    return found

  def _symbols(
    self, images: Sequence[np.ndarray], sixteenths: int
  ) -> list[np.ndarray]:
    """Returns the symbols of all squares of each picture, int32."""
    squares = [self._squares(image) for image in images]
    every = np.concatenate(squares)
    found: list[np.ndarray] = []
    for start in range(0, len(every), _AT_ONCE):
      part = self._found(every[start : start + _AT_ONCE], sixteenths)
      found += [one.symbols for one in part]
    ends = np.cumsum([len(part) for part in squares])
    return [
      np.concatenate(found[end - len(part) : end])
      for end, part in zip(ends, squares, strict=True)
    ]

  def _strings(
    self, image: np.ndarray, symbols: np.ndarray, sixteenths: int
  ) -> list[bytes]:
    """Returns the strings of a picture: its latents, and its residual if any.

    Args:
      image: Picture, uint8 `[H, W, 1 or 3]`.
      symbols: Symbols of all its squares, int32, one after the other.
      sixteenths: Quality in sixteenths.
    """
    strings = [self._coding.write(symbols, self._level(sixteenths))]
    if self.residual is not None:
      vectors = symbols.reshape(-1, self.latent)
      height, width, channels = image.shape
      made = self._made(vectors, (height, width), sixteenths)
      rest = image - picture_channels.predicted(made, channels)
      if not np.isfinite(rest).all():
        raise ValueError(f"{self.spec} makes a picture that is not finite")
      strings.append(residual_layer.write(rest, self._residual))
    return strings

  def _made(
    self, symbols: np.ndarray, size: tuple[int, int], sixteenths: int
  ) -> np.ndarray:
    """Returns the generator's picture, float32 `[H, W, C]` about [0, 1].

    Args:
      symbols: Symbols of all squares, int32 `[squares, latent]`.
      size: Height and width of the picture.
      sixteenths: Quality in sixteenths.
    """
    step, squares = self._step(sixteenths), []
    for start in range(0, len(symbols), _AT_ONCE):
      part = symbols[start : start + _AT_ONCE].astype(np.float32)
      squares.append(self._engine.decode(part * np.float32(step), step))
    return self._grid(*size).join(np.concatenate(squares))

  def _found(
    self, x: np.ndarray, sixteenths: int, keep: tuple[int, ...] = ()
  ) -> list[latent_search.Found]:
    level = self._level(sixteenths)
    return self._search(
      x,
      self._step(sixteenths),
      self._coding.limits(level),
      lambda values: self._coding.economical(values, level),
      progress=self.progress,
      keep=keep,
    )

  def _checked(self, image: np.ndarray) -> np.ndarray:
    image = base.check_picture(image, self.spec)
    container.check_size(*image.shape[:2], max_pixels=self.max_pixels)
    if image.shape[2] == 3 and self._engine.image_shape[2] == 1:
      raise ValueError(
        f"{self.model} makes grey pictures; got one of color. Turn it grey, or "
        "choose a model of color"
      )
    return image

  def _squares(self, image: np.ndarray) -> np.ndarray:
    """Returns the squares of a picture, float32 in [0, 1]."""
    own = picture_channels.of_levels(image, self._engine.image_shape[2])
    return self._grid(*image.shape[:2]).cut(own) / np.float32(255)

  def _grid(self, height: int, width: int) -> tile_grid.Grid:
    return tile_grid.Grid(height, width, self.side)

  def _sixteenths(self, quality: float | None) -> int:
    """Returns the quality in sixteenths; the middle one by default."""
    most = self.qualities[-1]
    quality = (1 + most) / 2 if quality is None else quality
    if not 1 <= quality <= most:
      raise ValueError(
        f"{self.spec} has qualities from 1 to {most:g}; got {quality}"
      )
    return round(quality * container.STEPS)

  def _level(self, sixteenths: int) -> int:
    """Returns the place of the tables of a quality, the nearest one."""
    return (sixteenths + container.STEPS // 2) // container.STEPS - 1

  def _step(self, sixteenths: int) -> float:
    """Returns the quantizer step of a quality, geometrically between two."""
    place = sixteenths / container.STEPS - 1
    logs = np.log(self._coding.steps.astype(np.float64))
    return float(np.exp(np.interp(place, np.arange(len(logs)), logs)))

  def _unpack(
    self, data: bytes
  ) -> tuple[container.Header, np.ndarray, list[bytes]]:
    """Returns header, symbols `[squares, latent]` and further strings."""
    levels, latents = self._coding.indexes.shape
    header, (string, *more) = container.unpack(
      data,
      codec=container.CODEC_IDS[BITSTREAM],
      model=self.identity,
      symbols=lambda h, w: [
        self._grid(h, w).count * latents,
        residual_layer.count(h, w, 3),
      ],
      fewest=1,
      max_pixels=self.max_pixels,
    )
    if header.is_short == bool(more) or header.integer:
      raise base.CorruptStream(
        "flags of a file of a generator's latent are those of the short form, "
        "and with a residual those of the long one"
      )
    if not 1 <= header.quality / container.STEPS <= levels:
      raise base.CorruptStream(
        f"a quality of {header.quality / container.STEPS:g}; the model has 1 "
        f"to {levels}"
      )
    if not header.grey and self._engine.image_shape[2] == 1:
      raise base.CorruptStream("a color picture of a model of grey ones")
    count = self._grid(header.height, header.width).count
    symbols = self._coding.read(string, count, self._level(header.quality))
    return header, symbols.reshape(count, latents), more


def is_generator(manifest: dict[str, Any]) -> bool:
  """Returns whether a model's files hold the latent of a generator."""
  return manifest.get(model_ids.BITSTREAM) == BITSTREAM


def _engine() -> Any:
  """Imports what runs generators, which brings TensorFlow."""
  try:
    return importlib.import_module(
      "tfpercept.codecs.inversion.generator_engine"
    )
  except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("tensorflow", "keras"):
      raise
    raise base.MissingLibrary(
      "this needs TensorFlow, which is not installed: pip install tensorflow"
    ) from error
