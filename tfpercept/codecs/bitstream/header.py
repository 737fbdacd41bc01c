"""The header of a `.tfp`, before its strings."""

import dataclasses

CODEC_IDS = {
  "factorized": 1, "hyperprior": 2, "channel_wise": 3, "hific": 4,
  "inversion": 5, "lossless": 6,
}  # fmt: skip
LOSSLESS = CODEC_IDS["lossless"]
PAYLOADS = {"vp8l": 1, "png": 2, "samples": 3}
"""Kinds of what a lossless stream holds: the bitstream of a lossless WebP, a
PNG file, or the samples as they are."""
MAX_SIDE = 65535
TILE_SIDE, TILE_OVERLAP = 64, 16
"""Sides and overlaps of tiles are multiples of these."""


def known_codecs() -> str:
  """Numbers and names of the codecs, for messages."""
  return ", ".join(f"{number} ({name})" for name, number in CODEC_IDS.items())


@dataclasses.dataclass(frozen=True)
class Tile:
  """Tiles that are coded each on their own.

  Attributes:
    side: Side in pixels, a multiple of 64 up to 16320.
    overlap: Overlap in pixels, a multiple of 16 less than the side, up to 4080.
  """

  side: int
  overlap: int

  def __post_init__(self) -> None:
    if self.side not in range(64, 64 * 256, TILE_SIDE):
      raise ValueError(
        f"the side of a tile is a multiple of 64, 64 to 16320; got {self.side}"
      )
    if self.overlap not in range(0, min(self.side, 16 * 256), TILE_OVERLAP):
      raise ValueError(
        "the overlap of tiles is a multiple of 16 from 0 to 4080, and less than"
        f" their side; got {self.overlap}"
      )


@dataclasses.dataclass(frozen=True)
class Header:
  """The header of a stream.

  Attributes:
    codec: One of the values of `CODEC_IDS`.
    model: First bytes of the SHA-256 of the model's manifest: 8, or 4 in the
      short form, which is for streams of few bytes. Empty if the stream is
      lossless, since no model wrote it.
    height: Height of the picture, 1 to 65535.
    width: Width of the picture, 1 to 65535.
    quality: Quality in sixteenths, up to 255; 0 if the model has one rate.
    grey: Whether the picture has one channel.
    integer: Whether the hyper-synthesis computes in whole numbers.
    seed: Seed of the dither, below 2^32; None if there is none.
    tile: Tiles of the picture; None if it is coded whole.
    payload: One of the values of `PAYLOADS` if the stream is lossless; 0
      otherwise.

  Raises:
    ValueError: if one of them is out of range, or is not of a lossless stream.
  """

  codec: int
  model: bytes
  height: int
  width: int
  quality: int = 0
  grey: bool = False
  integer: bool = False
  seed: int | None = None
  tile: Tile | None = None
  payload: int = 0

  def __post_init__(self) -> None:
    if self.codec not in CODEC_IDS.values():
      raise ValueError(f"codecs are {known_codecs()}; got {self.codec}")
    if self.is_lossless:
      self._check_lossless()
    elif self.payload:
      raise ValueError(f"codec {self.codec} has no payload {self.payload}")
    elif len(self.model) not in (4, 8):
      raise ValueError(
        f"a model is named by 8 bytes, or by 4; got {len(self.model)}"
      )
    for name in ("height", "width"):
      if getattr(self, name) not in range(1, MAX_SIDE + 1):
        raise ValueError(
          f"the {name} of a picture is 1 to {MAX_SIDE}; got "
          f"{getattr(self, name)}"
        )
    if self.quality not in range(256):
      raise ValueError(
        f"a quality is 0 to 255, in sixteenths; got {self.quality}"
      )
    if self.seed is not None and self.seed not in range(2**32):
      raise ValueError(f"a seed is 0 to 2^32 - 1; got {self.seed}")

  def _check_lossless(self) -> None:
    if self.payload not in PAYLOADS.values():
      known = ", ".join(f"{n} ({name})" for name, n in PAYLOADS.items())
      raise ValueError(f"payload {self.payload!r}; known are {known}")
    if self.model or self.quality or self.integer:
      raise ValueError("a lossless stream has no model and no quality")
    if self.seed is not None or self.tile is not None:
      raise ValueError("a lossless stream has no seed and no tiles")

  @property
  def is_lossless(self) -> bool:
    """Whether the stream holds the picture itself, which no model wrote."""
    return self.codec == LOSSLESS

  @property
  def is_short(self) -> bool:
    """Whether the model is named by 4 bytes and the checksum has 2."""
    return len(self.model) == 4
