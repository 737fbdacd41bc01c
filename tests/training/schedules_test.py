"""Learning rates of published recipes."""

import pytest

from tfpercept import training
from tfpercept.tasks import base
from tfpercept.training import schedules


def test_the_rate_is_steady_then_falls_by_equal_stairs():
  schedule = training.steady_then_linear(1e-4, steps=1000, epochs=10)
  rates = [float(schedule(100 * epoch + 50)) for epoch in range(10)]
  # LPIPS: five epochs, then a fifth of the rate less after each.
  expected = [1e-4] * 6 + [0.8e-4, 0.6e-4, 0.4e-4, 0.2e-4]
  assert rates == pytest.approx(expected)


@pytest.mark.parametrize("epochs", [1, 2])
def test_an_epoch_or_two_are_steady(epochs):
  assert training.steady_then_linear(1e-4, steps=9, epochs=epochs) == 1e-4


def test_fewer_steps_than_stairs_are_taken():
  schedule = training.steady_then_linear(1.0, steps=2, epochs=10)
  assert float(schedule(0)) == 1.0


@pytest.mark.parametrize("epochs", [-2, 0, 3])
def test_halves_need_an_even_number(epochs):
  with pytest.raises(ValueError, match="1 or even; got"):
    training.steady_then_linear(1e-4, steps=100, epochs=epochs)


def after(step):
  return base.Move([], when=lambda steps: steps >= step)


ODD = base.Move([], when=lambda steps: steps % 2 == 1)


def of(move, *, share=0.25, warmup=100):
  return schedules.of_move(move, 2.0, steps=400, warmup=warmup, share=share)


@pytest.mark.parametrize(
  ("move", "moves", "falling"),
  [(base.Move([]), 400, 100), (after(100), 300, 100), (ODD, 200, 50),
   (after(350), 50, 50)],
)  # fmt: skip
def test_a_rate_falls_to_its_end_in_the_last_steps(move, moves, falling):
  assert move.count(400) == moves
  rate = of(move)
  warm = min(100, moves // 10)
  if moves > falling:
    assert float(rate(moves - falling)) == pytest.approx(2.0)
    assert float(rate(moves - falling + 2)) < 2.0
  assert float(rate(moves)) == pytest.approx(0.02)
  assert float(rate(moves - 1)) < 0.03
  assert float(rate(warm - 1)) < 2.0  # the warm-up is of moves as well


def test_a_rate_that_does_not_fall_stays_for_all_moves():
  for move in (base.Move([]), after(100), ODD):
    rate = of(move, share=0)
    assert float(rate(move.count(400) - 1)) == 2.0


def test_what_moves_in_every_step_has_the_schedule_of_the_run():
  found = of(base.Move([])).get_config()
  assert found == {"rate": 2.0, "steps": 400, "warmup": 40, "share": 0.25}


def test_what_never_moves_has_a_rate_as_well():
  assert float(of(after(400))(0)) > 0


def test_the_cosine_of_a_move_ends_with_it(tmp_path):
  run = training.Run(out=tmp_path, steps=400, learning_rate=2.0)
  for move in (None, after(100), ODD):
    moves = 400 if move is None else move.count(400)
    rate = training.learning_rate(run, move)
    assert float(rate(moves)) == pytest.approx(0.02)
    assert float(rate(moves - 4)) > 0.02
