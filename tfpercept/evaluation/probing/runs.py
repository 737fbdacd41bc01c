"""Probes of trained autoencoders and of their baselines.

Finished results are kept in a folder, one file for each network and set of
targets. They are computed again only if the network, the pictures or the
protocol differ.
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tfpercept import models, registry
from tfpercept.evaluation.core import batches
from tfpercept.evaluation.probing import probe as probing
from tfpercept.io import files

UNTRAINED, PCA, PIXELS, CHANCE = "untrained encoder", "PCA", "pixels", "chance"
_BATCH = 256  # pictures encoded at once

Budget = dict[int, probing.Scores]
"""Scores of identity by labels a person."""


@dataclasses.dataclass(frozen=True)
class Trained:
  """A trained network with an encoder.

  Attributes:
    spec: Spec of the loss of its training.
    seed: Seed of its training.
    network: Network with `encode`, `code` and `image_shape`.
    digest: SHA-256 of its weights.
    folder: Run folder.
    training: Settings of the run, JSON values.
  """

  spec: str
  seed: int
  network: keras.Model
  digest: str
  folder: pathlib.Path
  training: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Subject:
  """Codes to probe.

  Attributes:
    method: Name of the row in the table.
    seed: Seed of the network; 0 where there is none.
    key: JSON values that change whenever the codes do.
    codes: Function that returns the codes, `[N, D]`.
    pca: Number of principal components that replace the codes; None keeps them.
  """

  method: str
  seed: int
  key: Mapping[str, Any]
  codes: Callable[[], np.ndarray]
  pca: int | None = None


def load(folders: Iterable[files.PathLike]) -> list[Trained]:
  """Loads all networks in and below run folders, ordered by loss and seed.

  Raises:
    ValueError: if there is none, one has no encoder, two have the same loss and
      seed, or they differ in more than loss and seed.
  """
  found: dict[tuple[str, int], Trained] = {}
  configs = {}
  for folder in map(pathlib.Path, folders):
    for path in sorted(folder.glob("**/model/manifest.json")):
      network, manifest = models.load(path.parent)
      run = manifest.get("training", {})
      if not hasattr(network, "encode") or "seed" not in run:
        raise ValueError(f"{path.parent} is no trained autoencoder")
      key = manifest["objective"], run["seed"]
      if key in found:
        raise ValueError(f"{path.parent}: a second run of {key[0]}, {key[1]}")
      found[key] = Trained(
        *key, network, manifest["sha256"], path.parents[1], run
      )
      config = {k: v for k, v in network.get_config().items() if k != "seed"}
      configs[path.parent] = config, run.get("steps"), run.get("settings")
  if not found:
    raise ValueError("no trained network below " + ", ".join(map(str, folders)))
  (first, conditions), *others = configs.items()
  for folder, its in others:
    if its != conditions:
      raise ValueError(
        f"{folder} and {first} differ in more than loss and seed, so they do "
        f"not compare: {its} and {conditions}"
      )
  return [found[key] for key in sorted(found)]


def subjects(trained: Sequence[Trained], images: np.ndarray) -> list[Subject]:
  """Returns the codes of networks, and those of the baselines.

  The baselines are the same network before any training, with the seeds of the
  trained ones; as many principal components of the pixels as a code is wide;
  and the pixels.

  Args:
    trained: Networks that differ in loss and seed alone.
    images: Pictures, float32 `[N, H, W, C]` in [0, 1].

  Raises:
    ValueError: if they have no code, as VAEs, whose latents are random.
  """
  network = trained[0].network
  if not hasattr(network, "code"):
    raise ValueError(
      "probes need networks with a code, such as those of "
      f"trainers.autoencoder; got {network.name}"
    )
  found = [
    Subject(
      t.spec,
      t.seed,
      {"weights": t.digest},
      functools.partial(encode, t.network, images),
    )
    for t in trained
  ]
  for seed in sorted({t.seed for t in trained}):
    config = {**network.get_config(), "seed": seed}
    found.append(
      Subject(
        UNTRAINED,
        seed,
        {"config": config, "model": network.registered_name},
        functools.partial(_encode_untrained, network, config, images),
      )
    )
  pixels = images.reshape(len(images), -1)
  code = network.code
  found.append(Subject(PCA, 0, {"pca": code}, lambda: pixels, pca=code))
  found.append(Subject(PIXELS, 0, {}, lambda: pixels))
  return found


def encode(network: keras.Model, images: np.ndarray) -> np.ndarray:
  """Returns the codes `[N, D]` of images float32 `[N, H, W, C]`."""
  return batches.apply(network.encode, images, _BATCH)


def reconstruct(network: keras.Model, images: np.ndarray) -> np.ndarray:
  """Returns a network's reconstructions of images float32 `[N, H, W, C]`."""
  return batches.apply(network, images, _BATCH)


def digest(images: np.ndarray, known: probing.Known) -> str:
  """Returns the SHA-256 of pictures and of their labels."""
  total = hashlib.sha256()
  for array in (images, known.identity, *known.angles.values()):
    array = np.ascontiguousarray(array)
    total.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
  return total.hexdigest()


def probe(
  subject: Subject,
  known: probing.Known,
  protocol: probing.Protocol,
  folder: files.PathLike,
  *,
  labels: Sequence[int] = (),
  workers: int = 1,
  data: str = "",
) -> tuple[dict[str, probing.Scores], Budget]:
  """Probes codes, or returns the result that a folder holds.

  Args:
    subject: Codes to probe.
    known: Labels of the pictures.
    protocol: Settings of the probes.
    folder: Folder where results are kept.
    labels: Numbers of labels for each person; see `probe.label_budget`.
    workers: Number of threads.
    data: Digest of the pictures and labels, from `digest`.

  Returns:
    Scores by question, and by number of labels.
  """
  made: list[np.ndarray] = []

  def codes() -> np.ndarray:
    made[:] = made or [subject.codes()]
    return made[0]

  key = {
    **subject.key,
    "protocol": dataclasses.asdict(protocol),
    "data": data,
  }
  name = "_".join(registry.file_names([subject.method]).values())
  path = pathlib.Path(folder) / f"{name}_seed_{subject.seed}"
  scores = _kept(
    path.with_name(f"{path.name}.json"),
    key,
    lambda: probing.probe(
      codes(), known, protocol, pca=subject.pca, workers=workers
    ),
  )
  if not labels:
    return scores, {}
  budget = _kept(
    path.with_name(f"{path.name}_labels.json"),
    {**key, "labels": list(labels)},
    lambda: probing.label_budget(
      codes(), known, protocol, labels=labels, pca=subject.pca
    ),
  )
  return scores, {int(count): found for count, found in budget.items()}


def _encode_untrained(
  network: keras.Model, config: dict[str, Any], images: np.ndarray
) -> np.ndarray:
  return encode(_untrained(network, config), images)


def _untrained(network: keras.Model, config: dict[str, Any]) -> keras.Model:
  fresh = type(network)(**config)
  fresh.build()
  return fresh


def _kept(
  path: pathlib.Path,
  key: Mapping[str, Any],
  compute: Callable[[], Mapping[Any, probing.Scores]],
) -> dict[str, probing.Scores]:
  """Reads results of this key, or computes and writes them."""
  key = json.loads(json.dumps(key))  # as it will be read
  try:
    record = json.loads(path.read_text())
    if record["key"] == key:
      return {
        question: probing.Scores(
          tuple(found["folds"]), tuple(map(tuple, found["chosen"]))
        )
        for question, found in record["scores"].items()
      }
  except (OSError, ValueError, LookupError, TypeError):
    pass  # no file, or one of another program
  scores = {str(question): found for question, found in compute().items()}
  values = {q: dataclasses.asdict(found) for q, found in scores.items()}
  files.write_json(path, {"key": key, "scores": values})
  return scores
