"""Classical codecs: JPEG, WebP, PNG and others, by Pillow and its plug-ins.

A damaged file can decode to another picture without an error, since only PNG
has checksums. Quality is the number that the encoder itself uses.
"""

import contextlib
from importlib import metadata
from typing import Any

from tfpercept.codecs.base import check_size, register
from tfpercept.codecs.classical import size_headers
from tfpercept.codecs.classical.pillow_codec import PillowCodec, missing, room

SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")
"""Subsampling of chroma against luma."""


@register("jpeg")
class JPEG(PillowCodec):
  """JPEG with Huffman tables made for the picture.

  Args:
    subsampling: Subsampling of chroma, one of `SUBSAMPLING`.
    optimize: Whether the Huffman tables are made for the picture.

  Source: ITU-T T.81, by libjpeg-turbo.
  """

  pillow_format = "JPEG"
  suffix = ".jpg"
  _library = ("libjpeg-turbo", "libjpeg_turbo")
  bytes_per_pixel = (13, 14)
  qualities = (1, 5, 8, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)
  default_quality = 75

  def __init__(self, *, subsampling: str = "4:2:0", optimize: bool = True):
    self.subsampling = _known_subsampling(subsampling)
    self.optimize = bool(optimize)
    super().__init__()

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    settings = {"quality": round(quality), "optimize": self.optimize}
    return _with_subsampling(settings, self.subsampling, channels)

  def _saved(self, picture: Any, settings: dict[str, Any]) -> bytes:
    # Pillow wants a file with tables of its own in one piece, and has room for
    # about a byte a pixel. Noise takes more, as do a few rows, of which whole
    # blocks are coded. What of the room is not written to takes no memory.
    pixels = (picture.width + 15) * (picture.height + 15)
    with contextlib.suppress(OSError), room(8 * pixels):
      return super()._saved(picture, settings)
    with room(32 * pixels):
      return super()._saved(picture, settings)


@register("webp")
class WebP(PillowCodec):
  """WebP. It has no grey, so three channels come back, equal within 1.

  Args:
    method: Effort of the encoder, a whole number from 0 to 6.
    lossless: Whether the picture is kept exactly. The one quality is then 100,
      and the effort of 6 takes some 40 times as long as that of 4.

  Source: RFC 9649 and RFC 6386, by libwebp.
  """

  pillow_format = "WEBP"
  _library = ("libwebp", "webp")
  bytes_per_pixel = (20, 26)
  lossless_bytes_per_pixel = (52, 32)
  """Those of `lossless`."""
  qualities: tuple[float, ...] = (0, 5, 10, 20, 30, 45, 60, 75, 85, 92, 97)
  default_quality = 80

  def __init__(self, *, method: int = 4, lossless: bool = False):
    self.method = _whole("method", method, 0, 6)
    self.lossless = bool(lossless)
    if lossless:
      self.qualities, self.default_quality = (100,), 100
      self.bytes_per_pixel = self.lossless_bytes_per_pixel
    super().__init__()

  def _check_header(self, data: bytes) -> None:
    check_size(*size_headers.webp_size(data), self.spec)

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    del channels
    if self.lossless:  # whose quality is a further effort
      effort = round(100 * self.method / 6)
      return {"lossless": True, "quality": effort, "method": self.method}
    return {"quality": round(quality), "method": self.method}


@register("png")
class PNG(PillowCodec):
  """PNG, which is lossless; its one quality is 100.

  Args:
    level: Effort of zlib, a whole number from 0 to 9.

  Source: ISO/IEC 15948.
  """

  pillow_format = "PNG"
  _library = ("zlib", "zlib")
  bytes_per_pixel = (10, 14)
  qualities = (100,)
  default_quality = 100

  def __init__(self, *, level: int = 9):
    self.level = _whole("level", level, 0, 9)
    super().__init__()

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    del quality, channels
    return {"compress_level": self.level}


@register("jpeg2000")
class JPEG2000(PillowCodec):
  """JPEG 2000 with the 9/7 wavelet on luma and chroma, in a JP2 file.

  Its quality is the wanted number of bits per pixel, so all pictures get the
  same rate. (OpenJPEG can also give all the same PSNR, whose mean then takes
  far more bits.)

  Source: ITU-T T.800, by OpenJPEG.
  """

  pillow_format = "JPEG2000"
  suffix = ".jp2"
  _library = ("OpenJPEG", "jpg_2000")
  bytes_per_pixel = (50, 24)
  qualities = (
    0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.45, 0.6, 0.8, 1.0, 1.4, 2.0, 3.0,
  )  # fmt: skip
  default_quality = 1.0

  def __init__(self) -> None:
    super().__init__()

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    return {
      "quality_mode": "rates",
      "quality_layers": [8 * channels / quality],
      "irreversible": True,
      "mct": int(channels == 3),  # Pillow's default codes R, G and B apart
    }


@register("avif")
class AVIF(PillowCodec):
  """AVIF: AV1 for still pictures.

  Args:
    subsampling: Subsampling of chroma, one of `SUBSAMPLING`.
    speed: Speed of the encoder, a whole number from 0 (slowest, smallest files)
      to 10.

  Source: AV1 Image File Format 1.1, by libavif with libaom.
  """

  pillow_format = "AVIF"
  _library = ("libavif", "avif")
  bytes_per_pixel = (48, 24)
  qualities = (0, 10, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90)
  default_quality = 60

  def __init__(self, *, subsampling: str = "4:2:0", speed: int = 6):
    self.subsampling = _known_subsampling(subsampling)
    self.speed = _whole("speed", speed, 0, 10)
    super().__init__()

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    settings = {"quality": round(quality), "speed": self.speed}
    return _with_subsampling(settings, self.subsampling, channels)


@register("jxl")
class JXL(PillowCodec):
  """JPEG XL, lossy, as a bare codestream; files in boxes are refused.

  Args:
    effort: Effort of the encoder, a whole number from 1 to 9.

  Source: ISO/IEC 18181-1, by libjxl.
  """

  pillow_format = "JXL"
  bytes_per_pixel = (60, 20)
  qualities = (0, 3, 6, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)
  default_quality = 80

  def __init__(self, *, effort: int = 7):
    self.effort = _whole("effort", effort, 1, 9)
    super().__init__()

  @property
  def made_by(self) -> str:
    return f"pillow-jxl-plugin {metadata.version('pillow-jxl-plugin')}"

  def _require(self) -> None:
    try:
      import pillow_jxl  # noqa: F401 registers itself with Pillow
    except ImportError as error:
      raise missing("jxl", "pillow-jxl-plugin", "formats") from error

  def _check_header(self, data: bytes) -> None:
    # The plug-in decodes when it opens.
    check_size(*size_headers.jxl_size(data), self.spec)

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    return size_headers.jxl_size(data)

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    del channels
    return {"quality": float(quality), "effort": self.effort}


@register("heic")
class HEIC(PillowCodec):
  """HEIC: HEVC for still pictures, close to BPG.

  The encoder refuses sides above 4200 pixels if the other side is below 32.

  Args:
    subsampling: Subsampling of chroma, one of `SUBSAMPLING`.

  Source: ISO/IEC 23008-12 and ITU-T H.265, by libheif with x265.
  """

  pillow_format = "HEIF"
  bytes_per_pixel = (48, 20)
  qualities = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70)
  default_quality = 50

  def __init__(self, *, subsampling: str = "4:2:0"):
    self.subsampling = _known_subsampling(subsampling)
    super().__init__()

  @property
  def made_by(self) -> str:
    import pillow_heif

    library = pillow_heif.libheif_version()
    return f"pillow-heif {metadata.version('pillow-heif')}, libheif {library}"

  def _require(self) -> None:
    try:
      import pillow_heif
    except ImportError as error:
      raise missing("heic", "pillow-heif", "formats") from error
    pillow_heif.register_heif_opener(thumbnails=False)
    if self.pillow_format not in self._pillow.SAVE:
      raise missing("heic", "a pillow-heif with the encoder x265", "formats")

  def _settings(self, quality: float, channels: int) -> dict[str, Any]:
    settings = {"quality": round(quality)}
    return _with_subsampling(settings, self.subsampling, channels)


def _known_subsampling(value: str) -> str:
  if value not in SUBSAMPLING:
    raise ValueError(
      f"subsampling is one of {', '.join(SUBSAMPLING)}; got {value!r}"
    )
  return value


def _with_subsampling(
  settings: dict[str, Any], subsampling: str, channels: int
) -> dict[str, Any]:
  """Adds the subsampling where there is chroma."""
  return settings | ({"subsampling": subsampling} if channels == 3 else {})


def _whole(name: str, value: int, low: int, high: int) -> int:
  if isinstance(value, bool) or value not in range(low, high + 1):
    raise ValueError(
      f"{name} is a whole number from {low} to {high}; got {value!r}"
    )
  return int(value)
