"""Whether this machine reads a model's files as all others do.

A model folder keeps a stream and the SHA-256 of its symbols, and that of what
the hyper-synthesis makes of random hyper-latents over all of their range, whose
sums are larger. Sums of integers are exact in float32, but not where a
convolution is computed by Winograd's rule or its result is kept in bfloat16.
"""

import base64
import hashlib
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from tfpercept.codecs.learned import model_ids
from tfpercept.ops import codec_constants

FIELD = model_ids.SELFTEST
"""Field of the manifest."""
_SIZE = (96, 160)  # of the picture
_HYPER_SIZE = (8, 12)


class WrongArithmetic(RuntimeError):  # noqa: N818 what it is about
  """This machine would read other symbols than others wrote."""


class SymbolCodec(Protocol):
  """A codec that shows the symbols of its streams."""

  def compress(
    self, image: np.ndarray, *, quality: float | None = None
  ) -> bytes:
    """Returns the stream of a picture."""

  def symbols(self, data: bytes) -> Mapping[str, np.ndarray]:
    """Returns the symbols of a stream, int32, by the names of its strings."""

  @property
  def hyper_latents(self) -> int:
    """Channels of hyper-latents."""

  def integers(self, z: np.ndarray) -> Mapping[str, np.ndarray]:
    """Returns the whole numbers that follow from hyper-latents.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`.

    Returns:
      Int32 arrays by name.
    """


def digest(symbols: Mapping[str, np.ndarray]) -> str:
  """Returns the hexadecimal SHA-256 of symbols and their shapes."""
  hashed = hashlib.sha256()
  for name in sorted(symbols):
    array = np.ascontiguousarray(symbols[name], "<i4")
    hashed.update(f"{name} {array.shape} ".encode())
    hashed.update(array.tobytes())
  return hashed.hexdigest()


def vector(codec: SymbolCodec) -> dict[str, str]:
  """Returns the stream and the digests that the manifest keeps.

  The picture of the stream has flat and busy parts.
  """
  row, column = np.indices(_SIZE)
  picture = np.stack(
    [row * column // 29, 3 * row + column, (row ^ column) * (row // 32)], -1
  )
  stream = codec.compress((picture % 256).astype(np.uint8))
  return {
    "stream": base64.b64encode(stream).decode(),
    "symbols": digest(codec.symbols(stream)),
    "integers": _integers(codec),
  }


def hyper_latents(channels: int) -> np.ndarray:
  """Returns random hyper-latents, int32 `[1, 8, 12, channels]` within 127.

  They are of the generator of Park and Miller, which is a line in any language:
  from 1 on, each state is 16807 times the last one modulo 2^31 - 1.
  """
  limit = codec_constants.SYMBOL_LIMIT
  shape, state, found = (1, *_HYPER_SIZE, channels), 1, []
  for _ in range(math.prod(shape)):
    state = 16807 * state % (2**31 - 1)
    found.append(state % (2 * limit + 1) - limit)
  return np.array(found, np.int32).reshape(shape)


def _integers(codec: SymbolCodec) -> str:
  return digest(codec.integers(hyper_latents(codec.hyper_latents)))


def check(codec: SymbolCodec, manifest: Mapping[str, Any]) -> None:
  """Repeats what `vector` did, and compares.

  Raises:
    ValueError: if the manifest has nothing to compare with.
    WrongArithmetic: if what comes out is not what it was on the machine that
      wrote the model.
  """
  try:
    kept = manifest[FIELD]
    stream, wanted = base64.b64decode(kept["stream"]), [kept["symbols"]]
    if "integers" in kept:  # some models keep none
      wanted.append(kept["integers"])
  except (KeyError, TypeError, ValueError) as error:
    raise ValueError(
      "the model's manifest has no stream to test this machine with; write the "
      "model with codecs.learned.model_writer.save"
    ) from error
  try:
    found: Any = [digest(codec.symbols(stream)), _integers(codec)]
    found = found[: len(wanted)]
  except ValueError as error:  # one wrong symbol, and the rest is noise
    found = str(error)
  if found != wanted:
    raise WrongArithmetic(
      "this machine does not compute sums of integers exactly, and would read "
      f"files wrongly ({found}; wanted {wanted}). Use products of "
      "matrices whose sums are float32"
    )
