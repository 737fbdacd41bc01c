"""Trainings of codecs of toy sources, and what their settings are."""

import dataclasses
import pathlib
from collections.abc import Sequence

from absl import logging

from tfpercept import models, training
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
    lmbda: Bits that a distortion of 1 costs.
    latents: Of transform codecs.
    entries: Of the codebook.
    batch: Vectors in a batch.
    steps: Of each training, unless others are asked for.
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
    spec: Of the source, one of `EXPERIMENTS`.
    out: Folder of all sources.
    steps: Of each training; as the experiment says by default.
    seed: Of trainings and test sets.
    count: Vectors of the test set.
    only: Methods; all that suit the source if empty.

  Raises:
    ValueError: if a folder holds another run.
  """
  experiment = EXPERIMENTS[spec]
  codecs, scores = {}, {}
  for method in only or _methods(experiment):
    run = settings(out, spec, method, steps=steps, seed=seed)
    codecs[method] = train(run)
    scores[method] = toy_sources.score(
      codecs[method],
      toy.get(spec),
      lmbda=experiment.lmbda,
      count=count,
      seed=seed,
    )
  return toy_sources.Result(spec, experiment.lmbda, codecs, scores)


def train(run: training.Run) -> toy_sources.Codec:
  """Trains a codec, or resumes it, and writes it to `run.out / "model"`.

  Args:
    run: From `settings`.

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
  source = toy.get(run.settings["source"])
  batches = toy.Batches(source, batch=run.settings["batch"], seed=run.seed)
  training.fit(task, batches, run)
  models.save(task.network, run.out / "model", training=run.to_json())
  return task.network


def settings(
  out: pathlib.Path,
  spec: str,
  method: str,
  *,
  steps: int | None = None,
  seed: int,
) -> training.Run:
  """Returns the run of a method on a source, in a folder of its own."""
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
    settings={"source": spec, "method": method, **options},
    longer="train anew with more --steps, in another --out",
  )


def _methods(experiment: Experiment) -> list[str]:
  """What suits an experiment: one latent can not be mixed."""
  return [
    method
    for method in METHODS
    if experiment.latents > 1 or method != "linear, mixed start"
  ]


def _task(run: training.Run) -> toy_compression.Descent:
  method, source = run.settings["method"], toy.get(run.settings["source"])
  weight = source.weight(run.settings["lmbda"])
  samples = source.test_set(_START, _START_SEED).numpy()
  if method == "vector quantisation":
    network = toy_codecs.ToyVectorQuantizer(
      dimensions=source.dimensions,
      entries=run.settings["entries"],
      weight=weight,
    )
    network.start(samples)
    return toy_compression.VectorQuantization(network, weight=weight)
  network = toy_codecs.ToyTransformCodec(
    dimensions=source.dimensions,
    latents=run.settings["latents"],
    widths=(100, 100) if method == "nonlinear" else (),
    seed=run.seed,
  )
  if method != "nonlinear":
    network.start(samples, weight=weight, mixed=method == "linear, mixed start")
  return toy_compression.TransformCoding(
    network, weight=weight, steps=run.steps, seed=run.seed
  )
