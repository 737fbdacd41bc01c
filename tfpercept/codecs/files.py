"""Picture files to files of a codec and back, each whole or not at all.

    from tfpercept import codecs
    from tfpercept.codecs import files

    jpeg = codecs.get("jpeg")
    stats = files.compress_file(jpeg, "a.png", "a.jpg", target_bpp=0.5)
    files.decompress_file(jpeg, "a.jpg", "b.png")

The commands `compress` and `decompress` call these two functions, and so can a
pipeline or a server. In place of a path each takes a binary stream.
"""

import dataclasses
import os
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import IO

import numpy as np

from tfpercept import offers
from tfpercept.codecs import encoding, memory
from tfpercept.codecs.base import Codec
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.classical import formats
from tfpercept.codecs.learned.model_lookup import KnownModels
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.io import files, notes, picture_files, samples

Place = files.PathLike | IO[bytes]
"""A path, or a stream of bytes that is open."""
INEXACT = "the format of the picture does not keep its exact pixels"
MAX_PICTURE_BYTES = 10 * offers.MAX_PICTURE_PIXELS
"""Largest picture from a stream, in bytes: 8 a pixel, and some overhead."""
_TWINS = {".jpg": (".jpg", ".jpeg"), ".heic": (".heic", ".heif")}
_CHUNK = 1 << 20
_Check = Callable[[files.Header], None]
_PATHS = (str, os.PathLike)


@dataclasses.dataclass(frozen=True)
class FileStats:
  """Statistics of one file that was compressed or decompressed.

  Attributes:
    width: Width of the picture in pixels.
    height: Height of the picture in pixels.
    size: Size of the codec's file in bytes.
    seconds: Wall time of encoding or decoding, in seconds. The search for a
      target is part of it; reading and writing files is not.
    quality: Quality of the encoding; None if it is not known.
    notes: Sentences on what differs from the request, such as a target out of
      reach.
    is_lossless: Whether the file is a `.tfp` that holds the picture without
      loss.
  """

  width: int
  height: int
  size: int
  seconds: float
  quality: float | None = None
  notes: tuple[str, ...] = ()
  is_lossless: bool = False


def compress_file(
  codec: Codec,
  source: Place,
  target: Place,
  *,
  quality: float | None = None,
  target_bpp: float | None = None,
  target_bytes: int | None = None,
  target_psnr: float | None = None,
  lossless: str = "auto",
  alpha: str = "white",
  overwrite: bool = False,
  max_memory: int | None = None,
  name: str | None = None,
  inspect: Callable[[FileStats, np.ndarray, bytes], None] | None = None,
) -> FileStats:
  """Compresses one picture file.

  The target is written under a temporary name and then renamed. After an error,
  a full disk or a kill it is as it was before.

  Args:
    codec: Codec that compresses.
    source: Picture to read, at most `offers.MAX_PICTURE_PIXELS` large, or a
      stream of at most `MAX_PICTURE_BYTES`. It is reduced to 8 bits.
    target: File to write; its folder is made.
    quality: Quality, in the range of `codec.qualities`; None takes the codec's
      default. At most one of it and the three targets is given.
    target_bpp: Rate in bits per pixel; the best quality below it is used.
    target_bytes: Size of the whole file in bytes; the best quality that fits is
      used.
    target_psnr: PSNR in dB; the lowest quality of at least this PSNR is used.
    lossless: Rule by which a `.tfp` holds the picture without loss, one of
      `offers.LOSSLESS`, as in `encoding.Request`. Other codecs write what they
      always do; `"always"` is refused for them.
    alpha: Rule for transparency, as in `io.files.read_samples`. What else is
      not kept of a picture, such as its colors, goes to `io.notes`.
    overwrite: Whether an existing target is replaced.
    max_memory: Bytes of memory that the process may take, at most. A picture
      that takes more by its size is refused before it is read, by the figures
      of `codecs.memory`. None allows any number.
    name: Name of a stream in messages; a file goes by its path.
    inspect: Function called with the statistics, the picture, uint8 `[H, W, 1
      or 3]`, and the bytes of the file. Nothing is written if it raises.

  Raises:
    FileExistsError: if the target exists and `overwrite` is false, also if
      another process has made it meanwhile.
    OSError: if the target cannot be written.
    ValueError: if the source is not a picture that can be read or stored, is
      the target itself, or if the quality or a target is out of range.
  """
  request = encoding.Request(
    quality, target_bpp, target_bytes, target_psnr, lossless
  )
  _require_free(source, target, overwrite)

  def check(header: files.Header) -> None:
    pixels = header.height * header.width
    needed = memory.to_compress(codec, pixels, is_deep=header.is_deep)
    memory.require(needed, max_memory, header[:2])

  picture, remarks = _picture(source, alpha, name, check)
  start = time.perf_counter()
  found = encoding.encode(codec, picture, request)
  seconds = time.perf_counter() - start
  data = found.data
  remarks += filter(None, [found.note])
  height, width = picture.shape[:2]
  stats = FileStats(
    width, height, len(data), seconds, found.quality, tuple(remarks),
    lossless_codec.is_lossless(data),
  )  # fmt: skip
  if inspect:
    inspect(stats, picture, data)
  _write(target, data, overwrite)
  return stats


def decompress_file(
  codec: Codec | KnownModels,
  source: Place,
  target: Place,
  *,
  overwrite: bool = False,
  max_pixels: int | None = None,
  max_memory: int | None = None,
) -> FileStats:
  """Decompresses one file of a codec to a picture file.

  The target is whole or as it was, as after `compress_file`.

  Args:
    codec: Codec that reads the file, or the models of which one wrote it.
    source: File to read, at most `container.MAX_BYTES` long.
    target: Picture to write, in the format of its suffix, one of
      `io.files.WRITTEN_SUFFIXES`. A stream gets a PNG.
    overwrite: Whether an existing target is replaced.
    max_pixels: Largest number of pixels of a picture that is decoded. It is
      compared with the header before memory is taken. A few bytes can be a
      picture of any size, so give it for files of strangers. None leaves the
      limit of the codec.
    max_memory: Bytes of memory that the process may take, at most. It is
      compared likewise, by the figures of `codecs.memory`.

  Returns:
    Statistics of the file.

  Raises:
    FileExistsError: if the target exists and `overwrite` is false, also if
      another process has made it meanwhile.
    OSError: if the source cannot be read or the target not be written.
    CorruptStream: if the source is damaged or of another format.
    ValueError: if the source is empty, too long, of more than `max_pixels` or
      of a model that is not known, or the name of the target is not that of a
      picture.
  """
  if isinstance(target, _PATHS):
    require_picture_name(target)
  _require_free(source, target, overwrite)
  data = read_bytes(source, container.MAX_BYTES)
  reader = codec.codec_of(data) if isinstance(codec, KnownModels) else codec
  if max_pixels is not None or max_memory is not None:
    _require_bounded(reader, data, max_pixels, max_memory)
  start = time.perf_counter()
  picture = reader.decompress(data)
  seconds = time.perf_counter() - start
  if not isinstance(target, _PATHS):
    _write(target, formats.PNG(level=6).compress(picture), overwrite)
  else:
    files.write_image(target, picture, replace=overwrite)
    suffix = pathlib.Path(target).suffix.lower()
    is_gray_gif = suffix == ".gif" and picture.shape[-1] == 1
    if suffix in picture_files.INEXACT_SUFFIXES and not is_gray_gif:
      notes.add(target, INEXACT)
  height, width = picture.shape[:2]
  return FileStats(
    width, height, len(data), seconds,
    is_lossless=lossless_codec.is_lossless(data),
  )  # fmt: skip


def _require_bounded(
  reader: Codec, data: bytes, max_pixels: int | None, max_memory: int | None
) -> None:
  """Raises ValueError if the header of a file is of too large a picture."""
  size = reader.picture_size(data)
  if max_pixels is not None:
    _require_few(size, max_pixels)
  if size:
    needed = memory.to_decompress(reader, size[0] * size[1])
    memory.require(needed, max_memory, size)


def _require_few(size: tuple[int, int] | None, max_pixels: int) -> None:
  """Raises ValueError if a height and a width are of more pixels."""
  if size and size[0] * size[1] > max_pixels:
    raise ValueError(
      f"it has {size[1]}x{size[0]} = {size[0] * size[1]} pixels; at most "
      f"{max_pixels} are decoded. If you trust the file, give a larger "
      "--max-pixels (max_pixels)"
    )


def require_picture_name(path: files.PathLike) -> None:
  """Raises ValueError if no picture can be written under such a name."""
  if pathlib.Path(path).suffix.lower() not in files.WRITTEN_SUFFIXES:
    raise ValueError(
      "the name of a picture ends in one of "
      f"{', '.join(files.WRITTEN_SUFFIXES)}; got {path}"
    )


def suffixes(codec_suffix: str) -> tuple[str, ...]:
  """Returns all suffixes that files of a codec may have, its own first.

  Args:
    codec_suffix: Suffix of the files of the codec, with its dot.
  """
  return _TWINS.get(codec_suffix, (codec_suffix,))


def require_codec_name(codec_suffix: str, path: files.PathLike) -> None:
  """Raises ValueError if a name is that of another kind of file.

  Args:
    codec_suffix: Suffix of the files of the codec, with its dot.
    path: Path of the file to write. Suffixes that are of no kind are allowed.
  """
  own = suffixes(codec_suffix)
  given = pathlib.Path(path).suffix.lower()
  if given not in own and given in (*files.PICTURE_SUFFIXES, ".jxl", ".tfp"):
    raise ValueError(
      f"{path} has the suffix of another kind of file; this codec writes "
      f"{' or '.join(own)}. Rename it, or choose the codec with --codec"
    )


def read_bytes(source: Place, limit: int) -> bytes:
  """Returns all bytes of a file or a stream.

  Raises:
    ValueError: if there are none, or more than `limit`.
  """
  if not isinstance(source, _PATHS):
    data = source.read(limit + 1)
  else:
    with open(source, "rb") as file:
      data = file.read(limit + 1)
  if not data:
    raise ValueError("it is empty")
  if len(data) > limit:
    raise ValueError(f"it has more than {limit} bytes, the most that are read")
  return data


def _require_free(source: Place, target: Place, overwrite: bool) -> None:
  """Raises an error, before the work, if the target must not be written."""
  if not isinstance(target, _PATHS):
    return
  if isinstance(source, _PATHS) and files.resolved(source) == files.resolved(
    target
  ):
    raise ValueError(f"{target} is the file to read; write to another")
  _refuse_existing(target, overwrite)
  files.require_writable(target)


def _refuse_existing(target: files.PathLike, overwrite: bool) -> None:
  if not overwrite and pathlib.Path(target).is_file():
    raise FileExistsError(f"{target} exists; overwrite=True replaces it")


def _write(target: Place, data: bytes, overwrite: bool) -> None:
  if not isinstance(target, _PATHS):
    target.write(data)
    target.flush()
  else:
    files.write_bytes(target, data, replace=overwrite)


def _picture(
  source: Place, alpha: str, name: str | None, check: _Check
) -> tuple[np.ndarray, list[str]]:
  """Returns a picture in 8 bits, and a note if it had more.

  Its header is checked before it is read.
  """
  if not isinstance(source, _PATHS):
    picture = _streamed_picture(source, alpha, name or "the stream", check)
  else:
    check(files.read_header(source))
    picture = files.read_samples(source, alpha=alpha)
  if picture.dtype == np.uint8:
    return picture, []
  return samples.reduced(picture), ["its 16 bits are reduced to 8"]


def _streamed_picture(
  stream: IO[bytes], alpha: str, name: str, check: _Check
) -> np.ndarray:
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "picture"
    _keep(stream, path)
    try:
      check(files.read_header(path))
      with notes.collected() as found:
        picture = files.read_samples(path, alpha=alpha)
    except ValueError as error:
      raise ValueError(str(error).replace(str(path), name)) from error
  notes.extend((name, what) for _, what in found)
  return picture


def _keep(stream: IO[bytes], path: pathlib.Path) -> None:
  """Writes a stream to a file, unless it is too long for a picture."""
  count = 0
  with open(path, "wb") as file:
    while chunk := stream.read(_CHUNK):
      count += len(chunk)
      if count > MAX_PICTURE_BYTES:
        raise ValueError(
          f"it has more than {MAX_PICTURE_BYTES} bytes, the most that are read"
        )
      file.write(chunk)
