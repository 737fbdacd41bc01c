"""Search for the latent whose picture is nearest to a given one.

A file stores a latent, so encoding is an optimization: descent on the latent
from several starts, then on latents that are rounded as the file will have
them, then trials of single symbols. `descent.minimise` does all descent.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tfpercept import descent, distances
from tfpercept.models.generators import base as generators

_DRAWN = 64  # random starts, of which the best are gone on with
_ROUNDED = 0.2  # share of the steps on rounded latents
_PRIOR = 1e-3  # of half the mean square of normalized latents
_RATE = 0.08  # of Adam, in deviations of a latent
_TRIED = 16  # symbols that a pass of trials changes, each alone
_CHUNK = 256  # pictures at once


@dataclasses.dataclass(frozen=True)
class Budget:
  """What a search may take.

  Attributes:
    steps: Number of steps of descent; 0 takes the encoder's latent, or the best
      random one.
    restarts: Number of starts that are followed at once.
    seconds: Seconds by the clock after which the descent ends, or None. Files
      are then no longer the same from run to run.
    target: Value of the objective at which the descent ends, or None.
    passes: Number of passes in which single symbols are changed by 1.

  Raises:
    ValueError: if one of them is out of range.
  """

  steps: int = 300
  restarts: int = 4
  seconds: float | None = None
  target: float | None = None
  passes: int = 2

  def __post_init__(self) -> None:
    if self.steps < 0 or self.restarts < 1 or self.passes < 0:
      raise ValueError(
        "a search has 0 or more steps and passes and 1 or more restarts; got "
        f"steps={self.steps}, passes={self.passes}, restarts={self.restarts}"
      )
    if self.seconds is not None and not self.seconds > 0:
      raise ValueError(f"seconds are above 0; got {self.seconds}")


@dataclasses.dataclass(frozen=True)
class Found:
  """The outcome of a search.

  Attributes:
    symbols: Symbols, int32 `[latent]`.
    value: Objective of their picture; NaN without descent.
    values: Best value of the restarts before each step, float64 `[S]`.
    pictures: Pictures at the steps that were asked for, float32
      `[H, W, C]` by step.
  """

  symbols: np.ndarray
  value: float
  values: np.ndarray
  pictures: Mapping[int, np.ndarray]


class _EndError(Exception):
  """The budget of a descent is used up."""


Progress = Callable[[int, int, float], None]
"""Called with the steps taken, the steps in all, and the largest of the best
values of all pictures."""


class Search:
  """Finds symbols for pictures by one generator and one objective.

  All pictures of a call are searched at once, each with all its restarts. The
  noise of a picture's starts and steps follows from its place among them, and a
  target ends the search once all have reached it. So with descent another file
  may be found for a picture that is searched alone.

  Args:
    network: Generator.
    objective: Distance that is minimized.
    budget: Steps, restarts and seconds that a search may take.
    seed: Seed of the starts and of the noise. Files need it for nothing.
    progress: Function that is called after each step; None for none.
    keep: Steps at which `Found.pictures` are kept.
  """

  def __init__(
    self,
    network: generators.LatentGenerator,
    objective: distances.Distance,
    budget: Budget,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    keep: tuple[int, ...] = (),
  ):
    self.network, self._objective = network, objective
    self.budget, self._seed = budget, seed
    self.progress, self.keep = progress, keep
    self.deviations = tf.convert_to_tensor(network.deviations)

  def __call__(
    self,
    x: np.ndarray,
    step: float,
    limits: tuple[np.ndarray, np.ndarray],
    rounded: Callable[[np.ndarray], np.ndarray],
  ) -> list[Found]:
    """Returns what is found for each picture.

    Args:
      x: Pictures, float32 `[N, H, W, C]` in [0, 1].
      step: Quantizer step of latents.
      limits: Least and largest symbol of each latent, int32 `[latent]` each.
      rounded: Function from latents of an encoder, in steps, to symbols, which
        is used where there is no descent.
    """
    target = tf.constant(x)
    z = self._starts(target, step)  # [N, R, latent]
    trace = _Trace(self, len(x), z.shape[1], step)
    if self.budget.steps:
      z = self._descend(target, z, step, trace)
    if not self.budget.steps:
      best, values = rounded(z.numpy()[:, 0] / step), np.full(len(x), np.nan)
    else:
      symbols = np.clip(np.round(z.numpy() / step), *limits).astype(np.int32)
      costs = self._costs(target, symbols, step)
      place = costs.argmin(axis=1)
      best = symbols[np.arange(len(x)), place]
      values = costs[np.arange(len(x)), place]
      exact = z.numpy()[np.arange(len(x)), place] / step
      for _ in range(self.budget.passes):
        best, values = self._tried(target, exact, best, values, step, limits)
    return [
      Found(
        best[i],
        float(values[i]),
        np.array(trace.values)[:, i] if trace.values else np.zeros(0),
        {at: pictures[i] for at, pictures in trace.pictures.items()},
      )
      for i in range(len(x))
    ]

  def _starts(self, target: tf.Tensor, step: float) -> tf.Tensor:
    """Returns first latents, float32 `[N, restarts, latent]`."""
    restarts = self.budget.restarts if self.budget.steps else 1
    encoded = self.network.encode(target)
    count = target.shape[0]
    if encoded is not None:
      shape = [count, restarts, self.network.latent]
      noise = tf.random.stateless_normal(shape, [self._seed, 0])
      apart = tf.cast(tf.range(restarts) > 0, tf.float32)[:, None]
      return encoded[:, None] + apart * noise * 0.5 * step
    drawn = self.network.draw(_DRAWN, tf.constant([self._seed, 0]))
    every = np.repeat((drawn / step).numpy()[None], count, axis=0)
    best = np.argsort(self._costs(target, every, step), axis=1)
    return tf.gather(drawn, best[:, :restarts])

  def _descend(
    self, target: tf.Tensor, z: tf.Tensor, step: float, trace: "_Trace"
  ) -> tf.Tensor:
    """Returns latents after both descents, of each restart its best."""
    rounded = max(1, round(_ROUNDED * self.budget.steps))
    unit, shape = self.deviations, z.shape
    wide = tf.repeat(target, shape[1], axis=0)

    def smooth(u: tf.Tensor) -> tf.Tensor:
      prior = tf.reduce_mean(tf.square(u), axis=1)
      return self._distance(wide, u * unit, step) + 0.5 * _PRIOR * prior

    def as_stored(u: tf.Tensor) -> tf.Tensor:
      z = u * unit
      z += tf.stop_gradient(tf.round(z / step) * step - z)
      return self._distance(wide, z, step)

    u = tf.reshape(z / unit, [-1, shape[2]])
    noise = step / math.sqrt(12.0) / float(tf.reduce_max(unit))
    plan = (
      (smooth, self.budget.steps - rounded, noise, _RATE),
      (as_stored, rounded, 0.0, _RATE / 4),
    )
    for objective, count, noise, rate in plan:
      if not count:
        continue
      trace.begin(u)
      try:
        descent.minimise(
          objective, u, steps=count, noise=noise, seed=self._seed,
          method=descent.Adam(rate), callback=trace.follow,
        )  # fmt: skip
      except _EndError:
        u = trace.best
        break
      u = trace.best if objective is as_stored else trace.last
    return tf.reshape(u * unit, shape)

  def _distance(self, wide: tf.Tensor, z: tf.Tensor, step: float) -> tf.Tensor:
    x_hat = self.network.decode(z, step)
    return self._objective(wide, tf.clip_by_value(x_hat, 0.0, 1.0))

  def _costs(
    self, target: tf.Tensor, symbols: np.ndarray, step: float
  ) -> np.ndarray:
    """Returns the objective, float64 `[N, K]`, of symbols `[N, K, latent]`."""
    count, each = symbols.shape[:2]
    flat = symbols.reshape(count * each, -1)
    owner = np.repeat(np.arange(count), each)
    found = []
    for start in range(0, len(flat), _CHUNK):
      z = tf.constant(flat[start : start + _CHUNK], tf.float32) * step
      wide = tf.gather(target, owner[start : start + _CHUNK])
      found.append(self._distance(wide, z, step).numpy())
    return np.concatenate(found).astype(np.float64).reshape(count, each)

  def _tried(
    self,
    target: tf.Tensor,
    exact: np.ndarray,
    symbols: np.ndarray,
    values: np.ndarray,
    step: float,
    limits: tuple[np.ndarray, np.ndarray],
  ) -> tuple[np.ndarray, np.ndarray]:
    """Returns symbols and values after the single change that helps most.

    Tried are changes of the symbols that were rounded farthest, towards what
    they were before.

    Args:
      target: Pictures, float32 `[N, H, W, C]`.
      exact: Latents in steps before rounding, float32 `[N, latent]`.
      symbols: Symbols, int32 `[N, latent]`.
      values: Objective of their pictures, float64 `[N]`.
      step: Quantizer step of latents.
      limits: Least and largest symbol of each latent.
    """
    short = exact - symbols
    places = np.argsort(-np.abs(short), axis=1)[:, :_TRIED]
    tried = np.repeat(symbols[:, None], places.shape[1], axis=1)
    rows = np.arange(len(symbols))[:, None]
    columns = np.arange(places.shape[1])[None]
    tried[rows, columns, places] += np.where(short[rows, places] < 0, -1, 1)
    tried = np.clip(tried, *limits).astype(np.int32)
    costs = self._costs(target, tried, step)
    best = costs.argmin(axis=1)
    better = costs.min(axis=1) < values
    chosen = tried[np.arange(len(symbols)), best]
    return (
      np.where(better[:, None], chosen, symbols),
      np.where(better, costs.min(axis=1), values),
    )


class _Trace:
  """Keeps the best latents of descents, tells progress, and ends them.

  Attributes:
    best: Best normalized latents so far, float32 `[N R, latent]`.
    last: Latents after the last step.
    values: Best value of each picture at each step, float64 `[N]` each.
    pictures: Pictures `[N, H, W, C]` at the steps that are kept.

  Args:
    search: The search that descends.
    count: Number N of pictures.
    restarts: Number R of restarts.
    step: Quantizer step.
  """

  def __init__(self, search: Search, count: int, restarts: int, step: float):
    self._search, self._shape, self._step = search, (count, restarts), step
    seconds = search.budget.seconds
    self._end = math.inf if seconds is None else time.monotonic() + seconds
    self.values: list[np.ndarray] = []
    self.pictures: dict[int, np.ndarray] = {}

  def begin(self, start: tf.Tensor) -> None:
    """Begins a descent at latents; earlier values no longer count."""
    self.last = self.best = start
    self._least = np.full(start.shape[0], np.inf)

  def follow(self, step: int, values: np.ndarray, u: tf.Tensor) -> None:
    """Is called after each step, with the values before it."""
    del step
    better = values < self._least
    self.best = tf.where(better[:, None], self.last, self.best)
    self._least = np.minimum(values, self._least)
    self.last = u
    least = self._least.reshape(self._shape)
    self.values.append(least.min(axis=1))
    taken, own = len(self.values), self._search
    if taken in own.keep:
      u = tf.reshape(self.best, [*self._shape, -1])
      z = tf.gather(u, least.argmin(axis=1), batch_dims=1) * own.deviations
      x_hat = own.network.decode(z, self._step).numpy()
      self.pictures[taken] = np.clip(x_hat, 0, 1)
    worst = float(self.values[-1].max())
    if own.progress is not None:
      own.progress(taken, own.budget.steps, worst)
    reached = own.budget.target is not None and worst <= own.budget.target
    if reached or time.monotonic() >= self._end:
      raise _EndError
