"""Networks only, one file each; `load` and `save` keep trained ones."""

from tfpercept.manifests import read as read_manifest
from tfpercept.models.autoencoder import Autoencoder
from tfpercept.models.base import MODELS, load, save
from tfpercept.models.channel_wise import ChannelWiseHyperprior
from tfpercept.models.digit_classifier import DigitClassifier
from tfpercept.models.factorized import FactorizedPrior
from tfpercept.models.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from tfpercept.models.pim import PIMNetwork
from tfpercept.models.pim_weights import pim_from_arrays
from tfpercept.models.srcnn import SRCNN
from tfpercept.models.toy_codecs import ToyTransformCodec, ToyVectorQuantizer
from tfpercept.models.vae import VAE

__all__ = [
  "MODELS",
  "SRCNN",
  "VAE",
  "Autoencoder",
  "ChannelWiseHyperprior",
  "DigitClassifier",
  "FactorizedPrior",
  "MeanScaleHyperprior",
  "PIMNetwork",
  "ScaleHyperprior",
  "ToyTransformCodec",
  "ToyVectorQuantizer",
  "load",
  "pim_from_arrays",
  "read_manifest",
  "save",
]
