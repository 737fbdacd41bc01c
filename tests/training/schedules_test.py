"""Learning rates of published recipes."""

import pytest

from tfpercept import training


def test_the_rate_is_steady_then_falls_by_equal_stairs():
  schedule = training.steady_then_linear(1e-4, steps=1000, epochs=10)
  rates = [float(schedule(100 * epoch + 50)) for epoch in range(10)]
  # LPIPS: five epochs, then a fifth of the rate less after each.
  expected = [1e-4] * 6 + [0.8e-4, 0.6e-4, 0.4e-4, 0.2e-4]
  assert rates == pytest.approx(expected)


def test_one_epoch_is_steady():
  assert training.steady_then_linear(1e-4, steps=9, epochs=1) == 1e-4


def test_fewer_steps_than_stairs_are_taken():
  schedule = training.steady_then_linear(1.0, steps=2, epochs=10)
  assert float(schedule(0)) == 1.0


@pytest.mark.parametrize("epochs", [-2, 0, 3])
def test_halves_need_an_even_number(epochs):
  with pytest.raises(ValueError, match="1 or even; got"):
    training.steady_then_linear(1e-4, steps=100, epochs=epochs)
