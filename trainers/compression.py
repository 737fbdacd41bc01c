"""Trains a learned image codec for rate and any distance, all rates at once.

    python -m trainers.compression --data=photos --steps=40000 --out=runs/codec
    python -m trainers.compression --data=photos --initial=runs/codec \
        --loss=ms_ssim --lmbda=3,200 --steps=8000 --out=runs/codec_ms_ssim

Killed at any moment, the same command resumes it. `--out` holds the codec as of
the last interval, which `tfpercept compress --model` takes.
"""

from typing import Any

from absl import flags, logging

from programs import program
from tfpercept import distances, models, training
from tfpercept.models.compression import transform_codec, warm_start
from tfpercept.tasks import quantizers
from trainers import compression_runs, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_DATA = flags.DEFINE_multi_string(
  "data", ["packaged"], "'packaged', a folder or a tfds name; may be repeated."
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Let tfds download.")
_SIDES = flags.DEFINE_list(
  "sides",
  [],
  "Lengths in pixels that the longer side of each picture is reduced to; a "
  "picture is used at each of them.",
)
_LARGEST = flags.DEFINE_float(
  "largest", 1.0, "Pictures are reduced by this factor at least.", 0.0, 1.0
)
_PATCH = flags.DEFINE_integer(
  "patch", 192, "Side of the crops, a multiple of 64.", 64
)
_BATCH = flags.DEFINE_integer("batch", 4, "Crops in a batch.", 1)
_ARCHITECTURE = flags.DEFINE_enum(
  "architecture",
  "mean_scale_hyperprior",
  compression_runs.ARCHITECTURES,
  "The network; all but a factorized_prior serve all rates at once.",
)
_SIZE = flags.DEFINE_enum(
  "size", "tiny", tuple(transform_codec.SIZES), "Channels of the network."
)
_WIDTHS = flags.DEFINE_list(
  "widths", None, "Hidden channels of the transforms, unlike those of --size."
)
_CHANNELS = {
  name: flags.DEFINE_integer(name, None, f"{what}, unlike --size says.", 1)
  for name, what in {
    "latents": "Channels of latents",
    "hyper_width": "Hidden channels of the hyper-transforms",
    "hyper_latents": "Channels of hyper-latents",
  }.items()
}
_BLOCKS = flags.DEFINE_integer(
  "blocks", transform_codec.BLOCKS, "Residual blocks of each transform.", 0
)
_LMBDA = flags.DEFINE_list(
  "lmbda",
  None,
  "Weight of the distance at the lowest and the highest quality; by default "
  "those of the network, for mse.",
)
_QUANTISER = flags.DEFINE_enum(
  "quantiser", "mixed", tuple(quantizers.QUANTISERS), "Rounding in training."
)
_FALL = flags.DEFINE_float(
  "fall",
  0.3,
  "Share of the steps, at the end, over which the rate falls.",
  0,
  1,
)
_EMA = flags.DEFINE_float(
  "ema",
  None,
  "Keep an exponential moving average of the weights, of which a step keeps "
  "this share, such as 0.9995; by default the weights themselves are kept.",
  0.0,
  1.0,
)
_VALIDATION = flags.DEFINE_multi_string(
  "validation",
  [],
  "Folder of pictures that are not trained on. Their loss and BD-rate against "
  "JPEG go to validation.csv as the codec trains. May be repeated.",
)
_VALIDATION_INTERVAL = flags.DEFINE_integer(
  "validation_interval",
  2000,
  "Steps between two measurements of --validation, a multiple of --interval.",
  1,
)
_INITIAL = flags.DEFINE_string(
  "initial",
  None,
  "A run to start from: its network and weights, in place of flags that say "
  "what network. With --loss=mse, --lmbda gives its qualities another range; "
  "--latents gives it more channels.",
)


def main() -> None:
  settings = {
    "data": _DATA.value,
    "sides": [int(side) for side in _SIDES.value],
    "largest": _LARGEST.value,
    "patch": _PATCH.value,
    "batch": _BATCH.value,
    "architecture": _ARCHITECTURE.value,
    "model": _network(),
    "lmbda": [float(end) for end in _LMBDA.value] if _LMBDA.value else None,
    "quantiser": _QUANTISER.value,
    "fall": _FALL.value,
    "ema": _EMA.value,
  }
  initial = None
  if _INITIAL.value:
    _refuse_others()
    initial, manifest = models.load(_INITIAL.value, dtype="float32")
    settings["architecture"] = manifest["model"]
    settings["initial"] = manifest["sha256"]
    objective = distances.get(run_flags.losses()[-1])
    if settings["lmbda"] and objective.spec == "mse":
      initial = warm_start.with_rates(initial, settings["lmbda"])
    settings["model"] = {
      k: v for k, v in initial.get_config().items() if k != "name"
    }
    if _CHANNELS["latents"].value is not None:
      settings["model"]["latents"] = _CHANNELS["latents"].value
  run = run_flags.run(settings)
  if _VALIDATION.value and _VALIDATION_INTERVAL.value % run.interval:
    raise ValueError(
      "--validation_interval is a multiple of --interval, at the ends of which "
      f"it is looked at; got {_VALIDATION_INTERVAL.value} and {run.interval}"
    )
  compression_runs.train(
    run,
    initial=initial,
    download=_DOWNLOAD.value,
    validation=(_VALIDATION.value, _VALIDATION_INTERVAL.value),
  )
  logging.info("Trained codec in %s", run.out / "model")


def _network() -> dict[str, Any]:
  """Returns the arguments of the network that the flags ask for."""
  made = {**transform_codec.SIZES[_SIZE.value], "blocks": _BLOCKS.value}
  if _WIDTHS.value:
    made["widths"] = [int(width) for width in _WIDTHS.value]
  made |= {k: f.value for k, f in _CHANNELS.items() if f.value is not None}
  known = models.MODELS.options(_ARCHITECTURE.value)
  return {key: value for key, value in made.items() if key in known}


def _refuse_others() -> None:
  """Raises ValueError for flags that `--initial` has the answer to."""
  channels = [flag for name, flag in _CHANNELS.items() if name != "latents"]
  others = (_ARCHITECTURE, _SIZE, _WIDTHS, _BLOCKS, *channels)
  for flag in others:
    if flag.present:
      raise ValueError(
        f"--initial brings its own network; drop --{flag.name}, or train a "
        "network of that kind from the start"
      )


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
