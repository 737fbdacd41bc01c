"""Shipped models are found by name, carry a card and do their work."""

import numpy as np
import pytest

from tfpercept import distances, models, weights
from tfpercept.data import packaged, super_resolution

SUPER_RESOLUTION = ("srcnn_x4_mae", "srcnn_x4_ms_ssim", "srcnn_x4_mse")


def test_the_trained_networks_ship():
  assert set(SUPER_RESOLUTION) <= set(weights.shipped())


def test_a_folder_is_taken_before_a_name(tmp_path, monkeypatch):
  (tmp_path / "srcnn_x4_mse").mkdir()
  monkeypatch.chdir(tmp_path)
  assert weights.find("srcnn_x4_mse").samefile(tmp_path / "srcnn_x4_mse")


def test_an_unknown_name_is_answered_with_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'srcnn_x4_mse'"):
    weights.find("srcnn_x4_msee")
  with pytest.raises(ValueError, match="no_such'"):
    models.load("no_such")


@pytest.mark.parametrize("name", weights.shipped())
def test_each_model_has_a_card_and_is_small(name):
  folder = weights.find(name)
  card = (folder / "README.md").read_text()
  for word in ("Command", "Data", "Licence", "Seed", "Steps", "Scores"):
    assert f"{word}" in card
  assert (folder / "weights.npz").stat().st_size < 4_000_000


@pytest.mark.parametrize("name", SUPER_RESOLUTION)
def test_a_shipped_network_beats_bicubic_on_pictures_it_never_saw(name):
  network, manifest = models.load(name)
  distance = distances.get(manifest["objective"])  # what it was trained for
  pairs = super_resolution.luma_pairs(
    packaged.test().values(), scale=manifest["scale"]
  )
  ratios = []
  for enlarged, target in pairs:
    x, y = (a[None, :128, :128] for a in (enlarged, target))
    ratios.append(float((distance(y, network(x)) / distance(y, x))[0]))
  assert np.mean(ratios) < 0.95
