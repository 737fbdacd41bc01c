"""How each network is called from outside; one file a network."""

from export.signatures.base import (
  SIGNATURES,
  Signature,
  Signatures,
  Tensor,
  load,
)
from export.signatures.srcnn import SRCNNSignatures

__all__ = [
  "SIGNATURES",
  "SRCNNSignatures",
  "Signature",
  "Signatures",
  "Tensor",
  "load",
]
