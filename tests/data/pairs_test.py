"""Pairs are neighbors, and follow from the seed and the step alone."""

import numpy as np
import pytest

from tfpercept.data import pairs

FRAMES = 6


@pytest.fixture
def clips():
  """Clips whose pixels tell clip, frame, row and column."""
  made = []
  for clip, (height, width) in enumerate([(20, 30), (25, 18)]):
    t, y, x = np.mgrid[:FRAMES, :height, :width]
    made.append(np.stack([10 * clip + t, y, x], axis=-1).astype(np.uint8))
  return made


def picture(height=80, width=90):
  y, x = np.mgrid[:height, :width]
  wave = 128 + 60 * np.sin(x / 7) + 60 * np.cos(y / 9 + x / 11)
  return np.uint8(np.stack([wave, wave[::-1], 255 - wave], axis=-1))


def sources(clips):
  settings = {"patch": 12, "batch": 4}
  return [
    lambda seed: pairs.FramePairs(clips, seed=seed, **settings),
    lambda seed: pairs.StillPairs([picture()], seed=seed, **settings),
    lambda seed: pairs.Joined(
      [
        pairs.FramePairs(clips, seed=seed, **settings),
        pairs.StillPairs([picture()], seed=seed + 1, **settings),
      ]
    ),
  ]


@pytest.mark.parametrize("kind", range(3))
def test_a_batch_depends_on_seed_and_step_alone(clips, kind):
  make = sources(clips)[kind]
  batch = np.stack(make(7).at(3))
  np.testing.assert_array_equal(batch, np.stack(make(7).at(3)))
  assert not np.array_equal(batch, np.stack(make(7).at(4)))
  assert not np.array_equal(batch, np.stack(make(8).at(3)))
  whole = [*make(7).batches(0, 5).as_numpy_iterator()]
  rest = [*make(7).batches(3, 5).as_numpy_iterator()]
  np.testing.assert_array_equal(whole[3:], rest)
  np.testing.assert_array_equal(whole[3], batch)


@pytest.mark.parametrize("gap", [1, 3])
def test_frames_of_a_pair_are_a_gap_apart_and_cropped_alike(clips, gap):
  data = pairs.FramePairs(clips, patch=12, batch=400, seed=0, gap=gap)
  x, y = (np.round(255 * np.asarray(v)).astype(int) for v in data.at(0))
  assert x.shape == (400, 12, 12, 3)
  np.testing.assert_array_equal(x[..., 1:], y[..., 1:])
  step = y[..., 0] - x[..., 0]
  assert (step == step[:, :1, :1]).all()
  assert set(step[:, 0, 0]) == {-gap, gap}  # both orders of time
  down = np.diff(x[..., 1], axis=1)
  assert (down == 1).all()
  across = np.diff(x[..., 2], axis=2)
  assert set(across[:, 0, 0]) == {-1, 1}  # half are mirrored
  first = np.minimum(x, y)[:, 0, 0, 0]
  expected = {10 * c + t for c in (0, 1) for t in range(FRAMES - gap)}
  assert set(first) == expected
  for clip in (0, 1):  # every position is reached
    rows, columns = clips[clip].shape[1:3]
    mine = x[first // 10 == clip]
    assert set(mine[:, 0, 0, 1]) == set(range(rows - 11))
    assert set(mine[..., 2].min(axis=(1, 2))) == set(range(columns - 11))


def test_no_pair_spans_a_cut():
  levels = np.uint8([0, 10, 20, 200, 210, 220])
  clip = np.broadcast_to(levels[:, None, None, None], (6, 20, 20, 3))
  settings = {"patch": 12, "batch": 200, "seed": 0}
  for gap, within in [(1, {0, 10, 200, 210}), (2, {0, 200})]:
    x, y = pairs.FramePairs([clip], gap=gap, **settings).at(0)
    first = np.minimum(x, y)[:, 0, 0, 0] * 255
    assert set(np.round(first).astype(int)) == within
  x, y = pairs.FramePairs([clip], cut=1.0, **settings).at(0)
  assert np.abs(x - y).max() > 0.7
  with pytest.raises(ValueError, match="cut between any two that are 3 apart"):
    pairs.FramePairs([clip], gap=3, **settings)


def test_views_of_a_still_are_near_but_not_equal():
  data = pairs.StillPairs([picture()], patch=12, batch=60, seed=0)
  x, y = map(np.asarray, data.at(0))
  assert x.shape == y.shape == (60, 12, 12, 3)
  near = np.abs(x - y).mean(axis=(1, 2, 3))
  far = np.abs(x - np.roll(y, 1, axis=0)).mean(axis=(1, 2, 3))
  assert near.min() > 0 and np.median(near) < 0.5 * np.median(far)


def test_views_with_all_limits_at_rest_are_the_halved_crop():
  still = np.arange(26 * 26, dtype=np.int64).reshape(26, 26) % 251
  still = np.uint8(np.stack([still] * 3, axis=-1))
  data = pairs.StillPairs(
    [still], patch=12, batch=20, seed=0, shift=0, angle=0, zoom=1, gain=1
  )
  x, y = map(np.asarray, data.at(0))
  np.testing.assert_allclose(x, y, atol=1e-6)  # interpolation at whole pixels
  inner = still[1:-1, 1:-1].reshape(12, 2, 12, 2, 3).mean(axis=(1, 3)) / 255
  for view in x:
    gaps = [np.abs(view - i).max() for i in (inner, inner[:, ::-1])]
    assert min(gaps) < 1e-4  # coordinates of 30 pixels in float32


def test_no_view_reaches_beyond_its_picture():
  # Mirroring at a border would repeat rows: a ramp would turn back.
  side = 44  # the least for these limits
  ramp = np.uint8(
    np.broadcast_to(5 * np.arange(side)[:, None, None], (side,) * 2 + (3,))
  )
  data = pairs.StillPairs(
    [ramp], patch=12, batch=200, seed=0, shift=3.0, angle=0.1, zoom=1.05, gain=1
  )
  for view in (*data.at(0), *data.at(1)):
    assert (np.diff(np.asarray(view), axis=1) > 0).all()


def test_gray_and_colored_stills_mix_and_small_ones_are_left_out():
  stills = [picture()[..., :1], picture(), picture(20, 20)]
  data = pairs.StillPairs(stills, patch=12, batch=50, seed=0, gain=1.0)
  x, _ = map(np.asarray, data.at(0))
  gray = np.ptp(x, axis=-1).max(axis=(1, 2)) < 1e-6
  assert 0 < gray.sum() < 50


def test_joined_batches_come_one_after_the_other(clips):
  joined = sources(clips)[2](7)
  parts = [
    make(s).at(5) for make, s in zip(sources(clips)[:2], (7, 8), strict=True)
  ]
  for found, *expected in zip(joined.at(5), *parts, strict=True):
    np.testing.assert_array_equal(found, np.concatenate(expected))


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (
      lambda c: pairs.FramePairs(c, patch=12, batch=1, seed=0, gap=6),
      "one of 6",
    ),
    (lambda c: pairs.FramePairs(c, patch=19, batch=1, seed=0), "got 25x18"),
    (lambda c: pairs.FramePairs(c, patch=12, batch=0, seed=0), "batch=0"),
    (lambda c: pairs.FramePairs([], patch=12, batch=1, seed=0), "clips=0"),
    (
      lambda c: pairs.FramePairs([c[0] / 255], patch=12, batch=1, seed=0),
      "expected uint8 pictures",
    ),
    (
      lambda c: pairs.StillPairs([picture(30, 90)], patch=16, batch=1, seed=0),
      "need pictures of at least 4.x4.; got none",
    ),
    (
      lambda c: pairs.StillPairs(
        [picture()], patch=8, batch=1, seed=0, zoom=0.5
      ),
      "zoom and gain 1 or more",
    ),
    (
      lambda c: pairs.Joined(
        [
          pairs.FramePairs(c, patch=12, batch=1, seed=0),
          pairs.FramePairs(c, patch=8, batch=1, seed=0),
        ]
      ),
      r"one patch size; got \[12, 8\]",
    ),
  ],
)
def test_impossible_requests_are_refused(clips, make, message):
  with pytest.raises(ValueError, match=message):
    make(clips)
