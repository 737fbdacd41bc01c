"""Costs of losses are positive, and larger where more is done."""

import pytest

from tfpercept.evaluation.generative import loss_cost

SHAPE = (2, 32, 32, 1)


@pytest.fixture(scope="module")
def cost():
  return loss_cost.measure("watson_dft", SHAPE, rounds=3)


def test_a_loss_takes_time_and_memory(cost):
  assert 0 < cost.fastest <= cost.seconds
  # At least its gradient, and no more than a hundred features a pixel.
  picture = 4 * 2 * 32 * 32
  assert picture <= cost.peak_bytes < 100 * 3 * picture
  # 8x5 frequencies of 64 pixels, and a few numbers, for each of three planes.
  assert 0 < cost.weight_bytes < 4000
  assert cost.bytes == cost.peak_bytes + cost.weight_bytes


def test_ten_times_the_pictures_take_more_memory(cost):
  large = loss_cost.measure_here("watson_dft", (20, *SHAPE[1:]), rounds=3)
  assert large["peak_bytes"] > 3 * cost.peak_bytes


def test_a_loss_that_can_not_be_measured_is_named_with_the_reason():
  with pytest.raises(ValueError, match=r"^mse_ could not .*Did you mean 'mse'"):
    loss_cost.measure("mse_", SHAPE)


def test_what_can_not_be_measured_does_not_stop_the_rest(monkeypatch):
  def fake(spec, shape):
    if spec == "bad":
      raise ValueError("why")
    return loss_cost.Cost(1.0, 1.0, 1.0, 1)

  monkeypatch.setattr(loss_cost, "measure", fake)
  costs, missing = loss_cost.measure_all({"A": "bad", "B": "mse"}, SHAPE)
  assert costs["A"] is None and costs["B"].seconds == 1
  assert missing == {"A": "why"}
