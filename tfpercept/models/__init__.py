"""Networks only, one file each; `load` and `save` keep trained ones."""

from tfpercept.models.base import MODELS, load, save
from tfpercept.models.pim import PIMNetwork, pim_from_arrays
from tfpercept.models.srcnn import SRCNN

__all__ = ["MODELS", "SRCNN", "PIMNetwork", "load", "pim_from_arrays", "save"]
