"""Integer layers compute in integers, and learn all the same."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.models.compression import integer


def layer(**options):
  options = {
    "input_bits": 4, "output_bits": 4, "hidden": True, "upsample": 2
  } | options  # fmt: skip
  made = integer.IntegerConvolution(6, 3, **options)
  made(tf.zeros((1, 4, 4, 5)))
  made.set_weights([np.random.normal(0, 0.3, w.shape) for w in made.weights])
  return made


def whole(x, bits):
  return np.array_equal(x * 2.0**bits, np.round(x * 2.0**bits))


@pytest.mark.parametrize("upsample", [1, 2])
def test_outputs_are_what_integer_arithmetic_gives(upsample):
  made = layer(upsample=upsample)
  inputs = np.random.randint(0, 128, (2, 4, 5, 5))
  kernel, bias, exponents = (np.asarray(v) for v in made.integers())
  for value in (kernel, bias, exponents):
    np.testing.assert_array_equal(value, np.round(value))
  assert 64 <= np.abs(kernel).max() <= integer.WEIGHT_LIMIT
  # In float64 sums of integers are exact far beyond 2^24.
  x = tf.constant(inputs, tf.float64)
  if upsample == 2:
    sums = tf.nn.conv2d_transpose(x, kernel.astype(float), (2, 8, 10, 6), 2)
  else:
    sums = tf.nn.conv2d(x, kernel.astype(float), 1, "SAME")
  # input_bits and output_bits are equal, so sums are shifted by e.
  expected = np.floor((sums + bias) / 2.0**exponents + 0.5).clip(0, 127)
  out = made(tf.constant(inputs / 16, tf.float32)).numpy() * 16
  np.testing.assert_array_equal(out, expected)
  assert len(np.unique(out)) > 20


def test_outputs_that_are_not_hidden_are_not_clipped():
  out = layer(hidden=False, output_bits=6)(50 * tf.ones((1, 4, 4, 5))).numpy()
  assert out.min() < 0
  assert out.max() > 127 / 64
  assert whole(out, 6)


def test_weights_at_the_limit_keep_the_finest_unit_that_holds_them():
  """Also where a logarithm would be a last bit off."""
  made = layer(upsample=1)
  kernel, bias = made.get_weights()
  for exponent in range(-20, integer.LARGEST_EXPONENT + 1):
    largest = np.float32(integer.WEIGHT_LIMIT * 2.0**-exponent)
    for value, expected in (
      (largest, exponent),
      (np.nextafter(largest, np.float32(np.inf)), exponent - 1),
    ):
      kernel[0, 0, 0, :] = value
      kernel.clip(-value, value, out=kernel)
      made.set_weights([kernel, bias])
      np.testing.assert_array_equal(made.exponents(), expected)
      integers, *_ = made.integers()
      assert np.abs(integers).max() <= integer.WEIGHT_LIMIT


def test_gradients_pass_the_rounding():
  made = layer()
  x = tf.constant(np.random.randint(0, 32, (1, 4, 4, 5)) / 16, tf.float32)
  with tf.GradientTape() as tape:
    tape.watch(x)
    loss = tf.reduce_mean((made(x) - 1.0) ** 2)
  for gradient in tape.gradient(loss, [x, *made.trainable_variables]):
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_settled_weights_are_the_integers_and_give_the_same():
  made = layer()
  x = tf.constant(np.random.randint(0, 128, (1, 4, 4, 5)) / 16, tf.float32)
  before, integers = made(x).numpy(), made.integers()[0].numpy()
  made.settle()
  np.testing.assert_array_equal(made.integers()[0], integers)
  np.testing.assert_array_equal(made(x), before)
  assert len(np.unique(made.kernel.numpy()[..., 0, :])) <= 255


def test_tiny_weights_do_not_make_biases_large():
  made = layer()
  made.set_weights([1e-9 * w for w in made.get_weights()])
  assert made.exponents().numpy().max() == integer.LARGEST_EXPONENT
