"""Exported functions of each kind of network; one file a kind."""

from export.signatures.autoencoders import AutoencoderSignatures, VAESignatures
from export.signatures.base import (
  SIGNATURES,
  Signature,
  Signatures,
  Tensor,
  load,
)
from export.signatures.classifiers import ClassifierSignatures
from export.signatures.codecs import CodecSignatures
from export.signatures.distances import DistanceSignatures
from export.signatures.distances import load as load_distance
from export.signatures.generators import GeneratorSignatures
from export.signatures.realism import RealismSignatures
from export.signatures.srcnn import SRCNNSignatures
from export.signatures.toy_codecs import ToyCodecSignatures

__all__ = [
  "SIGNATURES",
  "AutoencoderSignatures",
  "ClassifierSignatures",
  "CodecSignatures",
  "DistanceSignatures",
  "GeneratorSignatures",
  "RealismSignatures",
  "SRCNNSignatures",
  "Signature",
  "Signatures",
  "Tensor",
  "ToyCodecSignatures",
  "VAESignatures",
  "load",
  "load_distance",
]
