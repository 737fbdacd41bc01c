"""The base of Watson's model on cosine and on Fourier coefficients.

It holds color, shift, masking, pooling and the parameters. `watson_dct.py` and
`watson_dft.py` add the transform and the quantity that is compared.
"""

import abc
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.distances import features, watson_parameters, watson_shift
from tfpercept.distances.base import Distance
from tfpercept.distances.watson_parameters import MIN_BETA, AtLeast
from tfpercept.ops import blocks as block_ops
from tfpercept.ops import checks, color, masking, visibility
from tfpercept.ops.visibility import EPSILON

# RGB to full-range YCbCr, as in JPEG; rows Y, Cb, Cr.
YCBCR = (
  color.LUMA,
  (-0.1687, -0.3313, 0.5),
  (0.5, -0.4187, -0.0813),
)
YCBCR_OFFSET = (0.0, 0.5, 0.5)

FLOOR = 1 / 255  # a darker block masks as if it had this mean, if alpha > 0
DROPOUT = 0.5  # rate of the authors' training


class Watson(Distance):
  """Masked differences of block coefficients, pooled by a power.

  Its options are those of `WatsonDCT`. A subclass gives the transform, the
  initial parameters and `compare`. The first map of `compare` holds the
  summands of the power mean; the values of further maps are added to it.
  """

  symmetric = False  # the reference alone masks

  copes_with_no_images = True

  def __init__(
    self,
    *,
    channels: int = 3,
    blocks: int = 8,
    weights: str | None = None,
    shift: str | tuple[int, int] = "none",
    seed: int = 0,
    pool: str = "sum",
    pad: str = "none",
    luminance_floor: float | None = None,
    reference: bool = False,
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    name = self.registered_name
    checks.choice(name, "channels", channels, (3, 1))
    checks.choice(name, "pool", pool, ("sum", "mean"))
    checks.choice(name, "pad", pad, ("none", "edge", "reflect"))
    checks.choice(name, "reference", reference, (False, True))
    if not checks.is_whole(blocks) or blocks < 2 or blocks % 2:
      raise ValueError(f"{name} needs even blocks of 2 or more; got {blocks!r}")
    self.planes = int(channels)
    self.channels = (1, 3) if channels == 3 else (1,)
    self.blocks = blocks
    self.weights_source = checks.path_or_none(name, "weights", weights)
    self.shift = watson_shift.checked(name, shift)
    self.seed = checks.seed(name, seed)
    self.pooling = pool
    self.pad = pad
    self.luminance_floor = check_guard(name, "luminance_floor", luminance_floor)
    self.reference = bool(reference)
    basis = self._basis()
    self._parts, self._size = basis.shape[1:]
    self._unit = float(basis[:, 0, 0].sum())  # coefficient of a mean of 1
    self._matrix, self._offset = _with_colors(basis, channels)
    self._parameters = self._make_parameters()
    if shift == "random":
      self._draws = self.add_weight(
        name="draws",
        shape=(),
        dtype="int32",
        initializer="zeros",
        trainable=False,
      )

  def _make_parameters(self) -> tuple[str, ...]:
    """Makes one weight of each parameter and returns the names of all."""
    source = watson_parameters.source(
      self.registered_name, self.planes, self.weights_source
    )
    owner = (
      f"{self.registered_name}(channels={self.planes}, blocks={self.blocks})"
    )
    values = watson_parameters.arrays(
      self._initial(), self.planes, source, owner
    )
    limits = {"beta": AtLeast(MIN_BETA)}
    for name, value in values.items():
      weight = self.parameter(
        name,
        value,
        constraint=limits.get(name),
        is_from_file=source is not None,
      )
      setattr(self, name, weight)
    return tuple(values)

  @abc.abstractmethod
  def _basis(self) -> np.ndarray:
    """Returns the transform of a block, float64 `[blocks ** 2, S, K]`.

    It turns the pixels of a block into K coefficients of S numbers each (S is 2
    where they are complex). The first coefficient holds the block's mean.
    """

  @abc.abstractmethod
  def _initial(self) -> dict[str, np.ndarray]:
    """Returns initial parameters of one plane by their checkpoint names."""

  @abc.abstractmethod
  def _sums(self, before: tf.Tensor, after: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Returns the maps of `compare`, summed over blocks, by the fast path.

    Each map gives one tensor `[N, planes, K]`. No gradient reaches the
    parameters.
    """

  @property
  def min_size(self) -> int:
    sizes = {"none": self.blocks, "edge": 1, "reflect": self.blocks // 2 + 1}
    return sizes[self.pad]

  @property
  def support(self) -> int:
    return self.blocks

  @property
  def size_multiple(self) -> int:
    return self.blocks if self.pad == "none" else 1

  def embed(self, image: tf.Tensor) -> tf.Tensor:
    """Returns coefficients `[N, h, w, S, planes, K]` of h x w blocks."""
    if isinstance(self.shift, tuple):
      image = watson_shift.fixed(image, self.shift)
    if self.pad != "none":
      image = block_ops.pad(image, self.blocks, self.pad)
    cut = block_ops.split(image, self.blocks)
    rows, columns = block_ops.sides(cut)
    if self._needs_double:
      cut = tf.cast(cut, tf.float64)
    # Color conversion and transform are both linear in the pixels of a block,
    # so one matrix product does both; the YCbCr offset goes into the bias.
    matrix = tf.constant(self._matrix_for(image), cut.dtype)
    flat = tf.matmul(tf.reshape(cut, [-1, matrix.shape[0]]), matrix)
    flat = tf.nn.bias_add(flat, tf.constant(self._offset, cut.dtype))
    return tf.reshape(
      tf.cast(flat, self.compute_dtype),
      [-1, rows, columns, self._parts, self.planes, self._size],
    )

  def _matrix_for(self, image: tf.Tensor) -> np.ndarray:
    """Returns color conversion and transform in one matrix.

    Its shape is `[pixels * C, S * planes * K]`. A gray picture counts as one
    with three equal channels, so the rows of the three are added up.
    """
    if image.shape[-1] == 3 or self.planes == 1:
      return self._matrix
    equal = self._matrix.reshape(self.blocks**2, 3, -1)
    return equal.sum(axis=1)

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return self._pooled([self._total(m) for m in maps])

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Spreads the contribution of each block to the value over its pixels.

    The sum of the map is the value; with `pool="mean"` its mean is. This holds
    where neither padding nor a shift adds pixels.
    """
    # The root is taken of the total and not of each block, so a block's share
    # of the value is its share of the total.
    total = self._total(maps[0])  # [N, planes]
    share = tf.math.divide_no_nan(self._root(total), total)
    parts = self._per_block(maps[0]) * share[:, None, None]
    for further in maps[1:]:
      parts += self._per_block(further)
    parts = self._mixed(parts)  # [N, h, w]
    if self.pooling == "sum":
      parts /= self.blocks**2
    for axis in (1, 2):
      parts = tf.repeat(parts, self.blocks, axis=axis)
    parts = parts[:, :height, :width]
    if isinstance(self.shift, tuple):
      parts = watson_shift.undone(parts, self.shift)
    return parts

  def can_fuse(self, image: tf.Tensor) -> bool:
    return self.shift == "random" or self._is_fast(image)

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    if self.shift == "random":
      reference, image = watson_shift.random(
        reference, image, self._next_seed()
      )
    before, after = self.embed(reference), self.embed(image)
    if not self._is_fast(image):
      return self.pool(self.compare(before, after))
    rows, columns = block_ops.sides(before)
    sums = self._sums(before, after)
    return self._pooled([self._per_plane(s, rows * columns) for s in sums])

  def _is_fast(self, image: tf.Tensor) -> bool:
    # `ops.masking` gives the parameters no gradient and damps as the default
    # form does, so it serves neither training nor the authors' numbers.
    frozen = not self.trainable_weights
    return frozen and not self.reference and masking.applies(image)

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    """Returns the value with a random half of all summands left out.

    The other half counts twice, as in the authors' training. A random shift
    follows from `seed` as well.
    """
    reference, image = self._checked(reference, image)
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    if self.shift == "random":
      reference, image = watson_shift.random(reference, image, seeds[0])
    maps = self.compare(self.embed(reference), self.embed(image))
    return self.pool(features.dropout(maps, DROPOUT, seeds[1]))

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns the parameters under the names of the authors' files.

    `weights=` reads what `numpy.savez(path, **distance.checkpoint())` writes.
    """
    stacked = {
      name: np.asarray(getattr(self, name)) for name in self._parameters
    }
    return watson_parameters.checkpoint(stacked, tuple(self._initial()))

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "channels": self.planes,
      "blocks": self.blocks,
      "weights": self.weights_source,
      "shift": self.shift,
      "seed": self.seed,
      "pool": self.pooling,
      "pad": self.pad,
      "luminance_floor": self.luminance_floor,
      "reference": self.reference,
    }

  @property
  def _needs_double(self) -> bool:
    """True where float32 would round coefficients too coarsely.

    The authors' phase of a coefficient that should be 0 follows from its
    rounding error, which has to be below EPSILON.
    """
    return self.reference

  # Steps that both transforms share.

  def _thresholds(self, magnitude: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Returns the differences that are just visible, positive.

    Args:
      magnitude: Magnitude of the reference's coefficients, shape
        `[N, h, w, planes, K]`, which is that of the result.
      mean: Coefficient that holds each block's mean, `[N, h, w, planes]`.
    """
    # Luminance masking, Czolbe et al. 2020, section 3: t (D / mean D)^alpha.
    light = tf.pow(self._relative_light(mean), tf.convert_to_tensor(self.alpha))
    luminance = tf.exp(self._sensitivity()) * tf.expand_dims(light, -1)
    return visibility.thresholds(magnitude, luminance, self._exponent())

  def _exponent(self) -> tf.Tensor:
    return tf.sigmoid(tf.convert_to_tensor(self.w_tilde))[:, None]

  def _sensitivity(self) -> tf.Tensor:
    """Returns logarithms of the thresholds before masking, `[planes, K]`."""
    return tf.reshape(self.t_tilde, [self.planes, self._size])

  def _fast_model(self, mean: tf.Tensor) -> tuple[masking.Model, tf.Tensor]:
    """Returns a `masking.Model` of the same thresholds, and its `light`.

    `light` is the logarithm of luminance masking, `[N, h, w, planes, 1]`.
    """
    model = masking.Model(
      sensitivity=self._sensitivity(),
      exponent=self._exponent(),
      beta=tf.convert_to_tensor(self.beta)[:, None],
      epsilon=EPSILON,
    )
    light = tf.math.log(self._relative_light(mean))
    return model, (tf.convert_to_tensor(self.alpha) * light)[..., None]

  def _relative_light(self, mean: tf.Tensor) -> tf.Tensor:
    """Returns each block's mean over that of all blocks, same shape."""
    # With a positive alpha and no floor, an error in a black block would
    # outweigh the rest of the picture. With a negative one black masks most; a
    # floor would give black blocks nearly all of the gradient.
    masks_less = tf.cast(tf.convert_to_tensor(self.alpha) > 0, mean.dtype)
    mean = tf.maximum(mean, self._floor * self._unit * masks_less)
    overall = mean
    # One axis at a time, since long sums in float32 lose digits. The authors
    # average over the batch too, which couples its images.
    for axis in (1, 2, 0) if self.reference else (1, 2):
      overall = tf.reduce_mean(overall, axis=axis, keepdims=True)
    return (mean + EPSILON) / (overall + EPSILON)

  @property
  def _floor(self) -> float:
    if self.luminance_floor is not None:
      return self.luminance_floor
    return 0.0 if self.reference else FLOOR

  def _summands(
    self, difference: tf.Tensor, thresholds: tf.Tensor
  ) -> tf.Tensor:
    """Returns the map `[N, h, w, planes * K]` that the power mean adds up."""
    visible = tf.abs(difference) / thresholds
    beta = tf.convert_to_tensor(self.beta)[:, None]
    return self._as_map(
      visibility.summands(visible, beta, reference=self.reference)
    )

  def _as_map(self, parts: tf.Tensor) -> tf.Tensor:
    """Merges planes and coefficients into the channels of a map."""
    rows, columns = block_ops.sides(parts)
    return tf.reshape(parts, [-1, rows, columns, self.planes * self._size])

  def _total(self, parts: tf.Tensor) -> tf.Tensor:
    """Returns the total `[N, planes]` of a map: the sum or mean over blocks."""
    rows, columns = block_ops.sides(parts)
    sums = tf.reduce_sum(tf.reduce_sum(parts, axis=1), axis=1)
    sums = tf.reshape(sums, [-1, self.planes, self._size])
    return self._per_plane(sums, rows * columns)

  def _per_plane(self, sums: tf.Tensor, blocks: tf.Tensor | int) -> tf.Tensor:
    sums = tf.reduce_sum(sums, axis=-1)
    if self.pooling == "mean":
      sums /= tf.cast(blocks, sums.dtype)
    return sums

  def _pooled(self, totals: list[tf.Tensor]) -> tf.Tensor:
    return self._mixed(sum(totals[1:], self._root(totals[0])))

  def _per_block(self, parts: tf.Tensor) -> tf.Tensor:
    rows, columns = block_ops.sides(parts)
    shape = [-1, rows, columns, self.planes, self._size]
    return tf.reduce_sum(tf.reshape(parts, shape), axis=-1)

  def _root(self, total: tf.Tensor) -> tf.Tensor:
    """Returns the root `1 / beta` of the total, `[N, planes]`."""
    beta = tf.convert_to_tensor(self.beta)
    return visibility.root(total, beta, reference=self.reference)

  def _mixed(self, values: tf.Tensor) -> tf.Tensor:
    """Returns the weighted mean over the planes, which are the last axis."""
    if self.planes == 1:
      return values[..., 0]
    # The softmax keeps the weights positive with sum 1 while they are trained.
    mix = tf.nn.softmax(tf.convert_to_tensor(self.color_tilde))
    return tf.reduce_sum(mix * values, axis=-1)

  def _next_seed(self) -> tf.Tensor:
    self._draws.assign_add(1)
    return tf.stack([self.seed, tf.convert_to_tensor(self._draws)])


def check_guard(owner: str, option: str, value: Any) -> float | None:
  """Returns `value`, which has to be None or a number that is not negative."""
  if value is not None and (not checks.is_number(value) or value < 0):
    raise ValueError(
      f"{owner} needs {option} >= 0, or None for its default; got {value!r}"
    )
  return value


def _with_colors(basis: np.ndarray, channels: int) -> tuple[np.ndarray, ...]:
  """Returns the matrix from pixels to coefficients of planes, and its bias."""
  colors = np.array(YCBCR if channels == 3 else [[1.0]])
  offset = np.array(YCBCR_OFFSET if channels == 3 else [0.0])
  matrix = np.einsum("isk,pc->icspk", basis, colors)
  offset = np.einsum("isk,p->spk", basis, offset)
  count = basis.shape[0] * channels
  return matrix.reshape(count, -1), offset.ravel()
