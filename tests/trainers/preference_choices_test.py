"""Choices are known by what they are, and split by content."""

import shutil

import numpy as np
import pytest

from tests import forced_choices
from tfpercept.data import identity, judgement_layouts
from tfpercept.io import files
from trainers import preference_choices


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  return forced_choices.write(tmp_path_factory.mktemp("judged") / "choices")


def test_choices_are_known_by_what_they_are(data, tmp_path):
  copy = shutil.copytree(data, tmp_path / "copy")
  before = preference_choices.identity_of([str(data)], "auto")
  assert (
    identity.changes(
      before, preference_choices.identity_of([f"{copy}/"], "auto")
    )
    == []
  )
  table = copy / judgement_layouts.CHOICES
  table.write_text(table.read_text().replace("0.2", "0.3", 1))
  files.write_image(copy / "b_noise.png", np.zeros((24, 32, 3), np.uint8))
  assert identity.changes(
    before, preference_choices.identity_of([str(copy)], "auto")
  ) == [
    f"{copy}/(the choices) has changed",
    f"{copy}/b_noise.png has changed",
  ]


@pytest.mark.parametrize(
  ("held_out", "message"),
  [
    (["d.png"], "there is no content d.png to hold out; the contents are a_"),
    ([f"{n}_reference.png" for n in "abc"], "nothing is left to train on"),
  ],
)
def test_what_is_held_out_has_to_be_a_part(data, held_out, message):
  choices = preference_choices.load([str(data)], "auto")
  with pytest.raises(ValueError, match=message):
    preference_choices.split(choices, held_out)


def test_nothing_is_trained_on_that_is_held_out(data):
  choices = preference_choices.load([str(data)], "auto")
  train_on, judge_by = preference_choices.split(choices, ["b_reference.png"])
  assert train_on.contents == ("a_reference.png", "c_reference.png")
  assert judge_by.contents == ("b_reference.png",)


def test_a_fifth_of_the_contents_is_held_out_by_default(data):
  choices = preference_choices.load([str(data)], "auto")
  (held_out,) = preference_choices.some_contents(choices, seed=0)
  assert held_out in choices.contents
  alone = choices.only(lambda item: item.content == held_out)
  with pytest.raises(ValueError, match="shows one content"):
    preference_choices.some_contents(alone, seed=0)
