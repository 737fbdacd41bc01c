"""Structural similarity of image pairs: the fast path of `ssim`, `ms_ssim`.

One function, `deficits`. What makes it fast, with its reasons:

- Sum and difference. With u = x + y and v = x - y and the variances Vu, Vv of
  u and v under the window, the two SSIM factors cs and l (Wang et al. 2004,
  equation 6) fall short of 1 by

      1 - cs = Vv / ((Vu + Vv) / 2 + C2)
      1 - l = mu_v^2 / ((mu_u^2 + mu_v^2) / 2 + C1)

  Four maps are filtered instead of five, and no digits are lost by subtracting
  nearly equal numbers, as the textbook form does for good reconstructions.
  Variances do not change with an offset, so a = u - 1, around mid-grey, stands
  for u; its squares, and their rounding, are smaller.
- Separable windows. 22 multiplications a sample and map instead of 121.
- The batch is folded into the channels, `[1, H, W, N * C]`: depthwise
  convolution on CPU is vectorised over channels, and three fill no register.
- The gradient is written by hand. With p = d(1-cs)/dVu, q = d(1-cs)/dVv and F
  the transposed filter, that of the mean of 1 - cs with respect to x is

      2 a F[p] + 2 v F[q] - 2 F[mu_a p + mu_v q]

  three filtered maps, where automatic differentiation filters four and keeps
  all intermediate maps alive. The window is symmetric, so F is the forward
  filter on zero-padded maps. Swapping x and y only changes the sign of v.
- What is done point by point is compiled by XLA into one loop, but only inside
  a traced function whose shapes are all known: each new shape costs a
  compilation, which pays in training and does not when every picture of an
  evaluation has another size. Eager calls and unknown sizes run the same code
  as ordinary operations.

Only `tf.nn` forward operations occur, in the gradient as well, so results are
deterministic wherever those are.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from tfpercept.ops import filters


def deficits(
  reference: tf.Tensor,
  image: tf.Tensor,
  *,
  taps: tuple[float, ...],
  c1: float,
  c2: float,
  scales: int,
) -> tf.Tensor:
  """Returns how far each scale's mean structural term falls short of 1.

  Both images are halved `scales - 1` times. All scales but the last give the
  spatial mean of 1 - cs, the last that of 1 - l * cs.

  Args:
    reference: `[N, H, W, C]`, float32 or float64.
    image: The same shape; sizes may be unknown until the graph runs.
    taps: Symmetric window, no longer than a side of the coarsest scale.
    c1: Constant of the luminance term, (k1 * range)^2.
    c2: Constant of the contrast-structure term, (k2 * range)^2.
    scales: Number of scales, at least 1.

  Returns:
    `[N, C, scales]`. The gradient with respect to both arguments is finite
    everywhere; second derivatives raise LookupError.
  """

  @tf.custom_gradient
  def pair(x, y):
    return _pair(x, y, taps=taps, c1=c1, c2=c2, scales=scales)

  n, _, _, c = _dims(image)
  return tf.reshape(pair(_fold(image), _fold(reference)), [n, c, scales])


def _pair(x, y, *, taps, c1, c2, scales):
  """Deficits `[K, scales]` of `[1, H, W, K]` pairs, and their gradient."""
  levels, values = [], []
  signals = _compiled(_sum_and_difference)(x, y)  # a, v: [1, H, W, 2K]
  for scale in range(scales):
    if scale:
      signals = filters.halve(signals)
    last = scale == scales - 1
    stack = _compiled(_with_squares)(signals)  # [1, h, w, 4K]
    moments = filters.separable(stack, taps)
    term = functools.partial(_deficit, c1=c1 if last else None, c2=c2)
    values.append(_compiled(term)(moments))
    levels.append((signals, moments))

  def gradient(upstream):  # [K, scales]
    return tuple(
      _pull_back(upstream, levels, sign, taps, c1, c2) for sign in (1, -1)
    )

  return tf.stack(values, axis=-1), gradient


def _pull_back(upstream, levels, sign, taps, c1, c2):
  """Gradient `[1, H, W, K]` for x (sign 1) or for y (sign -1)."""
  total = None
  for scale in reversed(range(len(levels))):
    signals, moments = levels[scale]
    last = scale == len(levels) - 1
    slopes = functools.partial(
      _slopes, sign=sign, c1=c1 if last else None, c2=c2
    )
    maps = _compiled(slopes)(moments, upstream[:, scale])  # [1, h, w, 3K]
    pad = len(taps) - 1
    maps = tf.pad(maps, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    maps = filters.separable(maps, taps)
    combine = functools.partial(_combine, sign=sign)
    local = _compiled(combine)(signals, maps)
    if total is None:
      total = local
    else:
      total = local + filters.halve_gradient(total, tf.shape(local))
  return total


def _sum_and_difference(x, y):
  return tf.concat([x + y - 1, x - y], axis=-1)


def _with_squares(signals):
  return tf.concat([signals, tf.square(signals)], axis=-1)


def _variances(moments):
  mu_a, mu_v, aa, vv = tf.split(moments, 4, axis=-1)
  # Rounding can take a variance below 0, where the quotient has its pole.
  return mu_a, mu_v, tf.nn.relu(aa - mu_a**2), tf.nn.relu(vv - mu_v**2)


def _deficit(moments, *, c1, c2):
  """Spatial mean `[K]` of 1 - cs, or with `c1` of 1 - l * cs."""
  mu_a, mu_v, var_a, var_v = _variances(moments)
  cs = var_v / ((var_a + var_v) / 2 + c2)
  if c1 is None:
    return _spatial_mean(cs)
  l = mu_v**2 / (((mu_a + 1) ** 2 + mu_v**2) / 2 + c1)
  return _spatial_mean(l + cs - l * cs)


def _spatial_mean(terms):
  """Mean `[K]` of `[1, h, w, K]`, one axis after the other.

  A sum over all leading axes at once is taken in sequence, and in float32 it
  errs by 1e-4 where all terms are alike, as for a black and a white image.
  """
  return tf.reduce_mean(tf.reduce_mean(terms, axis=[0, 1]), axis=0)


def _slopes(moments, upstream, *, sign, c1, c2):
  """Slopes in E[a^2], E[v^2] and the means; three maps, `[1, h, w, 3K]`."""
  mu_a, mu_v, var_a, var_v = _variances(moments)
  area = tf.cast(tf.reduce_prod(tf.shape(moments)[1:3]), moments.dtype)
  upstream = upstream / area
  scale = 1 / ((var_a + var_v) / 2 + c2)
  cs = var_v * scale
  by_l = 0.0
  if c1 is not None:
    mu_u = mu_a + 1
    l_scale = 1 / ((mu_u**2 + mu_v**2) / 2 + c1)
    l = mu_v**2 * l_scale
    by_l = upstream * (1 - cs) * l_scale
    by_l = by_l * (sign * mu_v * (2 - l) - mu_u * l)
    upstream = upstream * (1 - l)
  p = -upstream * cs * scale / 2
  q = upstream * (1 - cs / 2) * scale
  zero = tf.zeros_like(p)
  p = tf.where(var_a > 0, p, zero)
  q = tf.where(var_v > 0, q, zero)
  return tf.concat([p, q, by_l - 2 * (mu_a * p + sign * mu_v * q)], axis=-1)


def _combine(signals, maps, *, sign):
  a, v = tf.split(signals, 2, axis=-1)
  p, q, r = tf.split(maps, 3, axis=-1)
  return 2 * (a * p + sign * v * q) + r


def _dims(images):
  dynamic = tf.shape(images)
  return [
    d if d is not None else dynamic[i] for i, d in enumerate(images.shape)
  ]


def _fold(images):
  """`[N, H, W, C]` to `[1, H, W, N * C]`."""
  n, h, w, c = _dims(images)
  if images.shape[0] == 1:
    return images
  return tf.reshape(tf.transpose(images, [1, 2, 0, 3]), [1, h, w, n * c])


def _compiled(fn: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
  """Compiles `fn` where that pays: see the head of this module."""

  def call(*tensors):
    known = all(tensor.shape.is_fully_defined() for tensor in tensors)
    if tf.executing_eagerly() or not known:
      return fn(*tensors)
    return tf.function(fn, autograph=False, jit_compile=True)(*tensors)

  return call
