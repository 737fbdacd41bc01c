"""HiFiC: the codec network of high-fidelity generative image compression."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.models import base as models_base
from tfpercept.models.compression import (
  hific_transforms,
  hyperprior,
  transform_codec,
)
from tfpercept.ops import checks

SIZES: Mapping[str, Mapping[str, int]] = {
  "tiny": {
    "base": 16, "latents": 96, "blocks": 3,
    "hyper_width": 96, "hyper_latents": 64,
  },
  "base": {
    "base": 32, "latents": 160, "blocks": 6,
    "hyper_width": 192, "hyper_latents": 192,
  },
  "large": {
    "base": 60, "latents": 220, "blocks": 9,
    "hyper_width": 320, "hyper_latents": 320,
  },
}  # fmt: skip
"""Channels and blocks: ours for two processor cores, one between, and those of
the paper."""
CODEC = "hific"
"""Name of the bitstream: that of `hyperprior` under an id of its own."""
LMBDA = 0.075 * 2.0**-5 / 2.0
"""Weight of squared errors of 8-bit values beside a bit per pixel at the
paper's lowest rate: its k_M over its lambda_a."""


def _entropy_model(
  latents: int, *, levels: int, hyper_width: int, hyper_latents: int
) -> hyperprior.HyperpriorModel:
  made = hyperprior.HyperpriorModel(
    latents,
    levels=levels,
    hyper_width=hyper_width,
    hyper_latents=hyper_latents,
    has_means=True,
  )
  # Read as those of a hyperprior, but files tell what makes the picture.
  made.codec = CODEC
  # ChannelNorm of latents takes in all of them; more would change all others.
  made.can_widen = False
  # What refinement lowers, the distance, is not what a critic asks for.
  made.can_refine = False
  return made


@models_base.register("hific")
class HiFiC(transform_codec.TransformCodec):
  """Codes pictures at one rate, with a generator as its synthesis.

  Trained against a critic, the generator makes up detail that latents do not
  tell of. Entropy parameters are those of a mean-scale hyperprior in whole
  numbers, so its files are read to the same latents by every machine.

  Input and what is raised are those of `TransformCodec`; sides are multiples of
  64.

  Args:
    base: Number of channels of the first layer; each of the next four has twice
      as many. The paper has 60.
    latents: Number of channels of the latents, the paper's bottleneck of 220.
    blocks: Number of residual blocks of the generator. The paper has 9.
    hyper_width: Number of hidden channels of the hyper-transforms. The paper
      has 320.
    hyper_latents: Number of channels of the hyper-latents. The paper has 320.
    linear: Whether the linear transforms of the other networks stand beside
      encoder and generator, so that `start` makes them the Karhunen-Loève
      transform. The paper has none; a training of minutes gets nowhere without.
    lmbda: Weights of squared errors of 8-bit values, two numbers; their
      geometric mean tells the step of latents that `start` takes if `linear`.
    dtype: Keras dtype or policy of the transforms; the rest is float32.
    name: Keras model name.

  Source: Mentzer, Toderici, Tschannen, Agustsson, "High-fidelity generative
  image compression", 2020, figure 2 and appendix A. Differs: the two nets of
  the hyper-synthesis share their hidden layers, in whole numbers; latents have
  learned gains.
  """

  sizes = SIZES

  def __init__(
    self,
    *,
    base: int = 16,
    latents: int = 96,
    blocks: int = 3,
    hyper_width: int = 96,
    hyper_latents: int = 64,
    linear: bool = False,
    lmbda: Sequence[float] = (LMBDA, LMBDA),
    dtype: str | None = None,
    name: str | None = None,
  ):
    if not checks.is_whole(base) or base < 2:
      raise ValueError(f"hific needs a base of 2 channels or more; got {base}")
    super().__init__(
      widths=[base * 2**i for i in range(hific_transforms.DEPTH)],
      latents=latents,
      blocks=blocks,
      levels=None,
      lmbda=lmbda,
      dtype=dtype,
      name=name,
      entropy_model=_entropy_model,
      options={"hyper_width": hyper_width, "hyper_latents": hyper_latents},
      transforms_of=functools.partial(_transforms, linear=bool(linear)),
      depth=hific_transforms.DEPTH,
    )
    self._is_linear = bool(linear)

  @property
  def halo(self) -> int:
    return hific_transforms.halo(super().get_config()["blocks"])

  def start(self, blocks: np.ndarray) -> None:
    if self._is_linear:
      super().start(blocks)
      return
    x = tf.constant(blocks, tf.float32)
    y = self.analysis(x, tf.ones([len(blocks)]))
    self.entropy_model.start(np.maximum(np.std(y, axis=(0, 1, 2)), 1e-3))

  def get_config(self) -> dict[str, Any]:
    kept = super().get_config()
    base, *_ = kept.pop("widths")
    return {"base": base, "linear": self._is_linear, **kept}


def _transforms(
  widths: Sequence[int],
  latents: int,
  *,
  blocks: int,
  levels: int,
  dtype: str | None,
  linear: bool,
) -> tuple[hific_transforms.Encoder, hific_transforms.Generator]:
  del levels  # there is one
  return (
    hific_transforms.Encoder(widths, latents, linear=linear, dtype=dtype),
    hific_transforms.Generator(
      widths[::-1], blocks=blocks, linear=linear, dtype=dtype
    ),
  )
