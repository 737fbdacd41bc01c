"""Watson's model in the Fourier transform of blocks."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept.distances.base import register
from tfpercept.distances.watson import Watson, check_guard
from tfpercept.ops import numerics
from tfpercept.ops.visibility import EPSILON

PHASE_DAMPING = 1e-10  # squared amplitude whose phase counts half
MIN_DAMPING = 1e-15  # its square is in gradients, which float32 has to hold
# The authors keep the cosine of a phase difference this far from 1 and -1.
COSINE_MARGIN = 1e-7
# Product of two squared amplitudes up to which a phase is rounding error.
_NO_PHASE = 1e-24


@register("watson_dft")
class WatsonDFT(Watson):
  """Watson's model of visibility, on the Fourier transform of blocks.

  Amplitudes are compared as `WatsonDCT` compares coefficients. The angles by
  which phases turn are added, each with a weight of its own.

  Images: float `[N, H, W, 3]` in [0, 1], sRGB, or grey ones, which count as
  three equal channels. Sides are multiples of `blocks`, unless padded.
  Value: `[N]`, unitless, 0 when identical, unbounded. Not symmetric. As a sum
  it grows with the number B of blocks, angles like B, amplitudes like
  B^(1 / beta): from 64x64 to 256x256 by 16 with the initial parameters, by
  about 100 with the released ones.
  Gradient: finite everywhere. It has a sign that rounding decides where two
  amplitudes are equal, steep if beta < 1 (released), and where an angle is 0 or
  pi.
  Weights: as `WatsonDCT`, and `w_phase_tilde`.

  Args:
    channels: As for `WatsonDCT`, and so are all others but `phase_damping`.
    blocks: Side of the blocks.
    weights: Where parameters come from.
    shift: Where blocks begin.
    seed: Of random shifts.
    pool: `"sum"`, the default, or `"mean"`, which divides angles as well.
    pad: What to do with sides that are no multiples.
    luminance_floor: Smallest mean of a block that masks.
    phase_damping: Squared amplitude, where a block of ones has 1, below which
      phases fade. None is 1e-10; `reference=True` has none.
    reference: Whether to reproduce the authors' numbers, faults included.

  Raises:
    ValueError: if an option is out of range, or if weights do not fit.
    MissingWeights: if weights are not to be had.

  Source: Czolbe, Krause, Cox, Igel, "A loss function for generative neural
  networks based on Watson's perceptual model", 2020, section 3.
  Differs from the authors' code, unless `reference=True`: as `WatsonDCT`; and
  angles vanish with the amplitudes, below what 8 bits resolve, where theirs
  have slopes of 1e10. On photographs values move by up to 4 % with the initial
  parameters and 0.1 % with the released ones. The phase of a coefficient that
  is real never counts; theirs does in training.
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

  def _phase_weights(self):
    """`[planes, K]`; 0 where a coefficient is real, whose phase is no angle."""
    size = self.blocks
    angles = np.ones((size, size // 2 + 1), self.compute_dtype)
    for row in (0, size // 2):
      angles[row, [0, size // 2]] = 0
    weights = angles * tf.exp(tf.convert_to_tensor(self.w_phase_tilde))
    return tf.reshape(weights, [self.planes, -1])

  def _turn(self, before, after):
    if self.reference:
      return _clipped_angle(before, after)
    return turn(before, after, self._damping)

  @property
  def _needs_double(self):
    # Undamped, the phase of a coefficient that should be 0 counts in full.
    return super()._needs_double or not self._damping

  @property
  def _damping(self):
    if self.phase_damping is not None:
      return self.phase_damping
    return 0.0 if self.reference else PHASE_DAMPING


def _amplitude(coefficients):
  re, im = tf.unstack(coefficients, axis=3)
  return tf.sqrt(tf.square(re + EPSILON) + tf.square(im + EPSILON))


def turn(before, after, damping):
  """Angle in [0, pi] between coefficients, exactly 0 between equal ones.

  Taken in space, with the root of `damping` as third coordinate of both, its
  slope is bounded, and where one amplitude is lost it is pi / 2, the mean over
  all phases. The factor lets it vanish where both are, as a square: in float32
  the colours of a grey picture are 1e-8 and not 0.
  """
  (re, im), (re_after, im_after) = before, after
  steps = re_after - re, im_after - im
  dot = re * re_after + im * im_after + damping
  cross = re * steps[1] - im * steps[0]
  if damping:
    cross = numerics.root(tf.square(cross) + damping * _power(*steps))
    power = _power(*before) + _power(*after)
    return tf.atan2(cross, dot) * power / (power + damping)
  undefined = _power(*before) * _power(*after) <= _NO_PHASE  # NaN is defined
  dot = tf.where(undefined, tf.ones_like(dot), dot)
  cross = tf.where(undefined, tf.zeros_like(cross), tf.abs(cross))
  return tf.atan2(cross, dot)


def _power(re, im):
  return tf.square(re) + tf.square(im)


def _clipped_angle(before, after):
  """The authors' arccos((1 - 1e-7) cos(angle)), without loss of digits."""
  phases = [tf.atan2(im, re + EPSILON) for re, im in (before, after)]
  half = (phases[0] - phases[1]) / 2
  margin = COSINE_MARGIN / 2 * tf.cos(2 * half)
  sine = tf.sqrt(tf.square(tf.sin(half)) + margin)
  cosine = tf.sqrt(tf.square(tf.cos(half)) - margin)
  return 2 * tf.atan2(sine, cosine)
