"""Trains PIM without labels, on pairs that show nearly the same.

    python -m trainers.pim --clips=film.mp4 --photos=pictures --out=runs/pim

A pair is two neighbouring frames of a clip, or two slightly moved, turned,
zoomed and lit views of a photograph. With both, each gives half of a batch.
Killed at any moment, the same command resumes it.
"""

import dataclasses
import functools

from absl import flags, logging

from programs import program
from tfpercept import models, training
from tfpercept.data import identity, pairs, sources, video
from tfpercept.models.perceptual import pim
from tfpercept.tasks import pim as slowness
from tfpercept.training import precision
from trainers import initial_weights, run_flags

flags.adopt_module_key_flags(run_flags)  # so that --help lists them
_CLIPS = flags.DEFINE_multi_string(
  "clips", [], "A video file or a folder of frames; may be repeated."
)
_MAX_SIDE = flags.DEFINE_integer(
  "max_side", 640, "Longer frames are reduced to this side.", 16
)
_GAP = flags.DEFINE_integer("gap", 1, "Frames between those of a pair.", 1)
_PHOTOS = flags.DEFINE_multi_string(
  "photos", [], "A folder of still pictures; may be repeated."
)
_PATCH = flags.DEFINE_integer("patch", 64, "Side of the crops.", 8)
_BATCH = flags.DEFINE_integer("batch", 16, "Pairs in a batch.", 2)
_MARGINAL = flags.DEFINE_enum(
  "marginal",
  "bands",
  slowness.MARGINALS,
  "Where bands are averaged.",
)
_MIXTURES = flags.DEFINE_integer("mixtures", 1, "5 for PIM-5.", 1)
_FRONT_END = flags.DEFINE_enum(
  "front_end", "steerable", pim.FRONT_ENDS, "How images are split."
)
_WIDTH = flags.DEFINE_integer("width", 64, "Filters of hidden layers.", 1)
_Z_DIM = flags.DEFINE_integer("z_dim", 10, "Length of the latent.", 1)
_LINEAR_HEAD = flags.DEFINE_bool(
  "linear_head", False, "A linear layer after the ReLU of the means."
)
_INITIAL = flags.DEFINE_string(
  "initial",
  None,
  "A finished run of a like network, to start from its weights.",
)


def main() -> None:
  model = {
    "mixtures": _MIXTURES.value,
    "front_end": _FRONT_END.value,
    "width": _WIDTH.value,
    "z_dim": _Z_DIM.value,
    "linear_head": _LINEAR_HEAD.value,
  }
  initial, told = initial_weights.load(_INITIAL.value)
  run = run_flags.run(
    {
      "clips": _CLIPS.value,
      "max_side": _MAX_SIDE.value,
      "gap": _GAP.value,
      "photos": _PHOTOS.value,
      "patch": _PATCH.value,
      "batch": _BATCH.value,
      "marginal": _MARGINAL.value,
      "model": model,
      **told,
    }
  )
  run = dataclasses.replace(run, loss="ixyz")  # the bound; --loss has no say
  paths = {"clips": _CLIPS.value, "photos": _PHOTOS.value}
  run = run.on(
    **{k: functools.partial(identity.of_paths, v) for k, v in paths.items()}
  )
  data = _data(run)
  with training.prepare(run).scope():
    network = models.PIMNetwork(
      **model, seed=run.seed, dtype=precision.policy(run.precision)
    )
    network.standardise(data.at(0)[0])
    initial_weights.start(network, initial)
    task = slowness.Slowness(
      network, marginal=run.settings["marginal"], seed=run.seed
    )
  training.fit(task, data, run)
  models.save(network, run.out / "model", training=run.to_json())
  logging.info("Trained model in %s", run.out / "model")


def _data(run: training.Run) -> pairs.Joined:
  """Shares the batch between frames and photographs, if there are both."""
  settings = run.settings
  clips, photos = settings["clips"], settings["photos"]
  if not clips and not photos:
    raise ValueError("nothing to train on; give --clips, --photos or both")
  half = settings["batch"] // 2 if clips and photos else 0
  common = {"patch": settings["patch"], "seed": run.seed}
  parts = []
  if clips:
    frames = video.load(clips, max_side=settings["max_side"])
    batch = half or settings["batch"]
    parts.append(
      pairs.FramePairs(frames, batch=batch, gap=settings["gap"], **common)
    )
  if photos:
    paths = [p for folder in photos for p in sources.pictures_in(folder)]
    skip = "skip_damaged" in settings
    pictures = list(sources.read_all(paths, skip_damaged=skip).values())
    batch = settings["batch"] - half
    parts.append(pairs.StillPairs(pictures, batch=batch, **common))
  return pairs.Joined(parts)


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
