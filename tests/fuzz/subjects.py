"""Decoders that are given damaged files, and what they may do with them."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from tests.codecs import small_generators, small_models
from tests.codecs.learned import small_heads
from tfpercept import codecs, offers
from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.classical import formats
from tfpercept.codecs.learned import reference_decoder
from tfpercept.codecs.lossless import lossless_codec

MAX_PIXELS = 1 << 16
"""Larger pictures are refused here: damage says nothing of their size, and
decoding them takes long."""


@dataclasses.dataclass(frozen=True)
class Subject:
  """A decoder and files to begin with.

  Attributes:
    name: Name of the decoder.
    decompress: Bytes to a picture, or raises `CorruptStream`.
    seeds: Whole files.
    model: The name of its model in streams, empty for lossless ones; None if it
      reads another format than ours.
  """

  name: str
  decompress: Callable[[bytes], np.ndarray]
  seeds: Sequence[bytes]
  model: bytes | None = None


def of_spec(spec: str) -> Subject:
  """Returns any registered codec, at small pictures of its own."""
  codec = codecs.get(spec)
  pictures = [
    small_models.picture(*size) for size in ((1, 1, 3), (17, 9, 1), (40, 70, 3))
  ]
  ends = {codec.qualities[0], codec.qualities[-1]}
  return Subject(
    spec,
    codec.decompress,
    [codec.compress(p, quality=q) for p in pictures for q in sorted(ends)],
    getattr(codec, "identity", None),
  )


def learned(folder: str) -> tuple[Subject, ...]:
  """Returns the decoders of a model folder.

  They are those of each engine, the one that has a realism head, and the
  reference decoder.
  """
  first, *others = (
    dataclasses.replace(
      of_spec(f"hyperprior(model={folder!r}, engine={engine!r})"), name=engine
    )
    for engine in offers.ENGINES[1:]
  )
  decoder = reference_decoder.ReferenceDecoder(folder)
  decoders = {one.name: one.decompress for one in others}
  laid = codecs.get(f"hyperprior(model={folder!r})")
  head = small_heads.save(
    pathlib.Path(f"{folder}_head"),
    pathlib.Path(folder),
    latents=laid.symbols(first.seeds[0])["y"].shape[-1],
  )
  decoders["realistic"] = codecs.get(
    f"hyperprior(model={folder!r}, realism=1.0, head={str(head)!r})"
  ).decompress
  decoders["reference"] = decoder.decompress
  return first, *(
    dataclasses.replace(first, name=name, decompress=decompress)
    for name, decompress in decoders.items()
  )


def lossless() -> Subject:
  """Returns the decoder of lossless streams, and a stream of each payload."""
  codec = lossless_codec.Lossless()
  noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
  flat = small_models.picture(40, 70)
  streams = [codec.compress(p) for p in (noise, flat, flat[..., :1])]
  streams += [
    container.pack(
      container.Header(6, b"", *p.shape[:2], grey=p.shape[2] == 1, payload=2),
      [formats.PNG().compress(p)],
    )
    for p in (flat, flat[..., :1])
  ]
  return Subject("lossless", codec.decompress, streams, b"")


def inversion(folder: pathlib.Path) -> Subject:
  """Returns the decoder of a small generator, which it saves in a folder.

  Its streams are without and with a residual.
  """
  model = small_generators.save("pca", folder / "pca")
  plain, layered = (
    of_spec(f"inversion(model={str(model)!r}{more})")
    for more in ("", ", residual=32")
  )
  streams = [*plain.seeds, *layered.seeds]
  return dataclasses.replace(plain, name="inversion", seeds=streams)


class Gate:
  """Stands before the decoders of our streams: bounds pictures, and counts.

  Within its context `container.unpack` refuses pictures of more than
  `MAX_PIXELS`.

  Attributes:
    passed: How many streams were whole, and so reached the entropy decoder.
  """

  def __init__(self):
    self.passed = 0
    self._unpack = container.unpack

  def __enter__(self) -> "Gate":
    container.unpack = self
    return self

  def __exit__(self, *error) -> None:
    container.unpack = self._unpack

  def __call__(self, data: bytes, **options):
    whole = self._unpack(data, **{**options, "max_pixels": MAX_PIXELS})
    self.passed += 1
    return whole


def outcome(subject: Subject, data: bytes) -> str:
  """Returns `picture` or the kind of refusal; raises whatever else happens."""
  try:
    picture = subject.decompress(data)
  except container.WrongModel:
    return "another model"
  except CorruptStream as error:
    if not str(error):
      raise AssertionError("a refusal without a reason") from error
    return "bad checksum" if "checksum" in str(error) else "refused"
  if picture.dtype != np.uint8 or picture.ndim != 3 or not picture.size:
    raise AssertionError(f"no picture: {picture.dtype} {picture.shape}")
  return "picture"
