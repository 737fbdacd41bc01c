"""The perceptual information metric."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import models
from tfpercept import weights as weight_files
from tfpercept.distances import features, moved
from tfpercept.distances.base import Distance, register
from tfpercept.models.perceptual.pim import one_if_equal
from tfpercept.ops import checks, divergences, numerics, tiling

ESTIMATORS = ("deterministic", "stratified", "sampled")
_TILE = 16  # side of the noise that repeats over the places of a band


@register("pim")
class PIM(Distance):
  """Perceptual information metric, a divergence of the codes of two images.

  A network was trained on film, without labels, to keep the information that
  neighboring frames share. It gives a distribution of codes at each place of
  each band of an image. The value is the divergence of the distributions of the
  two images: the mean over the places of a band, then over bands.

  Images: float `[N, H, W, 3]` in [0, 1], or with one channel, which is taken
  for three equal ones; sides of at least 8 (`"steerable"`), 11
  (`"laplacian"`) or 1 (`"single"`).
  Value: `[N]`, unitless, 0 when identical, unbounded; a mean over places, so it
  does not grow with the image. Symmetric and never negative, unless
  `"sampled"`.
  Gradient: finite everywhere, 0 at identical images.
  Weights: those of the network. They are trained where a task makes the
  distance trainable, except for the encoders of two frames, which do not change
  the value.

  Args:
    weights: Name or path of trained weights for `weights.load`, such as a
      run's `model/weights.npz`. `"pim_1"` comes with the package; its card is
      in `pretrained/pim_1`. None makes a network with random weights.
    mixtures: Number of components of each distribution: 1 is PIM-1, 5 is PIM-5.
      This and the next four options are read from the weights, and checked
      against them if given. Without weights they shape the network.
    front_end: Transform that makes the bands: `"steerable"`, `"laplacian"` or
      `"single"`.
    width: Number of filters of each hidden convolution, 64 as published. Three
      numbers, such as `(12, 20, 8)`, if they differ.
    z_dim: Length of the codes; 10 as published.
    linear_head: If True, means pass a last, linear layer; False as published.
    estimator: Estimate of the divergence. `"deterministic"` is the only one for
      one component: the squared distance of the means, divided by `z_dim`. With
      more components KL(x || y) + KL(y || x) has no closed form and is
      estimated. `"stratified"`, then the default, sums over the components,
      samples each with the same fixed noise for both images, and is 0 when they
      are identical. `"sampled"` is the published one; it draws from the
      distribution of each image, has a larger error and may be negative.
    samples: Number of samples at each place for the latter two, at least 1.
    seed: Seed of the noise, which is the same in each call, and of the random
      weights; a whole number in [0, 2**31).

  Raises:
    ValueError: if an option is out of range or differs from that of the
      weights, the weights are not those of such a network, or an image is too
      small.
    weights.MissingWeights: if weights cannot be found.

  Source: Bhardwaj, Fischer, Balle, Chinen, "An unsupervised information-
  theoretic perceptual quality metric", 2020, section 3. Differs from the
  authors' code: by default PIM-5 is repeatable, never negative and 0 at
  identity; the trained weights are ours, not theirs.
  """

  channels = (1, 3)

  def __init__(
    self,
    *,
    weights: str | None = "pim_1",
    mixtures: int | None = None,
    front_end: str | None = None,
    width: int | Sequence[int] | None = None,
    z_dim: int | None = None,
    linear_head: bool | None = None,
    estimator: str | None = None,
    samples: int = 1,
    seed: int = 0,
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    self.source = checks.path_or_none("pim", "weights", weights)
    self._asked = {
      "mixtures": mixtures,
      "front_end": front_end,
      "width": None if width is None else one_if_equal(width),
      "z_dim": z_dim,
      "linear_head": linear_head,
    }
    self.seed = checks.seed("pim", seed)
    self.network = _network(self.source, self._asked, seed, self._dtype_name)
    self.network.trainable = False
    self._origin = moved.origin_of(
      self.network, is_from_file=weights is not None
    )
    options = self.network.get_config()
    self._asked_estimator = estimator
    self.estimator = _checked_estimator(estimator, options["mixtures"])
    self.symmetric = self.estimator != "sampled"
    if not checks.is_whole(samples) or samples < 1:
      raise ValueError(f"pim needs samples of at least 1; got {samples!r}")
    self.samples = samples
    self._noise = _tiles(seed, samples, options["z_dim"])

  @property
  def min_size(self) -> int:
    return self.network.min_size

  @property
  def support(self) -> int:
    return self.network.reach

  @property
  def locality(self) -> tiling.Locality | None:
    # Fixed noise is laid out from the corner of a tile, and bands without
    # padding lose their borders, so neither gives the value of the whole.
    options = self.network.get_config()
    if self.estimator != "deterministic" or options["front_end"] == "laplacian":
      return None
    return tiling.Locality(self.network.strides, self.network.reach)

  def embed(self, image: tf.Tensor) -> list[divergences.Mixture]:
    if image.shape[-1] == 1:
      image = tf.repeat(image, 3, axis=-1)
    coarsest, *rest = self.network.marginal(self.network.features(image))
    means = coarsest.means + tf.expand_dims(numerics.nan_mark(image), -1)
    return [coarsest._replace(means=means), *rest]

  def compare(
    self,
    reference: list[divergences.Mixture],
    image: list[divergences.Mixture],
  ) -> list[tf.Tensor]:
    """Returns the divergence at each place of each band, `[N, h, w, 1]`."""
    return [
      tf.expand_dims(self._divergence(r, i, band), -1)
      for band, (r, i) in enumerate(zip(reference, image, strict=True))
    ]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    means = [numerics.spatial_mean(m)[:, 0] for m in maps]
    return tf.add_n(means) / len(means)

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Stretches each band's map to the picture's size and averages them."""
    stretched = [features.upsample(m, height, width) for m in maps]
    return tf.add_n(stretched) / len(stretched)

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns the weights of the network, named by their place in its order.

    A file that `numpy.savez` makes of them can be given as `weights=`.
    """
    return {
      f"{i:03d}": array for i, array in enumerate(self.network.get_weights())
    }

  def save_own_variables(self, store: Any) -> None:
    """Saves the weights of the network that have changed."""
    self._origin.save(self.network, store)

  def load_own_variables(self, store: Any) -> None:
    """Reads weights that `save_own_variables` or an older version wrote.

    In older files the network has a group of its own.
    """
    is_older = not list(store.keys())
    held = moved.stored_below(store, "network") if is_older else store
    self._origin.load(self.network, held)

  def __dir__(self) -> Iterable[str]:
    # Keras finds objects to save by `dir`; it would save all of the network.
    return [name for name in super().__dir__() if name != "network"]

  def get_config(self) -> dict[str, Any]:
    return (
      super().get_config()
      | self._asked
      | {
        "weights": self.source,
        "estimator": self._asked_estimator,
        "samples": self.samples,
        "seed": self.seed,
      }
    )

  def _divergence(
    self, x: divergences.Mixture, y: divergences.Mixture, band: int
  ) -> tf.Tensor:
    """Returns the divergence at each place of a band, `[N, h, w]`."""
    if self.estimator == "deterministic":
      # KL of unit normals is half the squared distance of their means, so both
      # directions add up to it. The mean over z divides it by `z_dim`.
      square = tf.math.squared_difference(x.means, y.means)
      return tf.reduce_mean(square, axis=[-2, -1])
    if self.estimator == "sampled":
      return _sampled(x, y, self.samples, [self.seed, band])
    shape = tf.shape(x.means)
    noise = tf.constant(self._noise, x.means.dtype)
    for axis in (1, 2):  # [S, _TILE, _TILE, Z] -> [S, h, w, Z]
      noise = tf.gather(noise, tf.range(shape[axis]) % _TILE, axis=axis)
    estimates = [divergences.jeffreys(x, y, n) for n in tf.unstack(noise)]
    return tf.add_n(estimates) / self.samples


def _sampled(
  x: divergences.Mixture, y: divergences.Mixture, samples: int, seed: list[int]
) -> tf.Tensor:
  """Returns the published estimate of KL(x || y) + KL(y || x)."""
  total = 0.0
  for i, (p, q) in enumerate([(x, y), (y, x)] * samples):
    # All images of a batch share the noise, so that the value of an image does
    # not depend on its place in the batch.
    z = p.sample(tf.random.experimental.stateless_fold_in(seed, i), alike=True)
    total += p.log_density(z) - q.log_density(z)
  return total / samples


def _tiles(seed: int, samples: int, size: int) -> np.ndarray:
  """Returns noise `[samples, _TILE, _TILE, size]` of mean 0 and covariance 1.

  Half of it is whitened and mirrored, so that both hold exactly. Then the mean
  over a flat region of an image has no error of first or second order.
  """
  random = np.random.default_rng(seed)
  count = max(_TILE**2 // 2, size)
  tiles = []
  for _ in range(samples):
    half = random.standard_normal((count, size))
    root = np.linalg.cholesky(half.T @ half / count)
    half = np.linalg.solve(root, half.T).T
    noise = random.permutation(np.concatenate([half, -half]))
    tiles.append(noise[: _TILE**2].reshape(_TILE, _TILE, size))
  return np.stack(tiles)


def _checked_estimator(estimator: str | None, mixtures: int) -> str:
  checks.choice("pim", "estimator", estimator, (None, *ESTIMATORS))
  allowed = ESTIMATORS[:1] if mixtures == 1 else ESTIMATORS[1:]
  if estimator is None:
    return allowed[0]
  if estimator not in allowed:
    raise ValueError(
      f"pim with {mixtures} mixture component(s) has the estimators "
      f"{', '.join(allowed)}; got {estimator!r}"
    )
  return estimator


def _network(
  source: str | None, asked: Mapping[str, Any], seed: int, dtype: str
) -> models.PIMNetwork:
  """Returns the network with the asked options and the weights of `source`."""
  wanted = {k: v for k, v in asked.items() if v is not None}
  if source is None:
    return models.PIMNetwork(
      **wanted, train_joint=False, seed=seed, dtype=dtype
    )
  arrays = weight_files.load(source)
  for name, array in arrays.items():
    moved.require_finite(name, array)
  network = models.pim_from_arrays(
    [arrays[name] for name in sorted(arrays)],
    source=source,
    dtype=dtype,
    train_joint=False,
  )
  found = network.get_config()
  unlike = [
    f"{name}={found[name]!r}, not {value!r}"
    for name, value in wanted.items()
    if found[name] != value
  ]
  if unlike:
    raise ValueError(
      f"the weights {source!r} have {', '.join(unlike)}; leave the option out, "
      "or give weights=None for a network with random weights"
    )
  return network
