"""Networks, one file each; `save` and `load` store trained ones."""

from tfpercept.manifests import read as read_manifest
from tfpercept.models.autoencoders.autoencoder import Autoencoder
from tfpercept.models.autoencoders.vae import VAE
from tfpercept.models.base import MODELS, load, save
from tfpercept.models.compression.channel_wise import ChannelWiseHyperprior
from tfpercept.models.compression.factorized import FactorizedPrior
from tfpercept.models.compression.hific import HiFiC
from tfpercept.models.compression.hyperprior import (
  MeanScaleHyperprior,
  ScaleHyperprior,
)
from tfpercept.models.compression.realism import RealismHead
from tfpercept.models.compression.toy_codecs import (
  ToyTransformCodec,
  ToyVectorQuantizer,
)
from tfpercept.models.digit_classifier import DigitClassifier
from tfpercept.models.generators.dcgan import DCGAN
from tfpercept.models.generators.klt_generator import KLTGenerator
from tfpercept.models.generators.pca import PCA
from tfpercept.models.generators.vae_gan import VAEGAN
from tfpercept.models.patch_critic import PatchCritic
from tfpercept.models.perceptual.pim import PIMNetwork
from tfpercept.models.perceptual.pim_weights import pim_from_arrays
from tfpercept.models.srcnn import SRCNN

__all__ = [
  "DCGAN",
  "MODELS",
  "PCA",
  "SRCNN",
  "VAE",
  "VAEGAN",
  "Autoencoder",
  "ChannelWiseHyperprior",
  "DigitClassifier",
  "FactorizedPrior",
  "HiFiC",
  "KLTGenerator",
  "MeanScaleHyperprior",
  "PIMNetwork",
  "PatchCritic",
  "RealismHead",
  "ScaleHyperprior",
  "ToyTransformCodec",
  "ToyVectorQuantizer",
  "load",
  "pim_from_arrays",
  "read_manifest",
  "save",
]
