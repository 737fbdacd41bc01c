"""What a file says of the model that wrote it, told from a model's manifest."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tfpercept.codecs.bitstream.header import CODEC_IDS

NUMBERS = {
  "factorized_prior": CODEC_IDS["factorized"],
  "scale_hyperprior": CODEC_IDS["hyperprior"],
  "mean_scale_hyperprior": CODEC_IDS["hyperprior"],
  "channel_wise_hyperprior": CODEC_IDS["channel_wise"],
}
"""What files say of the network, by its name."""
CODING_FILE = "coding.npz"
"""Of a model folder: what a codec keeps beside the weights."""


def number(manifest: Mapping[str, Any]) -> int:
  """Returns the number of the codec in the files of a model."""
  return NUMBERS[manifest["model"]]


def identity(manifest: Mapping[str, Any]) -> bytes:
  """Returns what files name the model by: 8 bytes.

  They are of the SHA-256 over its architecture, weights and tables.
  """
  kept = {key: manifest[key] for key in ("model", "config", "sha256", "files")}
  text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
  return hashlib.sha256(text.encode()).digest()[:8]


def codes(manifest: Mapping[str, Any]) -> bool:
  """Whether a model codes pictures."""
  return CODING_FILE in manifest.get("files", {})
