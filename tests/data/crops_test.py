"""Batches follow from the seed and the step, and nothing else."""

import numpy as np
import pytest

from tfpercept.data import crops


@pytest.fixture
def pairs():
  """Pictures whose pixels tell where they come from."""
  made = []
  for picture, (height, width) in enumerate([(12, 30), (25, 9), (6, 40)]):
    index = np.arange(height * width, dtype=np.float32)
    x = (index + 1000 * picture).reshape(height, width, 1)
    made.append((x, -x))
  return made


def test_a_batch_depends_on_seed_and_step_alone(pairs):
  make = lambda seed: crops.PairedCrops(pairs, patch=8, batch=5, seed=seed)
  one, two = make(7), make(7)
  np.testing.assert_array_equal(one.at(3)[0], two.at(3)[0])
  assert not np.array_equal(one.at(3)[0], one.at(4)[0])
  assert not np.array_equal(one.at(3)[0], make(8).at(3)[0])


def test_a_stream_that_starts_later_is_the_rest_of_the_same_stream(pairs):
  data = crops.PairedCrops(pairs, patch=8, batch=5, seed=7)
  whole = [x for x, _ in data.batches(0, 6).as_numpy_iterator()]
  rest = [x for x, _ in data.batches(4, 6).as_numpy_iterator()]
  np.testing.assert_array_equal(whole[4:], rest)


def test_crops_are_patches_under_a_symmetry_of_the_square(pairs):
  data = crops.PairedCrops(pairs, patch=8, batch=400, seed=0)
  x, y = data.at(0)
  np.testing.assert_array_equal(x, -y)
  seen = set()
  for crop in np.asarray(x)[..., 0]:
    picture = int(crop.min()) // 1000
    width = pairs[picture][0].shape[1]
    turns = [np.rot90(c, k) for c in (crop, crop.T) for k in range(4)]
    upright = [
      i
      for i, t in enumerate(turns)
      if (np.diff(t, axis=1) == 1).all() and (np.diff(t, axis=0) == width).all()
    ]
    assert len(upright) == 1
    seen.add((picture, upright[0]))
  # 6x40 is smaller than a patch; all symmetries of the others occur.
  assert seen == {(p, k) for p in (0, 1) for k in range(8)}


def test_every_corner_is_reached(pairs):
  data = crops.PairedCrops(pairs[1:2], patch=8, batch=500, seed=0)
  first = {int(c.min()) for c in np.asarray(data.at(0)[0])}
  corners = {1000 + 9 * row + column for row in range(18) for column in (0, 1)}
  assert first == corners


def test_impossible_requests_are_refused(pairs):
  with pytest.raises(ValueError, match="as large as a 50x50 patch"):
    crops.PairedCrops(pairs, patch=50, batch=1, seed=0)
  with pytest.raises(ValueError, match="equal shape"):
    crops.PairedCrops(
      [(np.zeros((9, 9, 1)), np.zeros((9, 8, 1)))], patch=2, batch=1, seed=0
    )


def test_crops_of_color_are_patches_of_the_pictures(photograph):
  pictures = [photograph(20, 33), photograph(16, 18)[..., :1]]
  data = crops.Crops(pictures, patch=16, batch=6, seed=1)
  x, target = data.at(5)
  assert x.shape == (6, 16, 16, 3)
  assert x.dtype == np.float32
  np.testing.assert_array_equal(x, target)
  color = np.broadcast_to(pictures[1], (16, 18, 3))
  places = {
    window[top : top + 16, left : left + 16].tobytes()
    for picture in (pictures[0], color)
    for turns in range(4)
    for flip in (1, -1)
    for window in [np.rot90(picture[:, ::flip], turns)]
    for top in range(window.shape[0] - 15)
    for left in range(window.shape[1] - 15)
  }
  for crop in np.round(x * 255).astype(np.uint8):
    assert crop.tobytes() in places


def test_a_stream_of_color_is_what_single_batches_are(photograph):
  data = crops.Crops([photograph(30, 40)], patch=16, batch=2, seed=1)
  streamed = [x for x, _ in data.batches(3, 6).as_numpy_iterator()]
  for step, x in enumerate(streamed, 3):
    np.testing.assert_array_equal(x, data.at(step)[0])


@pytest.mark.parametrize(
  ("picture", "message"),
  [
    (np.zeros((20, 20, 3), np.float32), "expected uint8"),
    (np.zeros((20, 20), np.uint8), "expected uint8"),
    (np.zeros((8, 20, 3), np.uint8), "as large as a 16x16"),
  ],
)
def test_what_crops_can_not_be_drawn_from_is_refused(picture, message):
  with pytest.raises(ValueError, match=message):
    crops.Crops([picture], patch=16, batch=1, seed=0)
