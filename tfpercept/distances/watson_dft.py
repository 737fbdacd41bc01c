"""Watson's model in the Fourier transform of blocks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.distances.base import register
from tfpercept.distances.watson import Watson, check_guard
from tfpercept.ops import numerics
from tfpercept.ops.visibility import EPSILON

# Squared amplitude whose phase counts half. Our specification recommends 1e-8.
# One gray level in one of 64 pixels has 4e-9 and is to count: with 1e-8 noisy
# photographs differ by up to 6 % from undamped ones, and with this by 2 %.
PHASE_DAMPING = 1e-10
# The square of the damping is in gradients, which float32 has to hold.
MIN_DAMPING = 1e-15
# The authors keep the cosine of a phase difference this far from 1 and -1,
# where the slope of their arccos is infinite.
COSINE_MARGIN = 1e-7
# A phase is rounding error up to this product of two squared amplitudes.
_NO_PHASE = 1e-24


@register("watson_dft")
class WatsonDFT(Watson):
  """Watson's model of visibility, on the Fourier transform of blocks.

  Amplitudes are compared as `WatsonDCT` compares coefficients. The angles by
  which the phases differ are added, each with a weight of its own.

  Images: float `[N, H, W, 3]` in [0, 1], sRGB, or gray ones, which count as
  three equal channels. Sides are multiples of `blocks`, unless padded.
  Value: `[N]`, unitless, 0 when identical, unbounded. Not symmetric. As a sum
  it grows with the number B of blocks, angles like B, amplitudes like
  B^(1 / beta): from 64x64 to 256x256 by 16 with the initial parameters, by
  about 100 with the released ones.
  Gradient: finite everywhere. Rounding decides its sign where two amplitudes
  are equal, and where an angle is 0 or pi. At equal amplitudes it is steep if
  beta < 1 (released).
  Weights: those of `WatsonDCT`, and `w_phase_tilde`.

  Args:
    channels: Number of channels compared, 3 or 1, as in `WatsonDCT`.
    blocks: Side of the blocks in pixels, even, as in `WatsonDCT`.
    weights: Source of the parameters: None or `"initial"`, `"released"`, or a
      name or path for `weights.load`, as in `WatsonDCT`. `"tuned"` gives our
      own, tuned on human judgements of JPEG, which come with the package.
    shift: Position of the block grid: `"none"`, `"random"` or two numbers of 0
      to 7, as in `WatsonDCT`.
    seed: Seed of random shifts, a whole number in [0, 2**31).
    pool: Reduction over blocks: `"sum"`, the default, or `"mean"`, which
      divides angles as well.
    pad: Treatment of sides that are not multiples of `blocks`: `"none"`,
      `"edge"` or `"reflect"`, as in `WatsonDCT`.
    luminance_floor: Mean of a block, in [0, 1], below which its thresholds no
      longer follow its light where `alpha` is positive, as in `WatsonDCT`.
    phase_damping: Squared amplitude below which phases fade, in units where a
      block of ones has 1. None stands for 1e-10. With `reference=True` there is
      no damping.
    reference: If True, reproduces the authors' numbers, faults included.

  Raises:
    ValueError: if an option is out of range, or if weights do not fit.
    MissingWeights: if weights cannot be found.

  Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
  networks based on Watson's perceptual model", 2020, section 3.
  Differs from the authors' code, unless `reference=True`, in the points named
  at `WatsonDCT`. Also, angles vanish with the amplitudes, below what 8 bits
  resolve, where theirs have slopes of 1e10. On photographs without dark blocks
  values differ by up to 4 % with the initial parameters and 0.3 % with the
  released ones. Those for gray pictures have a negative `alpha`, so digits on
  black differ by 0.1 %, and gradients have a cosine of 0.98 or more where no
  block of the image is black. The phase of a coefficient that is real never
  counts; in their code it counts in training.
  """

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
    phase_damping: float | None = None,
    reference: bool = False,
    **kwargs: Any,
  ):
    super().__init__(
      channels=channels,
      blocks=blocks,
      weights=weights,
      shift=shift,
      seed=seed,
      pool=pool,
      pad=pad,
      luminance_floor=luminance_floor,
      reference=reference,
      **kwargs,
    )
    self.phase_damping = check_guard(
      "watson_dft", "phase_damping", phase_damping
    )
    if reference and self._damping:
      raise ValueError(
        "watson_dft with reference=True has the authors' phases, without "
        f"damping; got phase_damping={phase_damping}. Leave one of them out."
      )
    if 0 < self._damping < MIN_DAMPING:
      raise ValueError(
        f"watson_dft needs phase_damping >= {MIN_DAMPING}, or 0 for none; got "
        f"{phase_damping}"
      )

  def _basis(self) -> np.ndarray:
    size = self.blocks
    # Dividing by the number of pixels makes the first coefficient the mean.
    impulses = np.eye(size**2).reshape(-1, size, size)
    waves = np.fft.rfft2(impulses).reshape(size**2, -1) / size**2
    return np.stack([waves.real, waves.imag], axis=1)

  def _initial(self) -> dict[str, np.ndarray]:
    shape = (self.blocks, self.blocks // 2 + 1)
    return {
      "t_tild": np.zeros(shape),
      "alpha": np.array(0.1),
      "w_tild": np.log(np.array(0.2 / 0.8)),
      "beta": np.array(1.0),
      "w_phase_tild": np.full(shape, -2.0),
    }

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    before, after = _amplitude(reference), _amplitude(image)
    thresholds = self._thresholds(before, before[..., 0])
    turn = self._turn(tf.unstack(reference, axis=3), tf.unstack(image, axis=3))
    return [
      self._summands(before - after, thresholds),
      self._as_map(self._phase_weights() * turn),
    ]

  def _sums(self, before: tf.Tensor, after: tf.Tensor) -> tuple[tf.Tensor, ...]:
    mean = _amplitude(before[..., :1])[..., 0]
    model, light = self._fast_model(mean)
    amplitudes, turns = model.fourier_sums(
      before, after, light, self._damping, _NO_PHASE
    )
    return amplitudes, self._phase_weights() * turns

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"phase_damping": self.phase_damping}

  def _phase_weights(self) -> tf.Tensor:
    """Returns the weights of angles, `[planes, K]`."""
    size = self.blocks
    angles = np.ones((size, size // 2 + 1), self.compute_dtype)
    # Four coefficients of a real block are real. Their phase is 0 or pi, so a
    # change of it is a jump and has no useful gradient.
    for row in (0, size // 2):
      angles[row, [0, size // 2]] = 0
    weights = angles * tf.exp(tf.convert_to_tensor(self.w_phase_tilde))
    return tf.reshape(weights, [self.planes, -1])

  def _turn(
    self, before: Sequence[tf.Tensor], after: Sequence[tf.Tensor]
  ) -> tf.Tensor:
    if self.reference:
      return _clipped_angle(before, after)
    return turn(before, after, self._damping)

  @property
  def _needs_double(self) -> bool:
    # Undamped, the phase of a coefficient that should be 0 counts in full.
    return super()._needs_double or not self._damping

  @property
  def _damping(self) -> float:
    if self.phase_damping is not None:
      return self.phase_damping
    return 0.0 if self.reference else PHASE_DAMPING


def _amplitude(coefficients: tf.Tensor) -> tf.Tensor:
  re, im = tf.unstack(coefficients, axis=3)
  return tf.sqrt(tf.square(re + EPSILON) + tf.square(im + EPSILON))


def turn(
  before: Sequence[tf.Tensor], after: Sequence[tf.Tensor], damping: float
) -> tf.Tensor:
  """Returns the angle in [0, pi] between coefficients, 0 between equal ones.

  Args:
    before: Real and imaginary part of the reference's coefficients.
    after: Real and imaginary part of the image's coefficients, same shapes.
    damping: Squared amplitude below which angles fade, or 0.
  """
  (re, im), (re_after, im_after) = before, after
  steps = re_after - re, im_after - im
  # With damping the angle is taken in space: both vectors get the root of
  # `damping` as third coordinate. This bounds the slope. Where one amplitude is
  # 0 the angle is about pi / 2, the mean over all phases.
  dot = re * re_after + im * im_after + damping
  # The cross product of `before` with the difference, since that with `after`
  # would not be exactly 0 for equal coefficients.
  cross = re * steps[1] - im * steps[0]
  if damping:
    # The third coordinate adds `damping` times the squared difference to the
    # squared length of the cross product.
    cross = numerics.root(tf.square(cross) + damping * _power(*steps))
    power = _power(*before) + _power(*after)
    # The factor takes the angle to 0 where both amplitudes vanish. It falls
    # with their square, because in float32 the chroma of a gray picture is
    # 1e-8 and not 0.
    return tf.atan2(cross, dot) * power / (power + damping)
  undefined = _power(*before) * _power(*after) <= _NO_PHASE  # NaN is defined
  dot = tf.where(undefined, tf.ones_like(dot), dot)
  cross = tf.where(undefined, tf.zeros_like(cross), tf.abs(cross))
  return tf.atan2(cross, dot)


def _power(re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
  return tf.square(re) + tf.square(im)


def _clipped_angle(
  before: Sequence[tf.Tensor], after: Sequence[tf.Tensor]
) -> tf.Tensor:
  """Returns the authors' arccos((1 - 1e-7) cos(angle)) to full precision.

  Near 0 and pi a cosine has no digits of the angle left. The half angle has:
  sin^2(t / 2) = (1 - cos t) / 2 and cos^2(t / 2) = (1 + cos t) / 2.
  """
  phases = [tf.atan2(im, re + EPSILON) for re, im in (before, after)]
  half = (phases[0] - phases[1]) / 2
  margin = COSINE_MARGIN / 2 * tf.cos(2 * half)
  sine = tf.sqrt(tf.square(tf.sin(half)) + margin)
  cosine = tf.sqrt(tf.square(tf.cos(half)) - margin)
  return 2 * tf.atan2(sine, cosine)
