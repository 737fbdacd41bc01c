"""Settings of a training of a realism head."""

import pytest

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
