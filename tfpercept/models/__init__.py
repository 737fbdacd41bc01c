"""Networks only, one file each; `load` and `save` keep trained ones."""

from tfpercept.models.base import MODELS, load, save
from tfpercept.models.srcnn import SRCNN

__all__ = ["MODELS", "SRCNN", "load", "save"]
