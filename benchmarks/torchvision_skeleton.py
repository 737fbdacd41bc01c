"""The networks of torchvision that LPIPS is built on, without weights.

torchvision comes with no build for many a PyTorch, and LPIPS imports it only to
have these layers, CompressAI to list its transforms. `install` puts this in its
place where it is missing.
"""

import importlib.util
import sys
import types

import torch
from torch import nn


class Features(nn.Module):
  """A network of which only `features` are used."""

  def __init__(self, *layers: nn.Module):
    super().__init__()
    self.features = nn.Sequential(*layers)


class Fire(nn.Module):
  """The module of SqueezeNet (Iandola et al. 2016, section 3.2)."""

  def __init__(self, inputs: int, squeeze: int, expand: int):
    super().__init__()
    self.squeeze = nn.Conv2d(inputs, squeeze, 1)
    self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
    self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x = torch.relu(self.squeeze(x))
    parts = [torch.relu(e(x)) for e in (self.expand1x1, self.expand3x3)]
    return torch.cat(parts, 1)


def alexnet(pretrained: bool = False) -> Features:
  """AlexNet's layers, as torchvision has them."""
  _refuse(pretrained)
  return Features(
    nn.Conv2d(3, 64, 11, 4, 2),
    nn.ReLU(),
    nn.MaxPool2d(3, 2),
    nn.Conv2d(64, 192, 5, padding=2),
    nn.ReLU(),
    nn.MaxPool2d(3, 2),
    nn.Conv2d(192, 384, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(384, 256, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(256, 256, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(3, 2),
  )


def vgg16(pretrained: bool = False) -> Features:
  """VGG-16's layers."""
  _refuse(pretrained)
  layers, inputs = [], 3
  for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    for _ in range(count):
      layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
      inputs = width
    layers.append(nn.MaxPool2d(2, 2))
  return Features(*layers)


def squeezenet1_1(pretrained: bool = False) -> Features:
  """SqueezeNet 1.1's layers."""
  _refuse(pretrained)
  return Features(
    nn.Conv2d(3, 64, 3, 2),
    nn.ReLU(),
    nn.MaxPool2d(3, 2, ceil_mode=True),
    Fire(64, 16, 64),
    Fire(128, 16, 64),
    nn.MaxPool2d(3, 2, ceil_mode=True),
    Fire(128, 32, 128),
    Fire(256, 32, 128),
    nn.MaxPool2d(3, 2, ceil_mode=True),
    Fire(256, 48, 192),
    Fire(384, 48, 192),
    Fire(384, 64, 256),
    Fire(512, 64, 256),
  )


def install() -> None:
  """Makes `from torchvision import models, transforms` work everywhere."""
  if "torchvision" in sys.modules or importlib.util.find_spec("torchvision"):
    return
  package, models, transforms = (
    types.ModuleType(f"torchvision{part}")
    for part in ("", ".models", ".transforms")
  )
  models.alexnet = alexnet
  models.vgg16 = vgg16
  models.squeezenet1_1 = squeezenet1_1
  package.models, package.transforms = models, transforms
  sys.modules |= {m.__name__: m for m in (package, models, transforms)}


def _refuse(pretrained: bool) -> None:
  if pretrained:
    raise ValueError("there are no weights here; ask for pnet_rand=True")
