"""A model's names in files, told from its manifest without TensorFlow."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tfpercept.codecs.bitstream import container, header

CODING_FILE = "coding.npz"
"""File of a model folder with all that a codec keeps beside the weights."""
SELFTEST = "selftest"
"""Field of a manifest that holds a stream of the model."""
BITSTREAM = "bitstream"
"""Field of a manifest that holds the name of the bitstream. Models of version
0.1 lack it."""


def number(manifest: Mapping[str, Any]) -> int:
  """Returns the codec id in the files of a model.

  Where the manifest does not name the bitstream, it is read from the stream
  that every model folder has to test machines with, so nothing here knows which
  networks there are.

  Args:
    manifest: Manifest of a model that codes pictures.

  Raises:
    ValueError: if the manifest holds neither.
  """
  if manifest.get(BITSTREAM) in header.CODEC_IDS:
    return header.CODEC_IDS[manifest[BITSTREAM]]
  try:
    stream = base64.b64decode(manifest[SELFTEST]["stream"])
    return container.read_header(stream).header.codec
  except (KeyError, TypeError, ValueError) as error:
    raise ValueError(
      "the model's manifest has no stream to tell its codec by; write the "
      "model with codecs.learned.model_writer.save"
    ) from error


def bitstream(manifest: Mapping[str, Any]) -> str:
  """Returns the name of the bitstream of a model; raises as `number`."""
  wanted = number(manifest)
  (name,) = (n for n, value in header.CODEC_IDS.items() if value == wanted)
  return name


def identity(manifest: Mapping[str, Any]) -> bytes:
  """Returns the 8 bytes that name the model in files.

  They are the first of the SHA-256 over its architecture, weights and tables.
  """
  kept = {key: manifest[key] for key in ("model", "config", "sha256", "files")}
  text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
  return hashlib.sha256(text.encode()).digest()[:8]


def codes(manifest: Mapping[str, Any]) -> bool:
  """Returns whether a model codes pictures."""
  return CODING_FILE in manifest.get("files", {})
