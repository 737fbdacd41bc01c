"""PIM learns without labels: what two neighbouring frames share is slow."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfpercept import models
from tfpercept.ops import divergences
from tfpercept.tasks import base

MARGINALS = ("bands", "image")


class Slowness(base.Task):
  """Trains PIM on pairs of images that show nearly the same.

  Raises the IXYZ bound on the information that z shares with both images x and
  y, beyond what it holds of one alone. For pair i of a batch of N and a sample
  z_i of p(z|x_i, y_i) it is

      J_i = log q(z_i|x_i) + log q(z_i|y_i) - log p(z_i|x_i, y_i)
            - log 1/N sum_j p(z_i|x_j, y_j)

  where log densities are averages over the places of a band, then over bands.
  The last two terms, `contrast`, are what z says of which pair of the batch it
  comes from, log N at most. The loss is the batch mean of -J.

  A batch is `(x, y)`, float `[N, H, W, 3]` in [0, 1]; its terms are `loss`, the
  batch means of the four log densities (`log_q_x`, `log_q_y`, `log_p`,
  `log_marginal`) and `contrast` (`log_p - log_marginal`).

  Args:
    network: The network that is trained.
    marginal: Whether the average over bands is taken before the last logarithm
      (`"image"`: log densities as the reference program defines them) or after
      it (`"bands"`: the mean of the bands' own bounds). With the former one
      band tells pairs apart for all, and the others shrink to nothing within
      some hundred steps: they have nothing to gain, and agreement to lose.
    seed: The seed of the samples of z, which follow from it and the step alone.
    clip_norm: The norm, above 0, that the gradient of all weights together is
      cut to.

  Source: Bhardwaj, Fischer, Balle, Chinen, 2020, section 3; Fischer, "The
  conditional entropy bottleneck", 2020. Frames, crops, batch, rate and clipping
  of the published network are not known; those here are ours.
  """

  def __init__(
    self,
    network: models.PIMNetwork,
    *,
    marginal: str = "bands",
    seed: int = 0,
    clip_norm: float = 1.0,
  ):
    if marginal not in MARGINALS:
      raise ValueError(
        f"marginal is one of {', '.join(MARGINALS)}; got {marginal!r}"
      )
    super().__init__("slowness", seed=seed)
    self.network = network
    self._marginal, self._clip_norm = marginal, clip_norm

  def call(
    self, x: tf.Tensor, training: bool = False
  ) -> list[divergences.Mixture]:
    return self.network(x, training=training)

  def parts(self) -> dict[str, Any]:
    return {"network": self.network}

  def moves(self) -> dict[str, base.Move]:
    variables = self.network.trainable_variables
    return {"network": base.Move(variables, clip=self._clip_norm)}

  def terms(
    self, batch: base.Pair, *, seed: tf.Tensor, step: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    x, y = batch
    # One batch: convolutions are faster on many images.
    features = self.network.features(tf.concat([x, y], axis=0))
    pairs = [tf.split(f, 2, axis=0) for f in features]
    f_x, f_y = zip(*pairs, strict=True)
    joint = self.network.joint(f_x, f_y)
    found = self._mean_terms(f_x, f_y, joint, standard_normal(joint, seed))
    found["contrast"] = found["log_p"] - found["log_marginal"]
    found["loss"] = (
      found["log_p"]
      + found["log_marginal"]
      - found["log_q_x"]
      - found["log_q_y"]
    )
    return found

  def _mean_terms(
    self,
    f_x: Sequence[tf.Tensor],
    f_y: Sequence[tf.Tensor],
    joint: list[tf.Tensor],
    noise: list[tf.Tensor],
  ) -> dict[str, tf.Tensor]:
    """Batch means of the terms over z = mean + noise and z = mean - noise.

    Of a pair of mirrored samples the part of the gradient that is odd in the
    noise cancels. For one normal that is all of it, in the terms of q; with
    single samples it drowns the rest while features are small.
    """
    both = [
      terms(
        self.network,
        f_x,
        f_y,
        [m + sign * n for m, n in zip(joint, noise, strict=True)],
        marginal=self._marginal,
      )
      for sign in (1, -1)
    ]
    return {
      name: tf.reduce_mean(both[0][name] + both[1][name]) / 2
      for name in both[0]
    }


def standard_normal(like: list[tf.Tensor], seed: tf.Tensor) -> list[tf.Tensor]:
  """Returns noise of the shape of each band's tensor; `seed` is int32 `[2]`."""
  seeds = tf.random.experimental.stateless_split(seed, len(like))
  return [
    tf.random.stateless_normal(tf.shape(t), seeds[i], dtype=t.dtype)
    for i, t in enumerate(like)
  ]


def terms(
  network: models.PIMNetwork,
  x: Sequence[tf.Tensor],
  y: Sequence[tf.Tensor],
  z: list[tf.Tensor],
  *,
  marginal: str,
) -> dict[str, tf.Tensor]:
  """Returns the four log densities of the bound for each pair, `[N]`.

  Args:
    network: The network that gives the distributions.
    x: Features of the first images, `[N, h, w, 3]` for each band.
    y: Features of the second images, `[N, h, w, 3]` for each band.
    z: A sample for each pair, `[N, h, w, Z]` for each band.
    marginal: One of `MARGINALS`, see `Slowness`.
  """
  matrix = log_p_matrix(network.joint(x, y), z)  # [bands, N, N]
  log_p = tf.linalg.diag_part(matrix)
  if marginal == "image":
    matrix = tf.reduce_mean(matrix, axis=0, keepdims=True)
  log_n = tf.math.log(tf.cast(tf.shape(matrix)[-1], matrix.dtype))
  log_marginal = tf.reduce_logsumexp(matrix, axis=-1) - log_n
  return {
    "log_q_x": _log_density(network.marginal(x), z),
    "log_q_y": _log_density(network.marginal(y), z),
    "log_p": tf.reduce_mean(log_p, axis=0),
    "log_marginal": tf.reduce_mean(log_marginal, axis=0),
  }


def log_p_matrix(means: list[tf.Tensor], z: list[tf.Tensor]) -> tf.Tensor:
  """Returns log p(z_i|x_j, y_j), `[bands, N, N]`, averaged over places.

  Args:
    means: `[N, h, w, Z]` for each band, of normals of unit variance.
    z: Samples, `[N, h, w, Z]` for each band.
  """
  bands = []
  for mean, sampled in zip(means, z, strict=True):
    size = mean.shape[-1]
    mean, sampled = (
      tf.reshape(t, [tf.shape(t)[0], -1]) for t in (mean, sampled)
    )
    places = tf.cast(tf.shape(mean)[1] // size, mean.dtype)
    square = (
      tf.reduce_sum(sampled**2, axis=1)[:, None]
      + tf.reduce_sum(mean**2, axis=1)
      - 2 * tf.matmul(sampled, mean, transpose_b=True)
    )
    bands.append(-0.5 * (square / places + size * math.log(2 * math.pi)))
  return tf.stack(bands)


def _log_density(
  mixtures: list[divergences.Mixture], z: list[tf.Tensor]
) -> tf.Tensor:
  bands = [
    tf.reduce_mean(m.log_density(s), axis=[1, 2])
    for m, s in zip(mixtures, z, strict=True)
  ]
  return tf.add_n(bands) / len(bands)
