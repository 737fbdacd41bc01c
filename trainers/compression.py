"""Trains a learned image codec, for any distance and all rates at once.

    python -m trainers.compression --data=photos --steps=40000 --out=runs/codec
    python -m trainers.compression --data=photos --initial=runs/codec \
        --loss=ms_ssim --lmbda=3,200 --steps=8000 --out=runs/codec_ms_ssim

If the training is killed, the same command resumes it. `--out` holds the codec
as of the last interval, which `tfpercept compress --model` takes.
"""

import dataclasses
from typing import Any

import keras
from absl import flags, logging

from programs import derived_flags, program
from tfpercept import distances, models, settings, training
from tfpercept.models.compression import transform_codec, warm_start
from trainers import (
  compression_runs,
  compression_validation,
  run_flags,
  shared_settings,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Channels(settings.Settings):
  """The channels of a network that is trained from the start.

  Attributes:
    size: Name of the channels, one of `transform_codec.SIZES`.
    widths: Hidden channels of the transforms; None for those of `size`.
    latents: Channels of latents; None for those of `size`.
    hyper_width: Hidden channels of the hyper-transforms; None for those of
      `size`.
    hyper_latents: Channels of hyper-latents; None for those of `size`.
    blocks: Number of residual blocks of each transform.
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
  blocks: int = settings.option(
    transform_codec.BLOCKS,
    "Number of residual blocks of each transform.",
    least=0,
  )

  def arguments(self, architecture: str) -> dict[str, Any]:
    """Returns the arguments of a network that has these channels.

    Args:
      architecture: Registered name of the network.
    """
    given = {name: value for name, value in self.to_json().items() if value}
    made = {**transform_codec.SIZES[self.size], "blocks": self.blocks, **given}
    known = models.MODELS.options(architecture)
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
    "qualities another range of rates; --latents gives it more channels.",
  )


flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_SETTINGS = derived_flags.Flags(compression_runs.Settings)
_CHANNELS = derived_flags.Flags(Channels)
_START = derived_flags.Flags(Start)
_ACCESS = derived_flags.Flags(shared_settings.Access)
_VALIDATION = derived_flags.Flags(compression_validation.Settings)


def main() -> None:
  own, initial = _started()
  run, validation = run_flags.run(own), _VALIDATION.read()
  validation.require(run.interval)
  compression_runs.train(
    run,
    initial=initial,
    download=_ACCESS.read().download,
    validation=validation,
  )
  logging.info("Trained codec in %s", run.out / "model")


def _started() -> tuple[compression_runs.Settings, keras.Model | None]:
  """Returns the settings, and the network to start from, if there is one."""
  own, channels = _SETTINGS.read(model={}), _CHANNELS.read()
  start = _START.read().initial
  if not start:
    model = channels.arguments(own.architecture)
    return dataclasses.replace(own, model=model), None
  _refuse_others()
  initial, manifest = models.load(start, dtype="float32")
  objective = distances.get(run_flags.losses()[-1])
  if own.lmbda and objective.spec == "mse":
    initial = warm_start.with_rates(initial, own.lmbda)
  model = {k: v for k, v in initial.get_config().items() if k != "name"}
  if channels.latents is not None:
    model["latents"] = channels.latents
  told = {"architecture": manifest["model"], "initial": manifest["sha256"]}
  return dataclasses.replace(own, model=model, **told), initial


def _refuse_others() -> None:
  """Raises ValueError for flags that `--initial` has the answer to."""
  given = {*_SETTINGS.given(), *_CHANNELS.given()} - {"latents"}
  fields = [field.name for field in dataclasses.fields(Channels)]
  for name in ("architecture", *fields):
    if name in given:
      raise ValueError(
        f"--initial brings its own network; drop --{name}, or train a network "
        "of that kind from the start"
      )


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
