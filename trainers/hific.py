"""Trains HiFiC, a codec whose generator makes up detail, in two stages.

    python -m trainers.hific --flagfile=trainers/presets/hific_tiny.flags \
        --data=photos --out=runs/first
    python -m trainers.hific --stage=adversarial --initial=runs/first \
        --flagfile=trainers/presets/hific_tiny_adversarial.flags \
        --data=photos --out=runs/second

The first stage lowers rate, squared errors and the distance of `--loss`; the
second adds a critic. If a training is killed, the same command resumes it.
`--out` holds the codec as of the last interval, which `tfpercept compress
--model` takes.
"""

import dataclasses

import keras
from absl import flags, logging

from programs import derived_flags, program
from tfpercept import models, training
from trainers import (
  hific_settings,
  hific_training,
  run_flags,
  shared_settings,
)

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
for _name, _value in (
  ("loss", ["lpips"]),
  ("learning_rate", 1e-4),
  ("skip_nonfinite", 10),
):
  flags.FLAGS.set_default(_name, _value)
_SETTINGS = derived_flags.Flags(hific_settings.Settings)
_CHANNELS = derived_flags.Flags(hific_settings.Channels)
_START = derived_flags.Flags(hific_settings.Start)
_ACCESS = derived_flags.Flags(shared_settings.Access)


def main() -> None:
  own, initial = _started()
  run = run_flags.run(own)
  hific_training.train(run, initial=initial, download=_ACCESS.read().download)
  logging.info("Trained codec in %s", run.out / "model")


def _started() -> tuple[hific_settings.Settings, keras.Model | None]:
  """Returns the settings, and the network to start from, if there is one."""
  own, start = _SETTINGS.read(model={}), _START.read().initial
  if not start:
    own.control()  # refuses wrong weights before they are divided by
    given = {"k_m": own.k_m, "rate": own.rate_weights[0]}
    model = _CHANNELS.read().arguments(given)
    return dataclasses.replace(own, model=model), None
  if channels := _CHANNELS.given():
    raise ValueError(
      f"--initial brings its own network; drop --{channels[0]}, or train a "
      "network of that size from the start"
    )
  initial, manifest = models.load(start, dtype="float32")
  if manifest["model"] != "hific":
    raise ValueError(
      f"--initial is a run of HiFiC; {start} holds a {manifest['model']}"
    )
  model = {k: v for k, v in initial.get_config().items() if k != "name"}
  return dataclasses.replace(
    own, model=model, initial=manifest["sha256"]
  ), initial


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
