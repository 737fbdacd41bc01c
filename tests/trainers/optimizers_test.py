"""Learning rates of trainings in which two networks take turns."""

import keras
import pytest

from tfpercept import training
from tfpercept.tasks import base
from trainers import (
  gan_training,
  hific_settings,
  hific_training,
  realism_training,
)

MOVES = {
  "critic": base.Move([]),
  "generator": base.Move([], when=lambda step: step >= 300),
}


@pytest.mark.parametrize(
  ("trainer", "settings"),
  [
    (gan_training, gan_training.Settings()),
    (hific_training, hific_settings.Settings(model={})),
    (realism_training, realism_training.Settings(codec_identity="")),
  ],
  ids=["gan", "hific", "realism"],
)
def test_critic_and_generator_end_at_the_end_of_the_fall(
  tmp_path, trainer, settings
):
  run = training.Run(
    out=tmp_path, steps=1000, learning_rate=1.0, settings=settings
  )
  made = trainer._optimizers(run, MOVES)
  for name, moves in (("critic", 1000), ("generator", 700)):
    rate = made[name].get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(rate)
    assert float(rate(moves)) == pytest.approx(0.01)
    assert float(rate(moves - 100)) > 0.02
