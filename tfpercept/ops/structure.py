"""The fast path of `ssim` and `ms_ssim`, in traced functions.

`distances/ssim.py` holds the same mathematics in its plain form, which serves
eager calls and sizes unknown at tracing. This form is faster in these points,
where x is the image and y the reference:

- Sum and difference. a = x + y - 1 and v = x - y, and their squares, are
  filtered: four maps instead of five, without loss of digits. See `shortfalls`.
- The gradient is written by hand. With p = d(1-cs)/dVa, q = d(1-cs)/dVv and F
  the transposed filter, the gradient of the sum of 1 - cs with respect to x is

      2 a F[p] + 2 v F[q] - 2 F[mu_a p + mu_v q]

  three filtered maps where automatic differentiation filters four and keeps all
  intermediate maps. The gradient with respect to y is that with v negated; it
  is computed apart, so that a graph that does not need it never runs it.
- Rows are flattened, `[N, H, W * C]`: filtering along rows and along columns
  are then both sums of shifted, contiguous slices, which vectorize for any
  number of channels. Depthwise convolution does not with the 3 channels of a
  picture, and XLA's is a hundred times slower still.
- XLA compiles each step into a few loops over memory, and no more than a step:
  the sum of 11 shifts of a sum of 11 shifts would become 121 terms. Within a
  caller's `jit_compile=True` it does, at about twice the time. Padding stays
  outside, where it is a copy; inside it would become a choice for each sample.
- With a margin each scale is mirrored at its borders before it is filtered. The
  gradient is taken on the mirrored picture, then folded back.
- Each new size costs a compilation of a second. That pays in training, but not
  when every picture of an evaluation has another size. So eager calls do not
  take this path.
"""

import dataclasses
import functools
from collections.abc import Sequence

import tensorflow as tf

from tfpercept.ops import filters, numerics


def applies(image: tf.Tensor, *, margin: int = 0, scales: int = 1) -> bool:
  """Returns whether `deficits` serves an image `[N, H, W, C]`.

  It does while the image is traced with only N unknown, and no side of a scale
  is smaller than the margin.

  Args:
    image: Images `[N, H, W, C]`.
    margin: Number of pixels mirrored at each border.
    scales: Number of scales, at least 1.
  """
  if tf.executing_eagerly() or None in image.shape[1:]:
    return False
  coarsest = -(-min(image.shape[1:3]) // 2 ** (scales - 1))
  return coarsest >= margin


def deficits(
  reference: tf.Tensor,
  image: tf.Tensor,
  *,
  taps: Sequence[float],
  c1: float,
  c2: float,
  scales: int,
  margin: int = 0,
) -> tf.Tensor:
  """Returns 1 minus the mean structural term of each scale.

  Both images are halved `scales - 1` times. The last scale gives the spatial
  mean of 1 - l * cs, all others that of 1 - cs.

  Args:
    reference: Images `[N, H, W, C]`, float32 or float64; only N may be unknown.
    image: Images of the same shape and dtype.
    taps: Symmetric window, no longer than a side of the coarsest scale with
      its margins.
    c1: Constant of the luminance term, (k1 * range)^2.
    c2: Constant of the contrast-structure term, (k2 * range)^2.
    scales: Number of scales, at least 1.
    margin: Number of pixels that are mirrored at each border of each scale, no
      more than a side of the coarsest scale has. The border pixel is repeated.

  Returns:
    Values `[N, C, scales]`, finest scale first. The gradient with respect to
    both arguments is finite everywhere.
  """
  _, height, width, channels = image.shape
  levels = []
  for scale in range(scales):
    last = scale == scales - 1
    level = _Scale(
      height, width, channels, tuple(taps), c1 if last else None, c2, margin
    )
    levels.append(level)
    height, width = (height + 1) // 2, (width + 1) // 2

  @tf.custom_gradient
  def pair(x: tf.Tensor, y: tf.Tensor) -> numerics.WithGradient:
    values, saved = [], []
    signals = numerics.compiled(levels[0].start)(x, y)
    for scale, level in enumerate(levels):
      if scale:
        signals = levels[scale - 1].halve(signals)
      padded = level.pad(signals)
      moments = level.filter(padded)
      values.append(numerics.compiled(level.deficit)(*moments))
      saved.append((level, padded, moments))

    def gradient(
      upstream: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:  # [N, C, scales]
      return tuple(_pull_back(upstream, saved, sign) for sign in (1, -1))

    return tf.stack(values, axis=-1), gradient

  return pair(image, reference)


def _pull_back(
  upstream: tf.Tensor,
  saved: Sequence[tuple["_Scale", tf.Tensor, tuple[tf.Tensor, tf.Tensor]]],
  sign: int,
) -> tf.Tensor:
  """Returns the gradient `[N, H, W, C]` for the image or the reference.

  `sign` is 1 for the image and -1 for the reference: exchanging the two leaves
  the sum a as it is and negates the difference v.
  """
  # From the coarsest scale up, since each scale adds the gradient that comes
  # through its halved images.
  total: tuple[tf.Tensor, ...] = ()
  for scale, (level, signals, moments) in reversed(list(enumerate(saved))):
    slopes = numerics.compiled(functools.partial(level.slopes, sign=sign))
    combine = numerics.compiled(functools.partial(level.combine, sign=sign))
    unfiltered = level.unfilter(slopes(*moments, upstream[..., scale]))
    if level.margin:
      own = level.fold(combine(signals, unfiltered))
      total = (numerics.compiled(level.join)(own, *total),)
    else:
      total = (combine(signals, unfiltered, *total),)
  return level.unflatten(*total)


@dataclasses.dataclass(frozen=True)
class _Scale:
  """The steps at one scale, whose images are `height` x `width`.

  Maps of one kind follow each other on the first axis: `[2N, H, W * C]` holds
  a of all images, then v.

  Attributes:
    height: Height of the images at this scale.
    width: Width of the images at this scale.
    channels: Number of channels, C.
    taps: Taps of the symmetric window, which sum to 1.
    c1: Constant of the luminance term; None leaves the term out.
    c2: Constant of the contrast-structure term.
    margin: Number of pixels that are mirrored at each border.
  """

  height: int
  width: int
  channels: int
  taps: tuple[float, ...]
  c1: float | None
  c2: float
  margin: int

  @property
  def _filtered_size(self) -> tuple[int, int]:
    less = len(self.taps) - 1 - 2 * self.margin
    return self.height - less, self.width - less

  def start(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    # Variances do not depend on the offset -1. It puts a around 0 for pictures
    # around mid-gray, where a and its square lose the fewest digits.
    x, y = self._flatten(x), self._flatten(y)
    return tf.concat([x + y - 1, x - y], axis=0)

  def _flatten(self, images: tf.Tensor) -> tf.Tensor:
    return tf.reshape(images, [-1, self.height, self.width * self.channels])

  def unflatten(self, maps: tf.Tensor) -> tf.Tensor:
    return tf.reshape(maps, [-1, self.height, self.width, self.channels])

  def pad(self, signals: tf.Tensor) -> tf.Tensor:
    """Mirrors signals at their borders."""
    if not self.margin:
      return signals
    padded = tf.pad(self.unflatten(signals), self._margins, "SYMMETRIC")
    return tf.reshape(
      padded, [-1, padded.shape[1], padded.shape[2] * self.channels]
    )

  def fold(self, gradient: tf.Tensor) -> tf.Tensor:
    """Applies the transpose of `pad` to one map."""
    height, width = (n + 2 * self.margin for n in (self.height, self.width))
    folded = tf.raw_ops.MirrorPadGrad(
      input=tf.reshape(gradient, [-1, height, width, self.channels]),
      paddings=self._margins,
      mode="SYMMETRIC",
    )
    return self._flatten(folded)

  @property
  def _margins(self) -> list[list[int]]:
    return [[0, 0], [self.margin] * 2, [self.margin] * 2, [0, 0]]

  def filter(self, signals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns window means of signals and of squares, `[2N, h, w * C]`."""
    rows = numerics.compiled(lambda m: (self._rows(m), self._rows(m * m)))
    columns = numerics.compiled(lambda *maps: tuple(map(self._columns, maps)))
    return columns(*rows(signals))

  def unfilter(self, maps: tf.Tensor) -> tf.Tensor:
    """Applies the transposed filter, which is the filter on padded maps."""
    # This holds because the window is symmetric.
    pad = len(self.taps) - 1
    c = self.channels
    maps = tf.pad(maps, [[0, 0], [pad, pad], [pad * c, pad * c]])
    return numerics.compiled(self._columns)(numerics.compiled(self._rows)(maps))

  def _rows(self, maps: tf.Tensor) -> tf.Tensor:
    size = maps.shape[1] - len(self.taps) + 1
    return sum(t * maps[:, k : k + size] for k, t in enumerate(self.taps))

  def _columns(self, maps: tf.Tensor) -> tf.Tensor:
    c = self.channels
    size = maps.shape[2] - (len(self.taps) - 1) * c
    return sum(
      t * maps[:, :, k * c : k * c + size] for k, t in enumerate(self.taps)
    )

  def _variances(
    self, means: tf.Tensor, squares: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    # Rounding can take a variance below 0, where the quotient has its pole.
    a, v = tf.split(means, 2, axis=0)
    var_a, var_v = tf.split(tf.nn.relu(squares - means**2), 2, axis=0)
    return a, v, var_a, var_v

  def deficit(self, means: tf.Tensor, squares: tf.Tensor) -> tf.Tensor:
    """Returns spatial means `[N, C]` of 1 - cs, or with `c1` of 1 - l * cs."""
    a, v, var_a, var_v = self._variances(means, squares)
    # Wang et al. 2004, equation 13, in terms of a and v. Where x and y are
    # nearly equal, cs rounds to 1, while 1 - cs keeps all digits in this form:
    # 2 cov = (Va - Vv) / 2 and Vx + Vy = (Va + Vv) / 2.
    short = var_v / ((var_a + var_v) / 2 + self.c2)
    if self.c1 is not None:
      # 1 - l has the same form in the means; a + 1 is the mean of x + y. Then
      # 1 - l cs = (1 - l) + (1 - cs) - (1 - l)(1 - cs).
      l = v**2 / (((a + 1) ** 2 + v**2) / 2 + self.c1)
      short = l + short - l * short
    height, width = self._filtered_size
    # In two steps: the first sum vectorizes, and no sum in float32 is long.
    short = tf.reduce_sum(short, axis=1)
    short = tf.reshape(short, [-1, width, self.channels])
    return tf.reduce_sum(short, axis=1) / (height * width)

  def slopes(
    self,
    means: tf.Tensor,
    squares: tf.Tensor,
    upstream: tf.Tensor,
    *,
    sign: int,
  ) -> tf.Tensor:
    """Returns slopes of the mean in E[a^2], E[v^2] and in the window means.

    They follow each other on the first axis, `[3N, h, w * C]`. The last is the
    slope in mu_x, or in mu_y if `sign` is -1.
    """
    a, v, var_a, var_v = self._variances(means, squares)
    height, width = self._filtered_size
    # Each window has the same share in the spatial mean.
    upstream = tf.tile(upstream / (height * width), [1, width])[:, None]
    inverse = 1 / ((var_a + var_v) / 2 + self.c2)
    short = var_v * inverse  # 1 - cs
    by_mean = 0.0
    if self.c1 is not None:
      l_inverse = 1 / (((a + 1) ** 2 + v**2) / 2 + self.c1)
      l = v**2 * l_inverse  # 1 - l, as `short` is 1 - cs
      by_mean = upstream * (1 - short) * l_inverse
      by_mean *= sign * v * (2 - l) - (a + 1) * l
      upstream *= 1 - l
    # p = -(1 - cs) / (2 D) and q = (1 - (1 - cs) / 2) / D for 1 - cs = Vv / D,
    # D = (Va + Vv) / 2 + C2. Where the ReLU clipped a variance the slope is 0.
    zero = tf.zeros_like(short)
    p = tf.where(var_a > 0, -upstream * short * inverse / 2, zero)
    q = tf.where(var_v > 0, upstream * (1 - short / 2) * inverse, zero)
    # A variance is E[a^2] - mu_a^2, hence the terms -2 mu_a p and -2 mu_v q.
    return tf.concat([p, q, by_mean - 2 * (a * p + sign * v * q)], axis=0)

  def combine(
    self,
    signals: tf.Tensor,
    unfiltered: tf.Tensor,
    coarser: tf.Tensor | None = None,
    *,
    sign: int,
  ) -> tf.Tensor:
    """Returns the gradient `[N, H, W * C]` of this and of coarser scales."""
    # The slopes of a^2 and v^2 in x are 2 a and 2 v; see the top of the file.
    a, v = tf.split(signals, 2, axis=0)
    p, q, r = tf.split(unfiltered, 3, axis=0)
    return self.join(2 * (a * p + sign * v * q) + r, coarser)

  def join(self, own: tf.Tensor, coarser: tf.Tensor | None = None) -> tf.Tensor:
    """Adds the gradient of coarser scales to that of this one."""
    return own if coarser is None else own + self._unhalve(coarser)

  def halve(self, signals: tf.Tensor) -> tf.Tensor:
    """Returns the signals of the next scale."""
    halves = filters.halve(self.unflatten(signals))
    return tf.reshape(
      halves, [-1, halves.shape[1], halves.shape[2] * self.channels]
    )

  def _unhalve(self, upstream: tf.Tensor) -> tf.Tensor:
    """Applies the transpose of `halve` to one map."""
    height, width = (self.height + 1) // 2, (self.width + 1) // 2
    c = self.channels
    # The product with [I I] / 4 repeats columns. XLA fuses nothing across a
    # matrix product; otherwise it would compute each coarser pixel again for
    # every finer pixel that it covers.
    m = tf.reshape(upstream, [-1, c])
    m = tf.matmul(m, tf.tile(tf.eye(c, dtype=m.dtype) / 4, [1, 2]))
    m = tf.reshape(m, [-1, height, 1, 2 * width * c])
    m = tf.tile(m, [1, 1, 2, 1])
    m = tf.reshape(m, [-1, 2 * height, 2 * width * c])
    if self.height % 2:  # both of the last two rows came from one
      m = tf.concat([m[:, :-2], 2 * m[:, -1:]], axis=1)
    if self.width % 2:
      m = tf.concat([m[:, :, : -2 * c], 2 * m[:, :, -c:]], axis=2)
    return m
