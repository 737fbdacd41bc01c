"""Trains a learned image codec, for any distance and all rates at once.

    python -m trainers.compression --data=photos --steps=40000 --out=runs/codec
    python -m trainers.compression --data=photos --initial=runs/codec \
        --loss=ms_ssim --lmbda=3,200 --steps=8000 --out=runs/codec_ms_ssim

If the training is killed, the same command resumes it. `--out` holds the codec
as of the last interval, which `tfpercept compress --model` takes.
"""

import dataclasses

import keras
from absl import flags, logging

from programs import derived_flags, program
from tfpercept import distances, models, training
from tfpercept.models.compression import warm_start
from trainers import (
  compression_runs,
  compression_settings,
  compression_validation,
  run_flags,
  shared_settings,
)

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_SETTINGS = derived_flags.Flags(compression_settings.Settings)
_CHANNELS = derived_flags.Flags(compression_settings.Channels)
_START = derived_flags.Flags(compression_settings.Start)
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


def _started() -> tuple[compression_settings.Settings, keras.Model | None]:
  """Returns the settings, and the network to start from, if there is one."""
  own, channels = _SETTINGS.read(model={}), _CHANNELS.read()
  start = _START.read().initial
  if not start:
    model = channels.arguments(own.architecture)
    return dataclasses.replace(own, model=model), None
  initial, manifest = models.load(start, dtype="float32")
  architecture = manifest["model"]
  if "architecture" in _SETTINGS.given():
    architecture = own.architecture
    warm_start.require_heir(architecture, manifest["model"])
  _refuse_others()
  objective = distances.get(run_flags.losses()[-1])
  if own.lmbda and objective.spec == "mse":
    initial = warm_start.with_rates(initial, own.lmbda)
  if channels.widths is not None:
    initial = warm_start.with_widths(initial, channels.widths)
  model = {k: v for k, v in initial.get_config().items() if k != "name"}
  if channels.latents is not None:
    model["latents"] = channels.latents
  told = {"architecture": architecture, "initial": manifest["sha256"]}
  return dataclasses.replace(own, model=model, **told), initial


def _refuse_others() -> None:
  """Raises ValueError for flags that `--initial` has the answer to."""
  given = {*_SETTINGS.given(), *_CHANNELS.given()} - {"latents", "widths"}
  fields = [
    field.name for field in dataclasses.fields(compression_settings.Channels)
  ]
  for name in fields:
    if name in given:
      raise ValueError(
        f"--initial brings its own network; drop --{name}, or train a network "
        "of that size from the start"
      )


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
