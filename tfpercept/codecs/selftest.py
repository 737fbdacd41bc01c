"""Whether this machine reads a model's files as all others do.

A model folder keeps a stream and the SHA-256 of its symbols. Sums of integers
are exact in float32, but not where a convolution is computed by Winograd's rule
or its result is kept in bfloat16.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

FIELD = "selftest"
"""Of the manifest."""
_SIZE = (96, 160)


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


def digest(symbols: Mapping[str, np.ndarray]) -> str:
  """Returns the hexadecimal SHA-256 of symbols and their shapes."""
  hashed = hashlib.sha256()
  for name in sorted(symbols):
    array = np.ascontiguousarray(symbols[name], "<i4")
    hashed.update(f"{name} {array.shape} ".encode())
    hashed.update(array.tobytes())
  return hashed.hexdigest()


def vector(codec: SymbolCodec) -> dict[str, str]:
  """Returns what the manifest keeps, of a picture of flat and busy parts."""
  row, column = np.indices(_SIZE)
  picture = np.stack(
    [row * column // 29, 3 * row + column, (row ^ column) * (row // 32)], -1
  )
  stream = codec.compress((picture % 256).astype(np.uint8))
  return {
    "stream": base64.b64encode(stream).decode(),
    "symbols": digest(codec.symbols(stream)),
  }


def check(codec: SymbolCodec, manifest: Mapping[str, Any]) -> None:
  """Reads the stream that a manifest keeps.

  Raises:
    ValueError: if the manifest keeps none.
    WrongArithmetic: if the symbols are not those of the machine that wrote it.
  """
  try:
    kept = manifest[FIELD]
    stream, wanted = base64.b64decode(kept["stream"]), kept["symbols"]
  except (KeyError, TypeError, ValueError) as error:
    raise ValueError(
      "the model's manifest has no stream to test this machine with; write the "
      "model with codecs.hyperprior.save"
    ) from error
  try:
    found = digest(codec.symbols(stream))
  except ValueError as error:  # one wrong symbol, and the rest is noise
    found = str(error)
  if found != wanted:
    raise WrongArithmetic(
      "this machine does not compute sums of integers exactly, and would read "
      f"files wrongly ({found}; wanted {wanted}). Use float32 convolutions "
      "whose results are float32, not by Winograd's rule"
    )
