"""Pictures are reduced to what was asked for, and never enlarged."""

import numpy as np
import pytest

from tfpercept.data import reduced


def shapes(pictures):
  return [p.shape for p in pictures]


def test_each_picture_comes_at_each_length_that_it_has(photograph):
  pictures = [photograph(60, 100), photograph(40, 30)[..., :1]]
  made = reduced.reduced(pictures, sides=(80, 35, 20))
  assert shapes(made) == [
    (48, 80, 3), (21, 35, 3), (12, 20, 3), (35, 26, 1), (20, 15, 1)
  ]  # fmt: skip
  assert all(p.dtype == np.uint8 for p in made)


def test_the_largest_factor_keeps_traces_of_jpeg_out(photograph):
  made = reduced.reduced([photograph(50, 100)], sides=(95, 60), largest=0.9)
  assert shapes(made) == [(30, 60, 3)]
  made = reduced.reduced([photograph(50, 100)], sides=(95,), largest=0.9)
  assert shapes(made) == [(45, 90, 3)]


def test_without_lengths_pictures_stay_as_they_are(photograph):
  picture = photograph(30, 40)
  (same,) = reduced.reduced([picture])
  np.testing.assert_array_equal(same, picture)


def test_reduction_keeps_what_is_smooth(photograph):
  row = np.linspace(20, 230, 100)
  picture = np.repeat(np.tile(row, (50, 1))[..., None], 3, 2).astype(np.uint8)
  (small,) = reduced.reduced([picture], sides=(50,))
  expected = row.reshape(50, 2).mean(1)
  # Rounded twice; the border is weighed differently.
  np.testing.assert_allclose(small[12, 3:-3, 0], expected[3:-3], atol=1.1)


@pytest.mark.parametrize("options", [{"sides": (0,)}, {"largest": 0.0}])
def test_impossible_reductions_are_refused(photograph, options):
  with pytest.raises(ValueError, match="1 or more and a factor in"):
    reduced.reduced([photograph(8, 8)], **options)
