"""Scores of codecs of toy sources, beside theory and published figures."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfpercept.data import toy
from tfpercept.models.compression import toy_codecs

Codec = toy_codecs.ToyTransformCodec | toy_codecs.ToyVectorQuantizer

PUBLISHED = {
  ("banana", 8.0): {
    "vector quantisation": 5.95,
    "nonlinear": 5.97,
    "linear": 6.87,
  }
}
"""Losses in a talk by J. Balle, by source and lambda."""

HEADS = (
  "method",
  "loss",
  "published",
  "rate",
  "distortion",
  "entropy",
  "reproductions",
)
"""Columns of `rows`."""

_HEXAGON = 5 / (36 * math.sqrt(3))  # second moment of the best cell in a plane
_SQUARE = 1 / 12
_BALL = 1 / (2 * math.pi * math.e)  # in many dimensions
_LN2 = math.log(2)


@dataclasses.dataclass(frozen=True)
class Score:
  """Rate and distortion of a codec on a test set.

  Attributes:
    loss: Rate in bits a vector plus lambda times the distortion.
    error: Standard error of the loss.
    rate: Cross entropy in bits a vector, under the codec's own probabilities.
    distortion: Sum of squared errors, or their mean for a process.
    entropy: Sum of the entropies of the latents' symbols on the test set, in
      bits a vector: the rate of probabilities fitted to that set.
    used: Number of different reproductions.
  """

  loss: float
  error: float
  rate: float
  distortion: float
  entropy: float
  used: int


@dataclasses.dataclass(frozen=True)
class Result:
  """Codecs of one source and their scores.

  Attributes:
    spec: Spec of the source.
    lmbda: Weight of the distortion, in bits.
    codecs: Codecs by name of the method.
    scores: Scores by name of the method.
  """

  spec: str
  lmbda: float
  codecs: Mapping[str, Codec]
  scores: Mapping[str, Score]

  @property
  def title(self) -> str:
    """The source and lambda, as a heading."""
    return f"{self.spec}, λ = {self.lmbda:g}"


def score(
  codec: Codec,
  source: toy.Source,
  *,
  lmbda: float,
  count: int = 200_000,
  seed: int = 0,
) -> Score:
  """Codes a test set with hard rounding.

  Raises:
    ValueError: if there are fewer than two vectors.
  """
  if count < 2:
    raise ValueError(f"a score needs two vectors or more; got {count}")
  rates, errors, symbols = [], [], []
  for part in source.test_parts(count, seed):
    coded = codec.code(part)
    rates.append(coded.bits.numpy())
    square = tf.math.squared_difference(part, coded.x_hat)
    errors.append(tf.reduce_sum(square, axis=-1).numpy())
    symbols.append(coded.symbols.numpy())
  rate, symbol = np.concatenate(rates), np.concatenate(symbols)
  distortion = np.concatenate(errors) * source.weight(1.0)
  loss = rate.astype(np.float64) + lmbda * distortion
  return Score(
    loss=float(loss.mean()),
    error=float(loss.std(ddof=1) / math.sqrt(count)),
    rate=float(rate.mean(dtype=np.float64)),
    distortion=float(distortion.mean(dtype=np.float64)),
    entropy=sum(_entropy(latent) for latent in symbol.T),
    used=len(np.unique(symbol, axis=0)),
  )


def theory(source: toy.Source, lmbda: float) -> dict[str, float]:
  """Returns losses that theory gives, by name; empty if it gives none.

  For a density they are the Shannon lower bound, which no codec beats, and what
  equal cells of the best shapes reach when they are small. For what depends on
  one uniform number it is the best number of equal intervals of it, each
  decoded to its mean.
  """
  name = source.spec.partition("(")[0]
  if name in _ENTROPIES:
    entropy = _ENTROPIES[name]
    n = source.dimensions
    cells = {"square cells, high rate": _SQUARE}
    if n == 2:
      cells["hexagonal cells, high rate"] = _HEXAGON
    if n == 1:
      cells = {"equal steps, high rate": _SQUARE}
    cells["Shannon lower bound"] = _BALL
    return {
      title: entropy
      + n / 2 * math.log2(2 * lmbda * moment * _LN2)
      + n / (2 * _LN2)
      for title, moment in cells.items()
    }
  if name in _INTERVALS:
    distortion = _INTERVALS[name]
    losses = [math.log2(k) + lmbda * distortion(k) for k in range(1, 10_000)]
    least = int(np.argmin(losses))
    return {f"{least + 1} equal intervals": losses[least]}
  return {}


def rows(result: Result) -> list[list[str]]:
  """Returns the cells of a table under `HEADS`: our methods, then theory."""
  lines = []
  for method, found in result.scores.items():
    theirs = published(result.spec, result.lmbda, method)
    lines.append(
      [
        method,
        f"{found.loss:.3f} ± {found.error:.3f}",
        "" if theirs is None else f"{theirs:.2f}",
        f"{found.rate:.3f}",
        f"{found.distortion:.4f}",
        f"{found.entropy:.3f}",
        str(found.used),
      ]
    )
  for title, loss in theory(toy.get(result.spec), result.lmbda).items():
    lines.append([f"theory: {title}", f"{loss:.3f}", *[""] * (len(HEADS) - 2)])
  return lines


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
  """Formats a table as Markdown; all columns but the first hold numbers."""
  marks = ["---", *["---:"] * (len(heads) - 1)]
  return "\n".join(f"| {' | '.join(line)} |" for line in (heads, marks, *lines))


def published(spec: str, lmbda: float, method: str) -> float | None:
  """Returns the published loss of a method, such as `"linear, KLT start"`."""
  return PUBLISHED.get((spec, lmbda), {}).get(method.partition(",")[0])


def _entropy(symbols: np.ndarray) -> float:
  _, counts = np.unique(symbols, return_counts=True)
  share = counts / counts.sum()
  return float(-np.sum(share * np.log2(share)))


def _circle(cells: int) -> float:
  """Error of arcs of the unit circle that are decoded to their mean."""
  return float(1 - np.sinc(1 / cells) ** 2)


# Differential entropies in bits.
_ENTROPIES = {
  "laplace": math.log2(2 * math.e),
  "banana": math.log2(2 * math.pi * math.e * 3.0 * 0.5),  # bends keep it
}

# Distortion of equal intervals of the one number that a vector depends on. An
# interval of width w makes a jump uncertain on a share w of the points, whose
# variance is 1/6 on average; the ramp moves by w^2 / 12 as well, against it.
_INTERVALS: dict[str, Callable[[int], float]] = {
  "circle": _circle,
  "sinusoid": lambda k: _circle(k) / 2,
  "sawbridge": lambda k: 1 / (6 * k),
  "ramp": lambda k: 1 / (6 * k) - 1 / (12 * k * k),
}
