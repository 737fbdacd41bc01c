"""Settings of a training of a realism head."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from trainers import realism_training


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


def test_pictures_leave_the_draws_of_the_training_alone():
  objective = distances.get("watson_dft(shift='random')")
  picture = np.full((64, 64, 3), 90, np.uint8)
  faithful = tf.fill([1, 64, 64, 3], 0.5)
  task = types.SimpleNamespace(
    qualities=(1.0, 2.0),
    objective=objective,
    critic=None,
    decoded=lambda x, quality: types.SimpleNamespace(
      y_hat=None, faithful=faithful
    ),
  )
  pictures = realism_training._pictures(
    task, lambda: lambda *_: tf.zeros_like(faithful), picture
  )
  _, scalars = pictures.show()
  assert scalars["held_out/quality_2/faithful/distance"] > 0
  assert objective.weights[-1].numpy() == 0
