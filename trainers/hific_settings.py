"""Settings of a training of HiFiC, and of the network that it trains."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfpercept import settings
from tfpercept.models.compression import hific
from tfpercept.ops import adversarial
from tfpercept.tasks import (
  critic_spaces,
  generative_compression,
  quantizers,
)
from tfpercept.tasks import rate_control as controls
from trainers import crop_settings

PERCEPTUAL, ADVERSARIAL = STAGES = ("perceptual", "adversarial")
# Where few latents are not 0, the step that balances rate and squared errors is
# larger than the one of high rates: with this the start is near the target.
_COARSER = 1 / 3
_PAPER = generative_compression.PUBLISHED


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data(crop_settings.Crops):
  """Settings of the crops that HiFiC is trained on.

  Attributes:
    held_out: Number of pictures that are not trained on.
  """

  largest: float = settings.again(crop_settings.Crops, "largest", 0.95)
  held_out: int = settings.option(
    4,
    "Number of pictures, the last ones, that are not trained on. The critic's "
    "divergence is estimated on them.",
    least=1,
  )
  patch: int = settings.again(crop_settings.Crops, "patch", 256)
  batch: int = settings.again(crop_settings.Crops, "batch", 8)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Data):
  """Settings of a training of HiFiC in either stage.

  Attributes:
    stage: One of `STAGES`.
    model: Arguments of the network.
    k_m: Weight of squared errors of 8-bit values.
    k_p: Weight of the perceptual distance, the loss of the run.
    target: Rate to keep, in bits per pixel.
    rate_weights: Weights of the rate above the target and below it.
    rate_control: Name of the control, one of `controls.CONTROLS`.
    dual_pace: Pace of the control `dual`.
    rate_warmup: Steps with a higher target.
    quantizer: Rounding in training, one of `quantizers.QUANTIZERS`.
    fall: Share of the steps, at the end, over which the learning rate falls.
    ema: Share of the moving average of the weights that a step keeps; None for
      the weights of the last step.
    game: Losses of critic and generator, one of `adversarial.ADVERSARIAL`.
    beta: Weight of the adversarial part.
    critic_space: Space in which the critic sees pictures, one of
      `critic_spaces.SPACES`.
    critic_widths: Channels of the critic.
    critic_warmup: Steps in which the critic alone moves.
    critic_rate: Learning rate of the critic beside that of the codec.
    in_turns: Whether critic and codec take turns.
  """

  stage: str = settings.option(
    PERCEPTUAL,
    "Stage of the training: perceptual is without a critic; adversarial goes "
    "on from the run of --initial, with a new critic.",
    choices=STAGES,
  )
  model: Mapping[str, Any]
  k_m: float = settings.option(
    _PAPER.mse, "Weight of squared errors of 8-bit values.", least=0.0
  )
  k_p: float = settings.option(
    _PAPER.perceptual, "Weight of the distance of --loss.", least=0.0
  )
  target: float = settings.option(
    0.14, "Rate to keep, in bits per pixel.", above=0.0
  )
  rate_weights: tuple[float, ...] = settings.option(
    (2.0, 0.0625),
    "Weights of the rate, in bits per pixel: above the target, and below it.",
  )
  rate_control: str = settings.option(
    "switch",
    "Control of the rate: switch takes either weight; dual moves between them "
    "step by step.",
    choices=tuple(controls.CONTROLS),
  )
  dual_pace: float = settings.option(
    0.1,
    "Growth of the logarithm of the weight in a step, for each bit per pixel "
    "above the target, where --rate_control=dual.",
    above=0.0,
  )
  rate_warmup: int = settings.option(
    0,
    "Number of steps in which the target is 10/7 times as high and the "
    "weights are half.",
    least=0,
  )
  quantizer: str = settings.option(
    "mixed",
    "Quantizer of the latents in training.",
    choices=tuple(quantizers.QUANTIZERS),
  )
  fall: float = settings.option(
    0.3,
    "Share of the steps, at the end, over which the learning rate falls.",
    least=0,
    most=1,
  )
  ema: float | None = settings.option(
    0.999,
    "Decay of an exponential moving average of the weights; the codec then "
    "has the average.",
    least=0.0,
    most=0.9999,
  )
  game: str = settings.option(
    "non_saturating",
    "Losses of critic and generator.",
    choices=tuple(adversarial.ADVERSARIAL),
  )
  beta: float = settings.option(
    _PAPER.adversarial, "Weight of the adversarial part.", least=0.0
  )
  critic_space: str = settings.option(
    "pixels",
    "Space in which the critic judges: pixels, or codes of PIM.",
    choices=tuple(critic_spaces.SPACES),
  )
  critic_widths: tuple[int, ...] = settings.option(
    (64, 128, 256, 512), "Channels of the critic, two or more."
  )
  critic_warmup: int = settings.option(
    1000,
    "Number of steps in which the critic alone is trained, at the start of the "
    "adversarial stage.",
    least=0,
  )
  critic_rate: float = settings.option(
    1.0, "Learning rate of the critic over --learning_rate.", above=0.0
  )
  in_turns: bool = settings.option(
    False,
    "Move critic and codec in turns, on batches of their own, instead of both "
    "in each step.",
  )

  @property
  def is_adversarial(self) -> bool:
    """Whether there is a critic."""
    return self.stage == ADVERSARIAL

  @property
  def weights(self) -> generative_compression.Weights:
    """The weights of the parts of the loss."""
    return generative_compression.Weights(self.k_m, self.k_p, self.beta)

  def control(self) -> controls.RateControl:
    """Returns the control of the rate.

    Raises:
      ValueError: if its settings are out of range.
    """
    kind = controls.CONTROLS[self.rate_control]
    more = {"pace": self.dual_pace} if kind is controls.Dual else {}
    return kind(
      self.target, self.rate_weights, warm_up=self.rate_warmup, **more
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Channels(settings.Settings):
  """The network of a first stage.

  Attributes:
    size: Name of the channels, one of `hific.SIZES`.
    base: Channels of the first layer; None for those of `size`.
    latents: Channels of latents; None for those of `size`.
    blocks: Number of residual blocks; None for those of `size`.
    hyper_width: Hidden channels of the hyper-transforms; None for those of
      `size`.
    hyper_latents: Channels of hyper-latents; None for those of `size`.
    linear: Whether linear transforms stand beside encoder and generator.
  """

  size: str = settings.option(
    "tiny",
    "Channels and blocks of the network, by name; large is the paper's.",
    choices=tuple(hific.SIZES),
  )
  base: int | None = settings.option(
    None, "Channels of the first layer; by default those of --size.", least=2
  )
  latents: int | None = settings.option(
    None, "Channels of the latents; by default those of --size.", least=1
  )
  blocks: int | None = settings.option(
    None,
    "Residual blocks of the generator; by default those of --size.",
    least=0,
  )
  hyper_width: int | None = settings.option(
    None,
    "Hidden channels of the hyper-transforms; by default those of --size.",
    least=1,
  )
  hyper_latents: int | None = settings.option(
    None,
    "Channels of the hyper-latents; by default those of --size.",
    least=1,
  )
  linear: bool = settings.option(
    False,
    "Put linear transforms of blocks beside encoder and generator, and start "
    "from the Karhunen-Loeve transform. Not in the paper; for short trainings.",
  )

  def arguments(self, own: Mapping[str, float]) -> dict[str, Any]:
    """Returns the arguments of the network.

    Args:
      own: Weight of squared errors, `k_m`, and of a bit per pixel, `rate`,
        which tell the step of latents that training starts at.
    """
    given = {
      key: value
      for key, value in self.to_json().items()
      if value is not None and key != "size"
    }
    lmbda = _COARSER * own["k_m"] / own["rate"]
    ends = [lmbda, lmbda] if lmbda > 0 else [hific.LMBDA] * 2
    return {**hific.SIZES[self.size], **given, "lmbda": ends}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start(settings.Settings):
  """The run that a training starts from.

  Attributes:
    initial: Folder of a run of HiFiC; None for a new network.
  """

  initial: str | None = settings.option(
    None,
    "Run of HiFiC to start from, for --stage=adversarial one of the first "
    "stage. It gives the network and the weights.",
  )
