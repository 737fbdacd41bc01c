"""Masking and pooling of Watson's model, in the plain form."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.ops import visibility


def test_thresholds_rise_with_what_is_there_and_start_at_the_luminance():
  magnitude = tf.constant([0.0, 0.1, 1.0, 5.0], tf.float64)
  half = tf.constant(0.5, tf.float64)
  found = visibility.thresholds(magnitude, half, 0.7).numpy()
  # The weighted mean of 0.5 and 0: 0.5 e^0.5 / (e^0.5 + 1).
  assert found[0] == pytest.approx(0.5 / (1 + np.exp(-0.5)), rel=1e-5)
  assert (np.diff(found) > 0).all()


def test_the_smooth_maximum_stays_below_the_larger():
  found = visibility.thresholds(tf.constant(8.0), tf.constant(2.0), 0.5).numpy()
  larger = 8**0.5 * 2**0.5
  expected = (larger * np.exp(larger) + 2 * np.exp(2)) / (
    np.exp(larger) + np.exp(2)
  )
  assert found == pytest.approx(expected, rel=1e-6)
  assert 2 < found < larger


@pytest.mark.parametrize("beta", [0.6, 1.0, 4.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_visible_is_exactly_0_with_a_finite_slope(beta, dtype):
  visible = tf.zeros([7], dtype)
  with tf.GradientTape() as tape:
    tape.watch(visible)
    terms = visibility.summands(
      visible, tf.constant(beta, dtype), reference=False
    )
    value = visibility.root(
      tf.reduce_sum(terms), tf.constant(beta, dtype), reference=False
    )
  np.testing.assert_array_equal(terms, 0)
  assert value == 0
  assert np.isfinite(tape.gradient(value, visible)).all()


# In float32 the smallest differences vanish beside the guards.
def test_the_smallest_differences_are_not_negative():
  visible = tf.constant(np.logspace(-30, 0, 400), tf.float32)
  beta = tf.constant(4.0)
  terms = visibility.summands(visible, beta, reference=False)
  value = visibility.root(terms, beta, reference=False)
  assert (value.numpy() >= 0).all()
  assert np.isfinite(value).all()


@pytest.mark.parametrize("beta", [0.6, 1.0, 4.0])
def test_guards_do_not_show_in_what_is_visible(beta):
  visible = tf.constant([0.1, 1.0, 30.0], tf.float64)
  beta = tf.constant(beta, tf.float64)
  for reference in (False, True):
    terms = visibility.summands(visible, beta, reference=reference)
    found = visibility.root(terms, beta, reference=reference)
    # The guard of the root, 1e-12 ** (1 / 4), is 1 % of a lone 0.1.
    bound = {"rtol": 1e-5} if reference else {"atol": 1.1e-3, "rtol": 1e-5}
    np.testing.assert_allclose(found, visible, **bound)


def test_the_authors_form_keeps_a_rest_at_0():
  beta = tf.constant(1.0, tf.float64)
  term = visibility.summands(tf.constant(0.0, tf.float64), beta, reference=True)
  value = visibility.root(term, beta, reference=True)
  np.testing.assert_allclose([term, value], 2e-10)


@pytest.mark.parametrize("reference", [False, True])
def test_nan_is_not_taken_for_nothing_visible(reference):
  beta, nan = tf.constant(1.5), tf.constant([np.nan])
  for step in (visibility.summands, visibility.root):
    assert np.isnan(step(nan, beta, reference=reference)).all()
