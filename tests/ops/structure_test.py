"""The fast path of SSIM against the textbook form of the same mathematics."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import filters, structure

TAPS = filters.gaussian(11, 1.5)
C1, C2 = 0.01**2, 0.03**2


def pictures(n, height, width, channels, *, seed=0, noise=0.1):
  random = np.random.default_rng(seed)
  y, x = np.mgrid[:height, :width]
  phase = random.uniform(0, 6, (n, 1, 1, channels))
  reference = 0.5 + 0.4 * np.sin((x / 5 + y / 9)[None, :, :, None] + phase)
  image = reference + random.normal(0, noise, reference.shape)
  return tf.constant(reference), tf.constant(np.clip(image, 0, 1))


def textbook(reference, image, scales, margin=0):
  """Equation 6 of Wang et al. 2004 at each scale, with a 2-D window."""
  margins = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
  channels = image.shape[-1]
  window = tf.constant(np.outer(TAPS, TAPS), image.dtype)[:, :, None, None]
  window = tf.tile(window, [1, 1, channels, 1])

  def mean(x):
    x = tf.pad(x, margins, "SYMMETRIC")
    return tf.nn.depthwise_conv2d(x, window, [1, 1, 1, 1], "VALID")

  deficits = []
  for scale in range(scales):
    if scale:
      reference, image = (
        tf.nn.avg_pool2d(x, 2, 2, "SAME") for x in (reference, image)
      )
    mu_x, mu_y = mean(image), mean(reference)
    var_x, var_y = mean(image**2) - mu_x**2, mean(reference**2) - mu_y**2
    cov = mean(image * reference) - mu_x * mu_y
    terms = (2 * cov + C2) / (var_x + var_y + C2)
    if scale == scales - 1:
      terms *= (2 * mu_x * mu_y + C1) / (mu_x**2 + mu_y**2 + C1)
    deficits.append(1 - tf.reduce_mean(terms, axis=[1, 2]))
  return tf.stack(deficits, axis=-1)


def fast(reference, image, scales, margin=0):
  return structure.deficits(
    reference, image, taps=TAPS, c1=C1, c2=C2, scales=scales, margin=margin
  )


def value_and_gradients(function, reference, image, scales, margin=0):
  """Both gradients, of a sum whose terms weigh differently."""
  with tf.GradientTape() as tape:
    tape.watch([reference, image])
    value = function(reference, image, scales, margin)
    weights = tf.reshape(tf.range(1, tf.size(value) + 1), tf.shape(value))
    total = tf.reduce_sum(value * tf.cast(weights, value.dtype))
  return value, *tape.gradient(total, [reference, image])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
  ("shape", "scales", "margin"),
  [
    ((2, 32, 40, 3), 1, 0),
    ((3, 11, 11, 1), 1, 0),  # one window
    ((2, 50, 44, 3), 3, 0),  # even, then odd
    ((1, 43, 61, 2), 3, 0),  # odd at every scale
    ((2, 47, 42, 1), 3, 0),
    ((2, 32, 40, 3), 1, 5),
    ((1, 5, 7, 1), 1, 5),  # no more pixels than the margin has
    ((2, 27, 20, 3), 3, 5),
    ((2, 20, 24, 2), 2, 3),  # the margin need not be half of the window
  ],
)
def test_values_and_both_gradients_are_those_of_the_textbook(
  shape, scales, margin, compiled
):
  reference, image = pictures(*shape)
  expected = value_and_gradients(textbook, reference, image, scales, margin)
  traced = tf.function(value_and_gradients, jit_compile=compiled)
  for found, wanted in zip(
    traced(fast, reference, image, scales, margin), expected, strict=True
  ):
    # float64; the two forms round differently.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)


def test_nearly_equal_images_keep_their_digits_in_float32():
  reference, image = pictures(1, 200, 300, 3, noise=0.002)
  exact = textbook(reference, image, 1)
  found = tf.function(fast)(
    *(tf.cast(x, tf.float32) for x in (reference, image)), 1
  )
  # The textbook form in float32 is a thousand times further off.
  np.testing.assert_allclose(found, exact, rtol=3e-5)


def test_the_number_of_images_may_be_unknown():
  spec = tf.TensorSpec([None, 30, 30, 3], tf.float64)
  traced = tf.function(lambda r, i: fast(r, i, 2), input_signature=[spec, spec])
  for n in (1, 3):
    reference, image = pictures(n, 30, 30, 3)
    np.testing.assert_allclose(
      traced(reference, image), textbook(reference, image, 2), atol=1e-12
    )


def test_two_runs_agree_to_the_bit():
  reference, image = (tf.cast(x, tf.float32) for x in pictures(2, 64, 64, 3))
  traced = tf.function(value_and_gradients)
  first, second = (traced(fast, reference, image, 2) for _ in range(2))
  for a, b in zip(first, second, strict=True):
    np.testing.assert_array_equal(a, b)


def test_it_applies_in_graphs_that_know_the_size():
  assert not structure.applies(tf.zeros((1, 20, 20, 3)))

  @tf.function(input_signature=[tf.TensorSpec([None, 17, 40, 3])])
  def small(x):
    assert structure.applies(x, margin=5, scales=2)  # 9 pixels
    assert structure.applies(x, margin=5, scales=3)  # 5 pixels
    assert not structure.applies(x, margin=5, scales=4)  # 3 pixels
    return x

  small.get_concrete_function()
  seen = {}

  def trace(shape):
    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def probe(x):
      seen[shape] = structure.applies(x)
      return x

    probe.get_concrete_function()
    return seen[shape]

  assert trace((None, 20, 20, 3))
  assert not trace((1, None, 20, 3))
  assert not trace((1, 20, 20, None))
