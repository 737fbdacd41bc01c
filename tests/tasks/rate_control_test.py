"""Controls of the rate push it towards the target, and never beyond bounds."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.tasks import rate_control

WEIGHTS = (2.0, 0.125)


def weight(control, bpp, step=0):
  return float(control.weight(tf.constant(bpp), tf.constant(step)))


def test_a_switch_takes_the_large_weight_above_the_target_alone():
  control = rate_control.Switch(0.5, WEIGHTS)
  found = [weight(control, bpp) for bpp in (0.4, 0.5, 0.51, 3.0)]
  assert found == [0.125, 0.125, 2.0, 2.0]
  assert control.variables == []


def test_at_first_the_target_is_higher_and_weights_are_half():
  control = rate_control.Switch(0.14, WEIGHTS, warm_up=3)
  assert float(control.target(tf.constant(2))) == pytest.approx(0.2)
  found = [weight(control, 0.19, step) for step in (2, 3)]
  assert found == [0.0625, 2.0]


def test_a_dual_weight_finds_the_one_that_keeps_the_target():
  """Of a codec whose rate is the inverse of its weight."""
  control = rate_control.Dual(0.8, WEIGHTS, pace=0.5)
  assert weight(control, 9.0) == pytest.approx(0.5)  # the geometric mean
  for step in range(60):
    now = weight(control, 0.0, step)
    control.update(tf.constant(1 / now), tf.constant(step))
  assert weight(control, 0.0) == pytest.approx(1 / 0.8, rel=1e-3)


def test_a_dual_weight_stays_between_its_bounds():
  control = rate_control.Dual(1.0, WEIGHTS, pace=10.0)
  for bpp, bound in ((9.0, 2.0), (0.0, 0.125)):
    for step in range(3):
      control.update(tf.constant(bpp), tf.constant(step))
    assert weight(control, bpp) == pytest.approx(bound)
  (kept,) = control.variables
  assert float(kept.numpy()) == pytest.approx(np.log(0.125))


@pytest.mark.parametrize("kind", list(rate_control.CONTROLS))
def test_a_weight_has_no_gradient(kind):
  control = rate_control.CONTROLS[kind](0.5, WEIGHTS)
  bpp = tf.Variable(0.7)
  with tf.GradientTape() as tape:
    made = control.weight(bpp, tf.constant(0)) * bpp
  assert float(tape.gradient(made, bpp)) == pytest.approx(float(made) / 0.7)


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: rate_control.Switch(0.0, WEIGHTS), "above 0 bits"),
    (lambda: rate_control.Switch(0.1, WEIGHTS, warm_up=-1), "0 or more"),
    (lambda: rate_control.Switch(0.1, (1.0,)), "two numbers above 0"),
    (lambda: rate_control.Switch(0.1, (1.0, 2.0)), "the larger one first"),
    (lambda: rate_control.Dual(0.1, (2.0, 0.0)), "two numbers above 0"),
    (lambda: rate_control.Dual(0.1, WEIGHTS, pace=0.0), "pace"),
  ],
)
def test_what_a_control_can_not_be_is_named(make, message):
  with pytest.raises(ValueError, match=message):
    make()
