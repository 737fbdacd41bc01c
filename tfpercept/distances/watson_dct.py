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

  Each coefficient's difference counts in units of what is just visible there,
  which the light of the block and the coefficient itself raise: the reference
  masks. The counts are pooled by a power, in Y, Cb and Cr each with parameters
  of its own, and the three are averaged with weights.

  Images: float `[N, H, W, 3]` in [0, 1], sRGB, or grey ones, which count as
  three equal channels. Sides are multiples of `blocks`, unless padded.
  Value: `[N]`, unitless, 0 when identical, unbounded. Not symmetric. As a sum
  it grows with the number B of blocks like B^(1 / beta): from 64x64 to 256x256
  by 2 with the initial parameters, by 3.4 to 3.8 with the released ones.
  Gradient: finite everywhere. Where two coefficients are equal and beta < 1
  (released, grey) it is steep, and of a sign that rounding decides.
  Weights: `t_tilde`, `alpha`, `w_tilde` and `beta`, planes first, and
  `color_tilde`. A constraint keeps `beta` at 0.2 or above.

  Args:
    channels: 3 compares in colour. 1 takes grey images only, with parameters
      for them.
    blocks: Side of the blocks in pixels, even. Other sizes than 8 start from
      thresholds of 1.
    weights: None for the authors' initial parameters, whose thresholds are
      meant for images in 0..255; `"released"` for those that they tuned on
      human judgements, which do not come with the package; or what
      `weights.load` takes, such as a path to `.pth` or `.npz`.
    shift: Where blocks begin: `"none"`; `"random"`, elsewhere in each call but
      not in maps; or (r, c) of 0 to 7, which is r - 4 rows down and c - 4
      columns to the right. Border pixels repeat.
    seed: Of random shifts, which follow from it and the number of calls so far,
      which is a weight.
    pool: `"sum"`, as published, so that values and the weights given to losses
      carry over; or `"mean"` over blocks, which does not grow with the image.
    pad: What to do with sides that are no multiples: `"none"` is an error,
      `"edge"` repeats the last row and column, `"reflect"` mirrors at them.
    luminance_floor: Mean of a block, of [0, 1], below which it masks no
      further. None is 1/255, or 0 with `reference=True`.
    reference: Whether to reproduce the authors' numbers, faults included.

  Raises:
    ValueError: if an option is out of range, or if weights do not fit.
    MissingWeights: if weights are not to be had.

  Source: Watson, "DCT quantization matrices visually optimized for individual
  images", 1993; Czolbe, Krause, Cox, Igel, "A loss function for generative
  neural networks based on Watson's perceptual model", 2020, section 3.
  Differs from the authors' code, unless `reference=True`: light is relative to
  the mean of its own image and not of the batch; a dark block does not take
  thresholds to 0, which there multiplies values by up to 1e6; equal images are
  at 0. On photographs without such blocks values move by up to 1 % with the
  initial parameters and 1e-5 with the released ones. Theirs shifts at random.
  """

  def _basis(self) -> np.ndarray:
    matrix = dct.dct_matrix(self.blocks)
    return np.kron(matrix, matrix).T[:, None]

  def _initial(self) -> dict[str, np.ndarray]:
    table = np.ones((self.blocks, self.blocks))
    if self.blocks == 8:
      table = np.array(SENSITIVITY)
    return {
      "t_tild": np.log(table),
      "alpha": np.array(0.649),
      "w_tild": np.log(np.array(0.7 / 0.3)),
      "beta": np.array(4.0),
    }

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    before, after = tf.squeeze(reference, 3), tf.squeeze(image, 3)
    thresholds = self._thresholds(tf.abs(before), before[..., 0])
    return [self._summands(before - after, thresholds)]

  def _sums(self, before: tf.Tensor, after: tf.Tensor) -> tuple[tf.Tensor, ...]:
    before, after = tf.squeeze(before, 3), tf.squeeze(after, 3)
    model, light = self._fast_model(before[..., 0])
    return model.cosine_sums(before, after, light)
