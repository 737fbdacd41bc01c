"""Batches of whole contents follow from seed and step, and lose no answer."""

import numpy as np
import pytest

from tfpercept.data import judged_contents, judgements


def picture(key, value, size=16):
  pixels = np.random.default_rng(value).integers(0, 256, (size, size, 3))
  return judgements.Picture(key, lambda: pixels.astype(np.uint8))


@pytest.fixture(scope="module")
def data():
  """Answers of single people on three contents with three images each."""
  items = []
  for c in range(3):
    reference = picture(f"{c}", 10 * c)
    images = [picture(f"{c}/{i}", 10 * c + i + 1) for i in range(3)]
    for first, second, answer in (
      (0, 1, 1.0), (1, 0, 1.0), (0, 1, 1.0), (2, 1, 0.0),
    ):  # fmt: skip
      items.append(
        judgements.Judgement(
          f"{c}", f"{c}", reference, (images[first], images[second]), answer
        )
      )
  return judgements.Judgements("made", "2afc", tuple(items), is_single=True)


def crops(data, **options):
  options = {"patch": 8, "batch": 2, "seed": 0} | options
  return judged_contents.ContentCrops(data, **options)


def test_all_answers_on_a_content_are_in_its_batch(data):
  batch = crops(data).at(0)
  assert batch["references"].shape == (2, 8, 8, 3)
  assert batch["images"].shape == (6, 8, 8, 3)
  np.testing.assert_array_equal(batch["owner"], [0, 0, 0, 1, 1, 1])
  # Three answers put one question, in both orders; two of three agree.
  np.testing.assert_array_equal(batch["first"], [0, 1, 3, 4])
  np.testing.assert_array_equal(batch["second"], [1, 2, 4, 5])
  np.testing.assert_allclose(batch["share"], [2 / 3, 1, 2 / 3, 1])
  np.testing.assert_array_equal(batch["people"], [3, 1, 3, 1])


def test_batches_follow_from_seed_and_step(data):
  one, other = crops(data), crops(data)
  other.at(3)
  for key, value in one.at(5).items():
    np.testing.assert_array_equal(value, other.at(5)[key])
  assert np.any(one.at(0)["images"] != crops(data, seed=1).at(0)["images"])
  shown = [len(b["owner"]) for b in one.batches(4, 6).as_numpy_iterator()]
  assert shown == [6, 6]
  assert one.steps_per_epoch == 2


def test_tiles_lie_on_the_grid_and_in_the_same_places(data):
  batch = crops(data, tile=4, batch=1).at(0)
  first = _cells(batch["references"][0])[0]
  content = next(
    c for c in range(3) if _places(first, data.items[4 * c].reference)
  )
  item = data.items[4 * content]
  places = [
    [_places(tile, picture) for tile in _cells(crop)]
    for picture, crop in (
      (item.reference, batch["references"][0]),
      (item.images[0], batch["images"][0]),
    )
  ]
  assert places[0] == places[1]
  # No tile is drawn twice while others are left.
  assert len({place for (place,) in places[0]}) == 4


def _cells(image):
  side = image.shape[0] // 4
  cut = image.reshape(side, 4, side, 4, 3).swapaxes(1, 2)
  return list(cut.reshape(-1, 4, 4, 3))


def _places(tile, picture):
  cells = _cells(picture.read() / np.float32(255))
  return [i for i, cell in enumerate(cells) if np.array_equal(tile, cell)]


def test_measured_numbers_stand_for_the_pictures(data):
  parts = {
    (r.key, p.key): np.array([i, 2 * i], np.float32)
    for i, (r, p) in enumerate(data.pairs)
  }
  made = judged_contents.ContentParts(data, parts, batch=3, seed=0)
  batch = made.at(0)
  assert batch["parts"].shape == (9, 2)
  assert sorted(batch["parts"][:, 0]) == list(range(9))
  (shown,) = made.batches(0, 1).as_numpy_iterator()
  np.testing.assert_array_equal(shown["parts"], batch["parts"])
  np.testing.assert_array_equal(shown["first"], [0, 1, 3, 4, 6, 7])


def test_what_does_not_fit_is_refused(data):
  for options, words in (
    ({"tile": 3}, "no whole number of tiles"),
    ({"patch": 0}, "must be positive"),
  ):
    with pytest.raises(ValueError, match=words):
      crops(data, **options)
  with pytest.raises(ValueError, match="of one size, 20x20 or more"):
    crops(data, patch=20).at(0)
