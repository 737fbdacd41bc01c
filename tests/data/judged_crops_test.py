"""Crops of triplets: aligned, repeatable, each triplet once an epoch."""

import numpy as np
import pytest

from tfpercept.data import judged_crops, judgements


def made(count, size=12):
  """Pictures whose pixels hold their row, their column and who they are."""
  rows, columns = np.mgrid[:size, :size]

  def picture(value):
    pixels = np.stack([rows, columns, np.full_like(rows, value)], -1)
    return judgements.Picture(str(value), lambda: pixels.astype(np.uint8))

  items = tuple(
    judgements.Judgement(
      f"item {i}", str(i), picture(3 * i),
      (picture(3 * i + 1), picture(3 * i + 2)), i / count,
    )
    for i in range(count)
  )  # fmt: skip
  return judgements.Judgements("made", "2afc", items)


def test_reference_and_images_show_the_same_place():
  crops = judged_crops.TripletCrops(made(5), patch=8, batch=4, seed=0)
  *images, share = crops.at(3)
  pixels = [np.round(image * 255) for image in images]
  for other in pixels[1:]:
    np.testing.assert_array_equal(pixels[0][..., :2], other[..., :2])
  who = pixels[0][:, 0, 0, 2]
  np.testing.assert_array_equal(pixels[2][:, 0, 0, 2], who + 2)
  np.testing.assert_allclose(share, who / 3 / 5, rtol=1e-6)  # float32
  assert images[0].shape == (4, 8, 8, 3)


def test_every_epoch_draws_each_triplet_once():
  crops = judged_crops.TripletCrops(made(6), patch=12, batch=4, seed=1)
  drawn = np.concatenate([crops.at(step)[-1] for step in range(6)])
  for epoch in drawn.reshape(4, 6):
    np.testing.assert_allclose(np.sort(epoch), np.arange(6) / 6, rtol=1e-6)
  assert not np.array_equal(drawn[:6], drawn[6:12])
  assert crops.steps_per_epoch == 2


def test_a_batch_follows_from_seed_and_step_alone():
  def batch(seed, step):
    crops = judged_crops.TripletCrops(made(5), patch=8, batch=4, seed=seed)
    (found,) = crops.batches(step, step + 1)
    return [np.asarray(part) for part in found]

  crops = judged_crops.TripletCrops(made(5), patch=8, batch=4, seed=0)
  for step, found in enumerate(crops.batches(0, 3)):
    for one, other in zip(found, batch(0, step), strict=True):
      np.testing.assert_array_equal(one, other)
  assert not np.array_equal(batch(0, 1)[0], batch(0, 2)[0])
  assert not np.array_equal(batch(0, 1)[0], batch(1, 1)[0])


def test_what_can_not_be_drawn_from_is_refused():
  with pytest.raises(ValueError, match=r"13x13 or more; got \[\(12, 12, 3\)\]"):
    judged_crops.TripletCrops(made(5), patch=13, batch=4, seed=0).at(0)
  with pytest.raises(ValueError, match="both must be positive"):
    judged_crops.TripletCrops(made(5), patch=8, batch=0, seed=0)
  opinions = judgements.Judgements("made", "mos", made(1).items)
  with pytest.raises(ValueError, match="made holds mos"):
    judged_crops.TripletCrops(opinions, patch=8, batch=4, seed=0)
