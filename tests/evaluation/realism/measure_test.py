"""Decoders judged on the same pictures."""

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.realism import measure, patches, set_scores

SIDE = 64


def scene(seed, height=SIDE, width=2 * SIDE):
  random = np.random.default_rng(seed)
  coarse = random.integers(0, 256, (height // 8, width // 8, 3))
  return np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)


def blurred(picture):
  rolled = [np.roll(picture, i, 1).astype(float) for i in range(-3, 4)]
  return np.mean(rolled, axis=0).astype(np.uint8)


def shuffled(picture):
  """Returns the picture with its two patches swapped."""
  return np.roll(picture, SIDE, 1)


@pytest.fixture(scope="module")
def rows():
  judge = measure.Judge(["mse", "lpips"], ["alex"])
  for seed in range(3):
    original = scene(seed)
    judge.add(
      f"p{seed}",
      original,
      {
        "same": original,
        "blurred": blurred(original),
        "shuffled": shuffled(original),
      },
    )
  return {row.decoder: row for row in judge.rows()}


def test_fidelity_is_the_mean_distance(rows):
  for spec in ("mse", "lpips"):
    distance = distances.get(spec)
    expected = [
      float(distance(*(np.float32(p[None] / 255) for p in (x, blurred(x))))[0])
      for x in map(scene, range(3))
    ]
    found = rows["blurred"].fidelity[spec]
    assert found.value == pytest.approx(np.mean(expected), rel=1e-5)
    assert found.low <= found.value <= found.high


def test_psnr_is_averaged_over_pictures_and_left_out_where_infinite(rows):
  squares = [
    np.square(x.astype(np.float64) - blurred(x)).mean()
    for x in map(scene, range(3))
  ]
  expected = 10 * np.log10(255**2 / np.array(squares))
  found = rows["blurred"].value("psnr")
  assert found == pytest.approx(np.mean(expected))
  assert "psnr" not in rows["same"].fidelity


def test_realism_prefers_moved_patches_to_blurred_ones(rows):
  name = "patch_frechet_alex"
  assert rows["same"].value(name) == pytest.approx(0, abs=1e-6)
  assert rows["shuffled"].value(name) < rows["blurred"].value(name)
  assert rows["shuffled"].value("mse") > rows["blurred"].value("mse")
  assert rows["blurred"].realism[name].patches == 6


def test_every_score_is_measured_in_every_space(rows):
  assert set(rows["same"].realism) == {f"{n}_alex" for n in set_scores.SCORES}


def test_features_are_means_over_the_places_of_a_patch():
  picture = scene(0, 128, 192)
  distance = distances.get("lpips")
  embedding = distance.embed(np.float32(picture[None] / 255))
  found = patches.features(
    patches.SPACES["alex"], distance, embedding, (128, 192)
  )
  deepest = embedding[-1][0].numpy()
  assert found.shape == (6, 256)
  np.testing.assert_allclose(found[0], deepest[:4, :4].mean((0, 1)), rtol=1e-5)
  np.testing.assert_allclose(found[5], deepest[4:, 8:].mean((0, 1)), rtol=1e-5)


def test_features_of_pim_are_means_and_deviations_of_codes():
  picture = scene(0, 32, 48)
  distance = distances.get("pim")
  embedding = distance.embed(np.float32(picture[None] / 255))
  found = patches.features(
    patches.SPACES["pim"], distance, embedding, (32, 48), side=16
  )
  assert found.shape == (6, 160)
  finest = embedding[-1].means[0, :, :, 0].numpy()[16:, 32:]
  np.testing.assert_allclose(found[5, -20:-10], finest.mean((0, 1)), atol=1e-5)
  np.testing.assert_allclose(found[5, -10:], finest.std((0, 1)), atol=1e-5)


def test_pictures_below_a_patch_are_refused():
  judge = measure.Judge(["mse"], ["alex"])
  small = scene(0)[:40, :40]
  with pytest.raises(ValueError, match="64x64 need a picture"):
    judge.add("small", small, {"same": small})


def test_other_decoders_or_shapes_are_refused():
  judge = measure.Judge(["mse"], ["alex"])
  original = scene(0)
  judge.add("a", original, {"same": original})
  with pytest.raises(ValueError, match="b: expected pictures of same; got"):
    judge.add("b", original, {"other": original})
  with pytest.raises(ValueError, match="c by same: expected the shape"):
    judge.add("c", original, {"same": original[1:]})
  with pytest.raises(ValueError, match="two pictures or more; got 1"):
    judge.rows()
