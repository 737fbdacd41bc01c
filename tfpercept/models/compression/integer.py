"""Convolutions in whole numbers, the same on every machine.

Values are integers carried by float32. As long as no sum reaches 2^24 each is
exact, so the order of summation, and with it the number of threads, the width
of vectors and the library, changes nothing. In training the same layers see
their weights and outputs rounded and pass gradients straight through.

Source: Ballé, Johnston, Minnen, "Integer networks for data compression with
latent-variable models", 2019, sections 3 and 4.
"""

from typing import Any

import keras
import tensorflow as tf

from tfpercept.ops import codec_constants, numerics

WEIGHT_LIMIT = 127
"""Largest magnitude of a weight."""
ACTIVATION_LIMIT = codec_constants.ACTIVATION_LIMIT
ACTIVATION_BITS = 4
"""Hidden values are in units of 2^-4."""
LARGEST_EXPONENT = 11
"""Weights are no finer than 2^-11, or biases would take up all of a sum."""
_FRACTION, _EXPONENT_BIAS = 1 << 23, 127  # of float32
EXACT = codec_constants.EXACT


class IntegerConvolution(keras.layers.Layer):
  """A convolution, up or not, whose weights are integers times 2^-e.

  Each output channel has its own e: the largest, up to `LARGEST_EXPONENT`, for
  which its weights stay within `WEIGHT_LIMIT`. Input and
  output are whole multiples of powers of two; so are sums, which therefore are
  exact in float32.

  Args:
    width: Number of output channels.
    kernel: Side of the kernel, in inputs.
    upsample: Factor by which the sides grow, 1 or 2.
    input_bits: Inputs are multiples of 2^-input_bits.
    output_bits: Outputs are rounded to multiples of 2^-output_bits; hidden
      layers (`hidden`) to those in [0, ACTIVATION_LIMIT].
    hidden: Whether outputs are clipped to the range of hidden values.
    **options: Arguments of `keras.layers.Layer`.
  """

  def __init__(
    self,
    width: int,
    kernel: int,
    *,
    upsample: int = 1,
    input_bits: int,
    output_bits: int,
    hidden: bool,
    **options: Any,
  ):
    super().__init__(**{"dtype": "float32", **options})
    self.width, self.kernel_size, self.upsample = width, kernel, upsample
    self.input_bits, self.output_bits = input_bits, output_bits
    self.hidden = hidden

  def build(self, input_shape: tf.TensorShape) -> None:
    inputs, size = input_shape[-1], self.kernel_size
    # As tf.nn.conv2d_transpose wants it where it upsamples.
    ends = (inputs, self.width)
    self.kernel = self.add_weight(
      name="kernel",
      shape=(size, size, *(ends[::-1] if self.upsample > 1 else ends)),
      initializer=keras.initializers.VarianceScaling(
        self.upsample**2 * (2.0 if self.hidden else 1.0)
      ),
    )
    self.bias = self.add_weight(
      name="bias", shape=(self.width,), initializer="zeros"
    )
    super().build(input_shape)

  def exponents(self) -> tf.Tensor:
    """Returns e of each output channel, float32 `[width]`."""
    axes = [0, 1, 3] if self.upsample > 1 else [0, 1, 2]
    largest = tf.reduce_max(tf.abs(self.kernel), axis=axes)
    largest = tf.stop_gradient(
      tf.maximum(largest, WEIGHT_LIMIT * 2.0**-LARGEST_EXPONENT)
    )
    # Read from the bits of the float, as frexp does: a logarithm may err where
    # the largest weight is a power of two times the limit.
    bits = tf.bitcast(WEIGHT_LIMIT / largest, tf.int32)
    return tf.cast(bits // _FRACTION - _EXPONENT_BIAS, tf.float32)

  def integers(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns weights and bias as whole numbers in float32, and exponents.

    The bias is in units of 2^-(e + input_bits), as the sums are.
    """
    exponents = self.exponents()
    scale = tf.pow(2.0, exponents)
    kernel = self.kernel * (scale[:, None] if self.upsample > 1 else scale)
    bias = self.bias * scale * 2.0**self.input_bits
    return numerics.rounded(kernel), numerics.rounded(bias), exponents

  def settle(self) -> None:
    """Makes weights what they count as; the integers stay the same."""
    kernel, _, exponents = self.integers()
    scale = tf.pow(2.0, -exponents)
    self.kernel.assign(
      kernel * (scale[:, None] if self.upsample > 1 else scale)
    )

  def call(self, x: tf.Tensor) -> tf.Tensor:
    """Returns float32 `[N, H', W', width]` of `[N, H, W, C]`."""
    kernel, bias, exponents = self.integers()
    if self.upsample > 1:
      shape = tf.shape(x)
      size = [shape[0], *(self.upsample * shape[i] for i in (1, 2)), self.width]
      sums = tf.nn.conv2d_transpose(
        x * 2.0**self.input_bits, kernel, size, self.upsample
      )
    else:
      sums = tf.nn.conv2d(x * 2.0**self.input_bits, kernel, 1, "SAME")
    shift = exponents + self.input_bits - self.output_bits
    return self._leave((sums + bias) * tf.pow(2.0, -shift))

  def _leave(self, values: tf.Tensor) -> tf.Tensor:
    """Rounds, half up, and clips; returns what the integers stand for."""
    if self.hidden:
      values = numerics.at_most(
        numerics.at_least(values, 0.0), ACTIVATION_LIMIT
      )
    nearest = tf.floor(values + 0.5)
    values += tf.stop_gradient(nearest - values)
    return values * 2.0**-self.output_bits
