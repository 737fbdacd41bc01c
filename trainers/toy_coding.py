"""Trainings of codecs of toy sources, and their settings."""

import dataclasses
import pathlib
from collections.abc import Sequence

from absl import logging

from tfpercept import models, settings, training
from tfpercept.data import toy
from tfpercept.evaluation.toy_sources import theory as toy_sources
from tfpercept.models.compression import toy_codecs
from tfpercept.tasks import toy_compression

_START = 20_000  # vectors that a linear transform or a codebook starts from
_START_SEED = 2**30  # of them; test sets have that of the run


@dataclasses.dataclass(frozen=True)
class Experiment:
  """A source and the codecs that are trained on it.

  Attributes:
    lmbda: Weight of the distortion, in bits.
    latents: Number of latents of a transform codec.
    entries: Number of entries of the codebook.
    batch: Number of vectors in a batch.
    steps: Number of steps of each training, unless another is asked for.
  """

  lmbda: float
  latents: int
  steps: int
  entries: int = 256
  batch: int = 1024


EXPERIMENTS = {
  "banana": Experiment(lmbda=8.0, latents=2, steps=12_000),
  "laplace": Experiment(lmbda=8.0, latents=1, steps=6_000),
  "circle": Experiment(lmbda=8.0, latents=2, steps=8_000, entries=50),
  "sphere": Experiment(lmbda=8.0, latents=3, steps=8_000, entries=50),
} | {
  process: Experiment(
    lmbda=100.0, latents=10, steps=5_000, entries=50, batch=256
  )
  for process in ("sawbridge", "sinusoid", "ramp")
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(settings.Settings):
  """Settings of the training of a codec of a toy source.

  Attributes:
    source: Name of the source, one of `EXPERIMENTS`.
    method: Name of the method, one of `METHODS`.
    lmbda: Bits that a distortion of 1 costs.
    latents: Number of latents of a transform codec.
    entries: Number of entries of the codebook.
    batch: Number of vectors in a batch.
  """

  source: str
  method: str
  lmbda: float
  latents: int
  entries: int
  batch: int


METHODS = {
  "vector quantisation": 1e-2,
  "nonlinear": 3e-3,
  "linear, KLT start": 1e-2,
  "linear, mixed start": 1e-2,
}
"""Peak learning rates of Adam."""


def compare(
  spec: str,
  out: pathlib.Path,
  *,
  steps: int | None = None,
  seed: int,
  count: int,
  only: Sequence[str] = (),
) -> toy_sources.Result:
  """Trains the codecs of a source, where that has not been done; scores them.

  Args:
    spec: Name of the source, one of `EXPERIMENTS`.
    out: Folder of all sources.
    steps: Number of steps of each training; None for that of the experiment.
    seed: Seed of trainings and test sets.
    count: Number of vectors in the test set.
    only: Methods to compare; all that suit the source if empty.

  Raises:
    ValueError: if a folder holds another run.
  """
  experiment = EXPERIMENTS[spec]
  codecs, scores = {}, {}
  for method in only or _methods(experiment):
    run = run_of(out, spec, method, steps=steps, seed=seed)
    codecs[method] = train(run)
    scores[method] = toy_sources.score(
      codecs[method],
      toy.get(spec),
      lmbda=experiment.lmbda,
      count=count,
      seed=seed,
    )
  return toy_sources.Result(spec, experiment.lmbda, codecs, scores)


def train(run: training.Run[Settings]) -> toy_sources.Codec:
  """Trains a codec, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: A run that `run_of` returned.

  Returns:
    The trained codec.

  Raises:
    ValueError: if the folder holds another run.
  """
  run.claim()
  if (run.out / "model").exists():
    logging.info("%s: trained already", run.out)
    return models.load(run.out)[0]
  with training.prepare(run).scope():
    task = _task(run)
  source = toy.get(run.settings.source)
  batches = toy.Batches(source, batch=run.settings.batch, seed=run.seed)
  training.fit(task, batches, run)
  models.save(task.network, run.out / "model", training=run.to_json())
  return task.network


def run_of(
  out: pathlib.Path,
  spec: str,
  method: str,
  *,
  steps: int | None = None,
  seed: int,
) -> training.Run[Settings]:
  """Returns the run of a method on a source, in a folder of its own.

  Args:
    out: Folder of all sources.
    spec: Name of the source, one of `EXPERIMENTS`.
    method: Name of the method, one of `METHODS`.
    steps: Number of steps; None for that of the experiment.
    seed: Seed of the training.
  """
  experiment = EXPERIMENTS[spec]
  steps = steps or experiment.steps
  folder = method.replace(", ", "_").replace(" ", "_").lower()
  options = dataclasses.asdict(experiment)
  del options["steps"]
  return training.Run(
    out=out / spec / folder,
    steps=steps,
    seed=seed,
    loss="rate + lmbda * squared error",
    learning_rate=METHODS[method],
    interval=max(steps // 4, 1),
    precision="float32",
    settings=Settings(source=spec, method=method, **options),
    longer="train anew with more --steps, in another --out",
  )


def _methods(experiment: Experiment) -> list[str]:
  """Returns the methods that suit an experiment: one latent is not mixed."""
  return [
    method
    for method in METHODS
    if experiment.latents > 1 or method != "linear, mixed start"
  ]


def _task(run: training.Run[Settings]) -> toy_compression.Descent:
  own = run.settings
  method, source = own.method, toy.get(own.source)
  weight = source.weight(own.lmbda)
  samples = source.test_set(_START, _START_SEED).numpy()
  if method == "vector quantisation":
    network = toy_codecs.ToyVectorQuantizer(
      dimensions=source.dimensions,
      entries=own.entries,
      weight=weight,
    )
    network.start(samples)
    return toy_compression.VectorQuantization(network, weight=weight)
  network = toy_codecs.ToyTransformCodec(
    dimensions=source.dimensions,
    latents=own.latents,
    widths=(100, 100) if method == "nonlinear" else (),
    seed=run.seed,
  )
  if method != "nonlinear":
    network.start(samples, weight=weight, mixed=method == "linear, mixed start")
  return toy_compression.TransformCoding(
    network, weight=weight, steps=run.steps, seed=run.seed
  )
