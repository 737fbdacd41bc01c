"""Settings of a training of a realism head, and its learning rates."""

import keras
import pytest

from tfpercept import training
from tfpercept.tasks import base
from trainers import realism_training

MOVES = {
  "critic": base.Move([]),
  "generator": base.Move([], when=lambda step: step >= 300),
}


def test_critic_and_generator_end_at_the_end_of_the_fall(tmp_path):
  run = training.Run(
    out=tmp_path,
    steps=1000,
    learning_rate=1.0,
    settings=realism_training.Settings(codec_identity=""),
  )
  made = realism_training._optimizers(run, MOVES)
  for name, moves in (("critic", 1000), ("generator", 700)):
    rate = made[name].get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(rate)
    assert float(rate(moves)) == pytest.approx(0.01)
    assert float(rate(moves - 100)) > 0.02


@pytest.mark.parametrize(
  "qualities", [(), (2.0,), (1.0, 2.0, 3.0), (3.0, 2.0), (0.5, 2.0),
                (1.0, float("nan")), (1.0, float("inf"))],
)  # fmt: skip
def test_qualities_are_a_range(qualities):
  with pytest.raises(ValueError, match="--qualities are two numbers"):
    realism_training.Settings(codec_identity="", qualities=qualities)


@pytest.mark.parametrize("qualities", [None, (1.0, 4.5), (2.0, 2.0)])
def test_a_range_of_qualities_is_taken(qualities):
  own = realism_training.Settings(codec_identity="", qualities=qualities)
  assert own.qualities == qualities
