"""Watson's model in the cosine transform of blocks."""

import numpy as np
import tensorflow as tf

from tfpercept.distances.base import register
from tfpercept.distances.watson import Watson
from tfpercept.ops import dct

# Watson 1993; just visible amplitudes of an 8 x 8 DCT, for images in 0..255.
SENSITIVITY = (
  (1.40, 1.01, 1.16, 1.66, 2.40, 3.43, 4.79, 6.56),
  (1.01, 1.45, 1.32, 1.52, 2.00, 2.71, 3.67, 4.93),
  (1.16, 1.32, 2.24, 2.59, 2.98, 3.64, 4.60, 5.88),
  (1.66, 1.52, 2.59, 3.77, 4.55, 5.30, 6.28, 7.60),
  (2.40, 2.00, 2.98, 4.55, 6.15, 7.46, 8.71, 10.17),
  (3.43, 2.71, 3.64, 5.30, 7.46, 9.62, 11.58, 13.51),
  (4.79, 3.67, 4.60, 6.28, 8.71, 11.58, 14.50, 17.29),
  (6.56, 4.93, 5.88, 7.60, 10.17, 13.51, 17.29, 21.15),
)


@register("watson_dct")
class WatsonDCT(Watson):
  """Watson's model of visibility, on the cosine transform of blocks.

  The difference of two coefficients counts in units of the difference that is
  just visible there. The light of the block and the coefficient itself raise
  this threshold: the reference masks. The counts are pooled by a power in each
  of Y, Cb and Cr, with parameters of its own, and the three values are averaged
  with weights.

  Images: float `[N, H, W, 3]` in [0, 1], sRGB, or gray ones, which count as
  three equal channels. Sides are multiples of `blocks`, unless padded.
  Value: `[N]`, unitless, 0 when identical, unbounded. Not symmetric. As a sum
  it grows with the number B of blocks like B^(1 / beta): from 64x64 to 256x256
  by 2 with the initial parameters, by 3.4 to 3.8 with the released ones.
  Gradient: finite everywhere. Where two coefficients are equal and beta < 1
  (released, gray) it is steep, and rounding decides its sign.
  Weights: `t_tilde`, `alpha`, `w_tilde` and `beta`, planes first, and
  `color_tilde`. A constraint keeps `beta` at 0.2 or above.

  Args:
    channels: Number of channels compared, 3 or 1. With 1 the distance takes
      gray images only and has parameters for them.
    blocks: Side of the blocks in pixels, an even number of at least 2. Sizes
      other than 8 start from thresholds of 1.
    weights: Source of the parameters. None or `"initial"` gives the authors'
      initial ones, whose thresholds are meant for images in 0..255.
      `"released"` gives those that they tuned on human judgements, which do not
      come with the package.
      Any other value goes to `weights.load`, such as a path to `.pth` or
      `.npz`.
    shift: Position of the block grid. `"none"` starts it at the first pixel.
      `"random"` moves it in each call, but not in maps. Two numbers (r, c) of
      0 to 7 move it by r - 4 rows down and c - 4 columns to the right. Border
      pixels are repeated.
    seed: Seed of random shifts, a whole number in [0, 2**31). A shift follows
      from it and from the number of calls so far, which is a weight.
    pool: Reduction over blocks. `"sum"` is as published, so that values and the
      weights given to losses carry over; `"mean"` does not grow with the image.
    pad: Treatment of sides that are not multiples of `blocks`. `"none"` raises
      an error, `"edge"` repeats the last row and column, `"reflect"` mirrors at
      them.
    luminance_floor: Mean of a block, in [0, 1], below which its thresholds no
      longer follow its light. It acts in planes whose `alpha` is positive; with
      a negative one dark blocks mask more, and need no floor. None stands for
      1/255, or for 0 with `reference=True`.
    reference: If True, reproduces the authors' numbers, faults included.

  Raises:
    ValueError: if an option is out of range, or if weights do not fit.
    MissingWeights: if weights cannot be found.

  Source: Watson, "DCT quantization matrices visually optimized for individual
  images", 1993; Czolbe, Krause, Cox, Igel, "A loss function for generative
  neural networks based on Watson's perceptual model", 2020, section 3.
  Differs from the authors' code, unless `reference=True`: light is relative to
  the mean of its own image and not of the batch; where `alpha` is positive, a
  dark block does not take thresholds to 0, which in their code multiplies
  values by up to 1e6; equal images have the value 0. On photographs without
  dark blocks values differ by up to 1 % with the initial parameters and 2e-5
  with the released ones. Their code shifts at random by default.
  """

  def _basis(self) -> np.ndarray:
    matrix = dct.dct_matrix(self.blocks)
    # The transform is A X A^T; on the flat block this is the product with the
    # Kronecker square of A.
    return np.kron(matrix, matrix).T[:, None]

  def _initial(self) -> dict[str, np.ndarray]:
    table = np.ones((self.blocks, self.blocks))
    if self.blocks == 8:
      table = np.array(SENSITIVITY)
    # Thresholds are stored as logarithms and the masking exponent 0.7 as its
    # logit, so that training keeps the first positive and the second in (0, 1).
    return {
      "t_tild": np.log(table),
      "alpha": np.array(0.649),
      "w_tild": np.log(np.array(0.7 / 0.3)),
      "beta": np.array(4.0),
    }

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    before, after = tf.squeeze(reference, 3), tf.squeeze(image, 3)
    # Signed coefficients are compared; only the masking takes magnitudes.
    thresholds = self._thresholds(tf.abs(before), before[..., 0])
    return [self._summands(before - after, thresholds)]

  def _sums(self, before: tf.Tensor, after: tf.Tensor) -> tuple[tf.Tensor, ...]:
    before, after = tf.squeeze(before, 3), tf.squeeze(after, 3)
    model, light = self._fast_model(before[..., 0])
    return model.cosine_sums(before, after, light)
