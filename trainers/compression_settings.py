"""Settings of a training of a codec, and of the network that it trains."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfpercept import models, settings
from tfpercept.models.compression import transform_codec
from tfpercept.tasks import quantizers
from trainers import crop_settings

ARCHITECTURES = transform_codec.names()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(crop_settings.Crops):
  """Settings of a training of a codec.

  Attributes:
    architecture: Registered name of the network, one of `ARCHITECTURES`.
    model: Arguments of the network.
    lmbda: Weights of the distance at the lowest and the highest quality; None
      for those of the network.
    quantizer: Rounding in training, one of `quantizers.QUANTIZERS`.
    fall: Share of the steps, at the end, over which the learning rate falls.
    ema: Share of the moving average of the weights that a step keeps; None for
      the weights of the last step.
  """

  architecture: str = settings.option(
    "mean_scale_hyperprior",
    "Network of the codec; all except factorized_prior serve all rates.",
    choices=ARCHITECTURES,
  )
  model: Mapping[str, Any]
  lmbda: tuple[float, ...] | None = settings.option(
    None,
    "Lambda, the weight of the distance, at the lowest and the highest "
    "quality; by default that of the network, for mse.",
  )
  quantizer: str = settings.option(
    "mixed",
    "Quantizer of the latents in training.",
    choices=tuple(quantizers.QUANTIZERS),
    formerly="quantiser",
  )
  fall: float = settings.option(
    0.3,
    "Share of the steps, at the end, over which the learning rate falls.",
    least=0,
    most=1,
  )
  ema: float | None = settings.option(
    None,
    "Decay of an exponential moving average of the weights, such as 0.9995; "
    "the codec then has the average. By default it has the last weights.",
    least=0.0,
    most=0.9999,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Channels(settings.Settings):
  """The channels of a network that is trained from the start.

  Attributes:
    size: Name of the channels, one of those of the network.
    widths: Hidden channels of the transforms; None for those of `size`.
    latents: Channels of latents; None for those of `size`.
    hyper_width: Hidden channels of the hyper-transforms; None for those of
      `size`.
    hyper_latents: Channels of hyper-latents; None for those of `size`.
    blocks: Number of residual blocks of each transform; None for those of
      `size`.
  """

  size: str = settings.option(
    "tiny",
    "Channels of the network, by name.",
    choices=tuple(transform_codec.SIZES),
  )
  widths: tuple[int, ...] | None = settings.option(
    None, "Hidden channels of the transforms; by default those of --size."
  )
  latents: int | None = settings.option(
    None, "Channels of the latents; by default those of --size.", least=1
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
  blocks: int | None = settings.option(
    None,
    "Number of residual blocks of each transform; by default "
    f"{transform_codec.BLOCKS}, and for hific those of --size.",
    least=0,
  )

  def arguments(self, architecture: str) -> dict[str, Any]:
    """Returns the arguments of a network that has these channels.

    Args:
      architecture: Registered name of the network.

    Raises:
      ValueError: if channels are given that the network does not have.
    """
    given = {
      name: value for name, value in self.to_json().items() if value is not None
    }
    network: Any = models.MODELS.get(architecture)
    sizes = network.sizes[self.size]
    made = {"blocks": transform_codec.BLOCKS, **sizes, **given}
    known = models.MODELS.options(architecture)
    if none := sorted(given.keys() - known - {"size"}):
      flags = " or ".join(f"--{name}" for name in none)
      raise ValueError(f"{architecture} has no {flags}; leave it out")
    return {key: value for key, value in made.items() if key in known}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start(settings.Settings):
  """The codec that a training starts from.

  Attributes:
    initial: Folder of a run, or name of a model; None for a new network.
  """

  initial: str | None = settings.option(
    None,
    "Run folder or model to start from. It gives the network and the weights, "
    "instead of the flags of the network. With --loss=mse, --lmbda gives its "
    "qualities another range of rates; --latents and --widths give it more "
    "channels; --architecture=channel_wise_hyperprior makes one of a "
    "mean-scale hyperprior.",
  )
