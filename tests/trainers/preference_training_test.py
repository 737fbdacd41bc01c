"""Choices that cannot be used are all named."""

import dataclasses
import shutil

import numpy as np
import pytest

from tests import forced_choices
from tfpercept import training
from tfpercept.data import judgements
from tfpercept.io import files
from trainers import (
  preference_choices,
  preference_settings,
  preference_training,
)


@pytest.fixture
def data(tmp_path):
  return forced_choices.write(tmp_path / "choices")


def test_all_pictures_that_can_not_be_used_are_named(data, tmp_path):
  copy = shutil.copytree(data, tmp_path / "copy")
  (copy / "a_noise.png").write_bytes(b"x")
  files.write_image(copy / "c_light.png", np.zeros((9, 9, 3), np.uint8))
  choices = preference_choices.load([str(copy)], "auto")
  own = preference_settings.Settings(data=(str(copy),), patch=16, batch=2)
  run = training.Run(out=tmp_path / "run", steps=1, settings=own)
  cache = judgements.Cache()
  with pytest.raises(ValueError, match="4 of 6 choices cannot be") as caught:
    preference_training._crops(choices, run, cache)
  for words in ("a_noise.png", "(9, 9, 3)", "--skip_damaged"):
    assert words in str(caught.value)
  own = dataclasses.replace(own, skip_damaged=True)
  run = dataclasses.replace(run, settings=own)
  assert preference_training._crops(choices, run, cache).steps_per_epoch == 1
  kept = preference_training._readable(choices, cache, skip=True)
  assert len(kept.items) == 4  # of unlike sizes, which is no damage
