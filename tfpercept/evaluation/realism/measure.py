"""Decoders judged by fidelity and by realism, on the same pictures.

    judge = measure.Judge()
    for name, original in originals.items():
      judge.add(name, original, {"t=0": faithful, "t=1": realistic})
    rows = judge.rows()

Fidelity is a distance of each decoded picture from its original. Realism is a
distance of sets: whether the patches of decoded pictures, whichever they are,
are distributed as those of originals. The two are traded for each other (Blau
and Michaeli, "The perception-distortion tradeoff", 2018).
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import distances
from tfpercept.evaluation.core import statistics
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.realism import grid, patches, set_scores
from tfpercept.evaluation.realism.grid import Grid
from tfpercept.evaluation.realism.set_scores import SetScore

FIDELITY = ("mse", "lpips", "watson_dft", "pim")
"""Specs of the distances of pairs that are measured by default."""
SPACES = tuple(patches.SPACES)
"""Names of the features in which sets are compared by default."""


@dataclasses.dataclass(frozen=True)
class Row:
  """The numbers of one decoder.

  Attributes:
    decoder: Name of the decoder.
    pictures: Number of pictures.
    fidelity: Mean distance of the pictures by spec, with its interval. PSNR in
      decibels stands under `"psnr"`, averaged over pictures.
    realism: Scores of sets by name, such as `"patch_frechet_alex"`.
    grid: Strongest peak in the spectrum of flat patches.
  """

  decoder: str
  pictures: int
  fidelity: dict[str, Estimate]
  realism: dict[str, SetScore]
  grid: Grid

  def value(self, name: str) -> float:
    """Returns a number of fidelity or of realism by its name.

    Raises:
      KeyError: if there is none of that name.
    """
    if name in self.fidelity:
      return self.fidelity[name].value
    return self.realism[name].estimate.value


class Judge:
  """Collects decoded pictures, one original at a time.

  Args:
    specs: Specs of the distances of pairs.
    spaces: Names of the features of `patches.SPACES`.
    side: Side of a patch in pixels.
  """

  def __init__(
    self,
    specs: Sequence[str] = FIDELITY,
    spaces: Sequence[str] = SPACES,
    *,
    side: int = patches.SIDE,
  ):
    self._spaces = [patches.SPACES[name] for name in spaces]
    needed = {*specs, *(space.spec for space in self._spaces)}
    self._distances = {spec: distances.get(spec) for spec in sorted(needed)}
    self._specs = tuple(specs)
    self._side = side
    self._originals: list[np.ndarray] = []
    self._decoded: dict[str, list[np.ndarray]] = {}
    self._values: dict[str, dict[str, list[float]]] = {}
    # By space: features of the originals, and of each decoder's pictures.
    self._features: dict[str, dict[str | None, list[np.ndarray]]] = {
      name: {} for name in spaces
    }

  def add(
    self, name: str, original: np.ndarray, decoded: Mapping[str, np.ndarray]
  ) -> None:
    """Measures one picture.

    Args:
      name: Name of the picture, for errors.
      original: Original, uint8 `[H, W, 1 or 3]`.
      decoded: Decoded pictures, uint8 of the same shape, by decoder. Each call
        names the same decoders.

    Raises:
      ValueError: if a shape or the names of the decoders differ, or the picture
        is smaller than a patch or than a distance needs.
    """
    self._check(name, original, decoded)
    # The original is embedded once for all decoders.
    embedded = self._embedded(original)
    self._keep_features(None, embedded, original)
    for decoder, picture in decoded.items():
      values = self._values.setdefault(decoder, {})
      found = self._embedded(picture)
      for spec, distance in self._distances.items():
        value = distance.pool(distance.compare(embedded[spec], found[spec]))
        values.setdefault(spec, []).append(float(value[0]))
      self._keep_features(decoder, found, picture)
      self._decoded.setdefault(decoder, []).append(picture)
    self._originals.append(original)

  def rows(self) -> list[Row]:
    """Returns a row for each decoder, in the order of `add`.

    Raises:
      ValueError: if fewer than two pictures were added.
    """
    if len(self._originals) < 2:
      raise ValueError(
        f"realism is judged on two pictures or more; got {len(self._originals)}"
      )
    return [self._row(decoder) for decoder in self._decoded]

  def _row(self, decoder: str) -> Row:
    values = self._values[decoder]
    fidelity = {
      spec: statistics.mean(np.array(values[spec])) for spec in self._specs
    }
    realism = {}
    for space in self._spaces:
      features = self._features[space.name]
      for name, score in set_scores.SCORES.items():
        realism[f"{name}_{space.name}"] = score(
          features[None], features[decoder]
        )
    decoded = self._decoded[decoder]
    psnr = [_psnr(*p) for p in zip(self._originals, decoded, strict=True)]
    if all(map(math.isfinite, psnr)):
      fidelity["psnr"] = statistics.mean(np.array(psnr))
    return Row(
      decoder,
      len(decoded),
      fidelity,
      realism,
      grid.test(self._originals, decoded),
    )

  def _embedded(self, picture: np.ndarray) -> dict[str, Any]:
    """Returns the embeddings of a picture by the spec of the distance."""
    image = _unit(picture)
    return {spec: d.embed(image) for spec, d in self._distances.items()}

  def _keep_features(
    self,
    decoder: str | None,
    embedded: Mapping[str, Any],
    picture: np.ndarray,
  ) -> None:
    height, width = picture.shape[:2]
    for space in self._spaces:
      found = patches.features(
        space,
        self._distances[space.spec],
        embedded[space.spec],
        (height, width),
        side=self._side,
      )
      self._features[space.name].setdefault(decoder, []).append(found)

  def _check(
    self, name: str, original: np.ndarray, decoded: Mapping[str, np.ndarray]
  ) -> None:
    if self._decoded and set(decoded) != set(self._decoded):
      raise ValueError(
        f"{name}: expected pictures of {', '.join(self._decoded)}; got those "
        f"of {', '.join(decoded) or 'no decoder'}"
      )
    for decoder, picture in decoded.items():
      if picture.shape != original.shape:
        raise ValueError(
          f"{name} by {decoder}: expected the shape {original.shape} of the "
          f"original; got {picture.shape}"
        )
    for distance in self._distances.values():
      distance.validate(*original.shape[:2])


def _unit(picture: np.ndarray) -> tf.Tensor:
  """Returns a batch of one color picture in [0, 1]."""
  color = np.broadcast_to(picture, (*picture.shape[:2], 3))
  return tf.constant(color[None].astype(np.float32) / 255)


def _psnr(original: np.ndarray, picture: np.ndarray) -> float:
  square = np.square(original.astype(np.float64) - picture).mean()
  return 10 * math.log10(255**2 / square) if square else math.inf
