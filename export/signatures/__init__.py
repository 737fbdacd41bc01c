"""Exported functions of each kind of network; one file a kind."""

from export.signatures.autoencoders import AutoencoderSignatures, VAESignatures
from export.signatures.base import (
  SIGNATURES,
  Signature,
  Signatures,
  Tensor,
  load,
)
from export.signatures.codecs import CodecSignatures
from export.signatures.srcnn import SRCNNSignatures

__all__ = [
  "SIGNATURES",
  "AutoencoderSignatures",
  "CodecSignatures",
  "SRCNNSignatures",
  "Signature",
  "Signatures",
  "Tensor",
  "VAESignatures",
  "load",
]
