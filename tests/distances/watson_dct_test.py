"""Watson's model on cosine coefficients: answers that are known."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.distances import watson_dct
from tfpercept.ops import dct

# Takes 1e-3 from values with beta = 4.
GUARD = (1e-12) ** (1 / 4)


def basis_function(row, column):
  """A picture `[8, 8]` whose only coefficient, at that place, is 1."""
  matrix = dct.dct_matrix(8)
  return np.outer(matrix[row], matrix[column])


def smooth_maximum(a, b):
  return (a * np.exp(a) + b * np.exp(b)) / (np.exp(a) + np.exp(b))


@pytest.mark.parametrize("place", [(0, 1), (3, 2), (7, 7)])
@pytest.mark.parametrize("traced", [False, True])
def test_one_basis_function_counts_in_units_of_its_threshold(place, traced):
  distance = distances.WatsonDCT(channels=1, dtype="float64")
  call = tf.function(distance.__call__) if traced else distance
  gray = np.full((1, 8, 8, 1), 0.5)
  image = gray + 0.3 * basis_function(*place)[..., None]
  sensitivity = watson_dct.SENSITIVITY[place[0]][place[1]]
  # Nothing is there that masks by contrast, but for the guard of 1e-10.
  threshold = smooth_maximum(sensitivity, 1e-7 * sensitivity**0.3)
  expected = 0.3 / threshold - GUARD
  assert float(call(gray, image)[0]) == pytest.approx(expected, rel=1e-5)


def test_what_is_there_masks():
  distance = distances.WatsonDCT(channels=1, dtype="float64")
  reference = 0.5 + 0.4 * basis_function(0, 1)[None, ..., None]
  image = reference + 0.05 * basis_function(0, 1)[..., None]
  threshold = smooth_maximum(1.01, 0.4**0.7 * 1.01**0.3)
  expected = 0.05 / threshold - GUARD
  assert float(distance(reference, image)[0]) == pytest.approx(
    expected, rel=1e-6
  )


def test_light_masks():
  distance = distances.WatsonDCT(channels=1, dtype="float64")
  reference = np.repeat([0.2, 0.6], 8)[None, None, :, None]
  reference = np.broadcast_to(reference, (1, 8, 16, 1))
  for block, level in enumerate((0.2, 0.6)):
    image = reference.copy()
    image[:, :, 8 * block : 8 * block + 8, 0] += 0.1 * basis_function(2, 2)
    threshold = 2.24 * (level / 0.4) ** 0.649
    expected = 0.1 / smooth_maximum(threshold, 0) - GUARD
    assert float(distance(reference, image)[0]) == pytest.approx(
      expected, rel=1e-5
    )


def test_another_size_of_blocks_starts_from_thresholds_of_1():
  distance = distances.WatsonDCT(blocks=4)
  np.testing.assert_array_equal(distance.t_tilde, np.zeros((3, 4, 4)))
  np.testing.assert_allclose(
    np.exp(distances.WatsonDCT().t_tilde)[1], watson_dct.SENSITIVITY, rtol=1e-6
  )
