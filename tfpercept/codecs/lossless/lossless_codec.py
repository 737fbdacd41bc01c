"""The codec of lossless streams, and the choice between it and another."""

import numpy as np

from tfpercept.codecs import base
from tfpercept.codecs.bitstream import container, header
from tfpercept.codecs.lossless import payloads

_SYMBOL_BYTES = 8  # `container.unpack` allows so many for each symbol


class Lossless(base.Codec):
  """Keeps pictures exactly, in the smallest of some lossless forms.

  It is not in the registry: `codecs.files.compress_file` and the command write
  such streams where they are better than those of a model, and all that reads
  streams of models reads them.

  Args:
    max_pixels: Largest number of pixels of a picture; files that tell of more
      are corrupt.
  """

  suffix = ".tfp"
  qualities = (100,)
  bytes_per_pixel = (16, 32)

  def __init__(self, *, max_pixels: int = container.MAX_PIXELS):
    self.max_pixels = max_pixels

  @property
  def spec(self) -> str:
    return "lossless"

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    image = base.check_picture(image, self.spec)
    container.check_size(*image.shape[:2], max_pixels=self.max_pixels)
    if quality not in (None, 100):
      raise ValueError(f"lossless has the one quality 100; got {quality}")
    kind, payload = payloads.smallest(image)
    data = container.pack(
      header.Header(
        codec=header.LOSSLESS,
        model=b"",
        height=image.shape[0],
        width=image.shape[1],
        grey=image.shape[2] == 1,
        payload=kind,
      ),
      [payload],
    )
    if len(data) > container.MAX_BYTES:
      raise ValueError(
        f"without loss the picture takes {len(data)} bytes; at most "
        f"{container.MAX_BYTES} are read. Cut it into pieces."
      )
    return data

  def decompress(self, data: bytes) -> np.ndarray:
    found, (payload,) = container.unpack(
      data,
      codec=header.LOSSLESS,
      model=b"",
      symbols=_symbols,
      max_pixels=self.max_pixels,
    )
    return payloads.unpacked(found, payload)

  def picture_size(self, data: bytes) -> tuple[int, int] | None:
    found = container.read_header(data).header
    return found.height, found.width


def _symbols(height: int, width: int) -> list[int]:
  """Returns as many symbols as allow a string of all samples."""
  return [-(-3 * height * width // _SYMBOL_BYTES)]


def is_lossless(data: bytes) -> bool:
  """Returns whether a file begins as a lossless stream."""
  return data[: len(container.MAGIC)] == container.MAGIC and data[
    len(container.MAGIC) + 1 : len(container.MAGIC) + 2
  ] == bytes([header.LOSSLESS])
