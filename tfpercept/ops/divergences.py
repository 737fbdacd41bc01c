"""Gaussian mixtures of unit variance: densities and divergences."""

import math
from typing import NamedTuple

import tensorflow as tf

from tfpercept.ops import numerics


class Mixture(NamedTuple):
  """A mixture of M normals of unit variance at each position.

  Attributes:
    means: Means of the M components, float `[..., M, Z]`.
    logits: Logarithms of the weights up to a constant, `[..., M]`; None where M
      is 1.
  """

  means: tf.Tensor
  logits: tf.Tensor | None = None

  def log_density(self, z: tf.Tensor) -> tf.Tensor:
    """Returns the log density `[...]` of samples `[..., Z]`."""
    # The log density of a unit normal, without a determinant, for each
    # component; then the log of their weighted sum.
    square = tf.math.squared_difference(z[..., None, :], self.means)
    size = square.shape[-1]
    logs = -0.5 * (tf.reduce_sum(square, -1) + size * math.log(2 * math.pi))
    if self.logits is None:
      return logs[..., 0]
    return tf.reduce_logsumexp(logs + tf.nn.log_softmax(self.logits), axis=-1)

  def sample(self, seed: tf.Tensor, *, alike: bool = False) -> tf.Tensor:
    """Draws one sample `[..., Z]` at each position.

    Args:
      seed: Seed of the draw, int32 `[2]`.
      alike: If True, all positions along the first axis share one noise.
    """
    means = self.means
    shape = tf.shape(means)
    if alike:
      shape = tf.concat([[1], shape[1:]], axis=0)
    if self.logits is None:
      chosen = means[..., 0, :]
    else:
      uniform = tf.random.stateless_uniform(shape[:-1], seed, dtype=means.dtype)
      # Gumbel-max trick: with Gumbel noise added, the index of the largest
      # logit is distributed by the softmax of the logits.
      noisy = self.logits - tf.math.log(-tf.math.log(uniform))
      index = tf.argmax(noisy, axis=-1, output_type=tf.int32)
      chosen = tf.gather(means, index, axis=-2, batch_dims=means.shape.rank - 2)
    noise = tf.random.stateless_normal(
      tf.concat([shape[:-2], shape[-1:]], axis=0),
      tf.add(seed, [1, 0]),
      dtype=means.dtype,
    )
    return chosen + noise


def jeffreys(p: Mixture, q: Mixture, noise: tf.Tensor) -> tf.Tensor:
  """Estimates KL(p || q) + KL(q || p) at each position, without bias.

  With L = log p - log q the divergence is the integral of (p - q) L, whose
  integrand is nowhere negative. It equals E_p[g] + E_q[g], g = L tanh(L / 2),
  since p - q = (p + q) tanh(L / 2). The sum over components is exact, and each
  component is sampled with the same noise. So the estimate is never negative,
  0 for equal mixtures, and symmetric, for every noise. The slope of g is
  bounded by that of L.

  Args:
    p: Mixture with means `[..., M, Z]` and logits `[..., M]`.
    q: Mixture of the same shape.
    noise: Sample of a standard normal, broadcast against `[..., Z]`.

  Returns:
    Estimates `[...]` in nats.
  """
  return _jeffreys(
    tf.concat([p.means, q.means], axis=-2),  # [..., 2M, Z]
    tf.concat([tf.nn.log_softmax(m.logits) for m in (p, q)], axis=-1),
    tf.cast(noise, p.means.dtype),
  )


@tf.custom_gradient
def _jeffreys(
  means: tf.Tensor, logs: tf.Tensor, noise: tf.Tensor
) -> numerics.WithGradient:
  """Returns `jeffreys` of the components of p followed by those of q.

  The log density of component j at sample i, which is mean i + noise, is

      k_ij + b_j + (terms of i alone), k = means means^T,
      b_j = logs_j - |means_j|^2 / 2 + noise means_j

  Terms of i alone are the same for p and q and cancel in L. The gradient is
  written by hand, which takes half the time; it is that of the two softmaxes
  over j.

  Args:
    means: Means `[..., 2M, Z]`.
    logs: Logarithms of the weights, `[..., 2M]`.
    noise: Sample of a standard normal, broadcast against `[..., Z]`.
  """
  inner = tf.linalg.matmul(means, means, transpose_b=True)
  here = logs - 0.5 * tf.linalg.diag_part(inner)
  here += tf.linalg.matvec(means, noise)
  shape = tf.shape(inner)
  pairs = tf.concat([shape[:-1], [2, shape[-1] // 2]], axis=0)
  densities = tf.reshape(inner + here[..., None, :], pairs)  # [..., 2M, 2, M]
  totals = tf.reduce_logsumexp(densities, axis=-1)
  ratio = totals[..., 0] - totals[..., 1]  # [..., 2M]
  half = tf.tanh(0.5 * ratio)
  weights = tf.exp(logs)

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None]:
    upstream = upstream[..., None] * weights
    # The slope of g = L tanh(L / 2) in L.
    by_ratio = upstream * (half + 0.5 * ratio * (1 - half**2))
    signed = tf.stack([by_ratio, -by_ratio], axis=-1)[..., None]
    by_inner = tf.exp(densities - totals[..., None]) * signed
    by_inner = tf.reshape(by_inner, shape)  # [..., 2M, 2M]
    by_here = tf.reduce_sum(by_inner, axis=-2)
    by_means = (
      tf.linalg.matmul(by_inner, means)
      + tf.linalg.matmul(by_inner, means, transpose_a=True)
      + by_here[..., None] * (noise[..., None, :] - means)
    )
    return by_means, by_here + upstream * ratio * half, None

  return tf.reduce_sum(weights * ratio * half, axis=-1), gradient


def normal_to_standard(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
  """Returns KL(N(mean, variance) || N(0, 1)) in nats, element by element.

  Source: Kingma, Welling, "Auto-encoding variational Bayes", 2014, appendix B.
  """
  return 0.5 * (mean**2 + tf.exp(log_variance) - 1.0 - log_variance)
