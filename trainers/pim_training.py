"""Training of PIM: its settings, and what follows from them."""

import dataclasses
import functools

import keras

from tfpercept import models, settings, training
from tfpercept.data import identity, pairs, sources, video
from tfpercept.models.perceptual import pim
from tfpercept.tasks import pim as pim_task
from tfpercept.training import precision
from trainers import initial_weights, shared_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(settings.Settings):
  """Arguments of the network of PIM.

  Attributes:
    mixtures: Number of Gaussians in the distribution of a latent.
    front_end: Filters before the network, one of `pim.FRONT_ENDS`.
    width: Number of filters of the hidden layers.
    z_dim: Length of the latent.
    linear_head: Whether a linear layer follows the ReLU of the means.
  """

  mixtures: int = settings.option(
    1, "Number of Gaussians of a latent; 5 for PIM-5.", least=1
  )
  front_end: str = settings.option(
    "steerable", "Filters that split images into bands.", choices=pim.FRONT_ENDS
  )
  width: int = settings.option(
    64, "Number of filters of the hidden layers.", least=1
  )
  z_dim: int = settings.option(10, "Length of the latent.", least=1)
  linear_head: bool = settings.option(
    False, "Add a linear layer after the ReLU of the means."
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Network):
  """Settings of a training of PIM.

  Attributes:
    clips: Paths of video files and folders of frames.
    max_side: Longest side of a frame in pixels; longer ones are reduced.
    gap: Number of frames from one of a pair to the other.
    photos: Folders of still pictures.
    patch: Side of the crops, in pixels.
    batch: Number of pairs in a batch.
    marginal: Set that bands are averaged over, one of `tasks.pim.MARGINALS`.
    model: Arguments of the network.
  """

  clips: tuple[str, ...] = settings.option(
    (), "Video file or folder of frames; may be repeated.", repeated=True
  )
  max_side: int = settings.option(
    640,
    "Longest side of a frame in pixels; larger frames are reduced to it.",
    least=16,
  )
  gap: int = settings.option(
    1, "Number of frames from one of a pair to the other.", least=1
  )
  photos: tuple[str, ...] = settings.option(
    (), "Folder of still pictures; may be repeated.", repeated=True
  )
  patch: int = settings.option(64, "Side of the crops, in pixels.", least=8)
  batch: int = settings.option(16, "Number of pairs in a batch.", least=2)
  marginal: str = settings.option(
    "bands", "Set over which bands are averaged.", choices=pim_task.MARGINALS
  )
  model: Layers = dataclasses.field(default_factory=Layers)


def train(
  run: training.Run[Settings], *, initial: keras.Model | None = None
) -> None:
  """Trains PIM, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: The run.
    initial: A network that has the weights to start from; None for random ones.

  Raises:
    ValueError: if a setting is wrong, or the folder holds another run.
  """
  own = run.settings
  run = run.on(
    clips=functools.partial(identity.of_paths, own.clips),
    photos=functools.partial(identity.of_paths, own.photos),
  )
  data = _data(own, run.seed)
  with training.prepare(run).scope():
    network = models.PIMNetwork(
      **own.model.to_json(),
      seed=run.seed,
      dtype=precision.policy(run.precision),
    )
    network.standardise(data.at(0)[0])
    initial_weights.start(network, initial)
    task = pim_task.Slowness(network, marginal=own.marginal, seed=run.seed)
  training.fit(task, data, run)
  models.save(network, run.out / "model", training=run.to_json())


def _data(own: Settings, seed: int) -> pairs.Joined:
  """Splits the batch between frames and photographs, if there are both."""
  if not own.clips and not own.photos:
    raise ValueError("nothing to train on; give --clips, --photos or both")
  half = own.batch // 2 if own.clips and own.photos else 0
  parts: list[pairs.FramePairs | pairs.StillPairs] = []
  if own.clips:
    frames = video.load(own.clips, max_side=own.max_side)
    parts.append(
      pairs.FramePairs(
        frames,
        patch=own.patch,
        batch=half or own.batch,
        gap=own.gap,
        seed=seed,
      )
    )
  if own.photos:
    paths = [p for folder in own.photos for p in sources.pictures_in(folder)]
    pictures = sources.read_all(paths, skip_damaged=own.skip_damaged)
    parts.append(
      pairs.StillPairs(
        list(pictures.values()),
        patch=own.patch,
        batch=own.batch - half,
        seed=seed,
      )
    )
  return pairs.Joined(parts)
