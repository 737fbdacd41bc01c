"""Learning rates of a training of a generator of small pictures."""

import keras
import pytest

from tfpercept import training
from tfpercept.tasks import base
from trainers import gan_training

MOVES = {
  "critic": base.Move([]),
  "generator": base.Move([], when=lambda step: step >= 300),
}


def test_critic_and_generator_end_at_the_end_of_the_fall(tmp_path):
  run = training.Run(
    out=tmp_path,
    steps=1000,
    learning_rate=1.0,
    settings=gan_training.Settings(),
  )
  made = gan_training._optimizers(run, MOVES)
  for name, moves in (("critic", 1000), ("generator", 700)):
    rate = made[name].get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(rate)
    assert float(rate(moves)) == pytest.approx(0.01)
    assert float(rate(moves - 100)) > 0.02
