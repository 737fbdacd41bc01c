"""Samples and reconstructions of a VAE, as uint8 sheets of tiles.

A network here has `encode(x) -> (mean, log_variance)`, each `[N, L]`,
`decode(z) -> [N, H, W, C]` in [0, 1], and `latent`, which is L. Sheets are
`[h, w, C]`, for TensorBoard and pages alike.
"""

from typing import Protocol

import numpy as np
import tensorflow as tf

from tfpercept.evaluation.core import batches

GAP = 2
"""Pixels between tiles."""
_GROUND = 128  # grey of the gaps: digits are black and white, faces neither
_BATCH = 500  # pictures at once
_PARALLEL = 1e-4  # radians; below, sines of multiples are as good as lines


class Network(Protocol):
  """A variational autoencoder."""

  latent: int

  def encode(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]: ...

  def decode(self, z: tf.Tensor) -> tf.Tensor: ...


def latents(count: int, latent: int, *, seed: int) -> np.ndarray:
  """Draws from the prior: float32 `[count, latent]`, standard normal.

  The same for all networks of one width.
  """
  return tf.random.stateless_normal([count, latent], [seed, latent]).numpy()


def decoded(network: Network, z: np.ndarray) -> np.ndarray:
  """Returns float32 `[N, H, W, C]`, computed some at a time."""
  return batches.apply(network.decode, z, _BATCH)


def reconstructed(network: Network, x: np.ndarray) -> np.ndarray:
  """Returns reconstructions of pictures from the means of their latents."""

  def reconstruct(part: tf.Tensor) -> tf.Tensor:
    return network.decode(network.encode(part)[0])

  return batches.apply(reconstruct, x, _BATCH)


def sheet(images: np.ndarray, columns: int) -> np.ndarray:
  """Lays pictures `[N, H, W, C]` in [0, 1] out in rows; gaps are grey.

  Raises:
    ValueError: if there is no picture or `columns` < 1.
  """
  count = len(images)
  if not count or columns < 1:
    raise ValueError(
      f"a sheet needs pictures and columns; got {count} and {columns}"
    )
  _, height, width, channels = images.shape
  columns = min(columns, count)
  rows = -(-count // columns)
  tiles = np.full(
    (rows * columns, height + GAP, width + GAP, channels), _GROUND, np.uint8
  )
  tiles[:count, :height, :width] = np.round(255 * np.clip(images, 0, 1))
  tiles = tiles.reshape(rows, columns, *tiles.shape[1:])
  whole = np.concatenate(np.concatenate(tiles, axis=1), axis=1)
  return whole[:-GAP, :-GAP]


def reconstructions(network: Network, x: np.ndarray) -> np.ndarray:
  """Draws pictures `[N, H, W, C]` in a row, above their reconstructions."""
  x_hat = reconstructed(network, x)
  return sheet(np.concatenate([x, x_hat]), len(x))


def samples(network: Network, z: np.ndarray, *, columns: int) -> np.ndarray:
  """Draws the pictures that latents `[N, L]` are decoded to."""
  return sheet(decoded(network, z), columns)


def interpolations(
  network: Network, first: np.ndarray, second: np.ndarray, *, steps: int
) -> np.ndarray:
  """Draws the way from each picture to another, a row for each.

  The way is spherical, see `spherical`, between the means of their latents. The
  first and the last tile of a row are those means decoded, not the pictures.

  Args:
    network: Variational autoencoder.
    first: Pictures at the start of a row, `[N, H, W, C]` in [0, 1].
    second: Pictures at the end of a row, of the same shape and range.
    steps: Number of tiles in a row, at least 2.
  """
  if steps < 2:
    raise ValueError(f"a way has a start and an end; got steps={steps}")
  start, end = (
    batches.apply(lambda part: network.encode(part)[0], x, _BATCH)
    for x in (first, second)
  )
  z = spherical(start, end, np.linspace(0, 1, steps))
  return sheet(decoded(network, z.reshape(-1, z.shape[-1])), steps)


def spherical(
  first: np.ndarray, second: np.ndarray, shares: np.ndarray
) -> np.ndarray:
  """Interpolates between vectors along arcs: `[N, S, L]`.

  sin((1-t) a) / sin(a) first + sin(t a) / sin(a) second, where a is the angle
  between them; a straight line where they point the same or the opposite way,
  or one has no length. Latents drawn from the prior have all nearly the same
  length, which the middle of a straight line has not.

  Args:
    first: Vectors at t = 0, `[N, L]`.
    second: Vectors at t = 1, `[N, L]`.
    shares: Values of t, `[S]` in [0, 1].

  Source: White, "Sampling generative networks", 2016, section 2.1.
  """
  first, second = (v.astype(np.float64) for v in (first, second))
  length = np.prod([np.linalg.norm(v, axis=-1) for v in (first, second)], 0)
  product = np.sum(first * second, axis=-1)
  # Without length the angle is 0.
  cosine = np.divide(
    product, length, out=np.ones_like(length), where=length > 0
  )
  angle = np.arccos(np.clip(cosine, -1, 1))[:, None, None]  # [N, 1, 1]
  t = shares[:, None]  # [S, 1]
  curved = np.sin(angle) > _PARALLEL
  sine = np.where(curved, np.sin(angle), 1.0)
  weights = [
    np.where(curved, np.sin(share * angle) / sine, share)
    for share in (1 - t, t)
  ]
  ways = weights[0] * first[:, None] + weights[1] * second[:, None]
  return ways.astype(np.float32)


def manifold(network: Network, *, side: int) -> np.ndarray:
  """Draws a plane of latents, `side` by `side` tiles.

  The tiles are at the quantiles (i + 1/2) / side of the prior along each axis,
  so that each stands for an equal share of it. The first latent grows to the
  right, the second upwards.

  Raises:
    ValueError: if the network has not just two latents.

  Source: Kingma, Welling, "Auto-encoding variational Bayes", 2014, figure 4.
  """
  if network.latent != 2:
    raise ValueError(
      f"the plane of latents needs a network of 2; this one has "
      f"{network.latent}"
    )
  axis = tf.math.ndtri((tf.range(side, dtype=tf.float64) + 0.5) / side).numpy()
  right, up = np.meshgrid(axis, axis[::-1])
  z = np.stack([right, up], axis=-1).reshape(-1, 2).astype(np.float32)
  return sheet(decoded(network, z), side)
