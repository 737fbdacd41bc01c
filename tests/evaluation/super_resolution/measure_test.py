"""Super-resolution is scored by the rules of the published tables."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.data import degradations, packaged
from tfpercept.evaluation.super_resolution import measure
from tfpercept.io import files


@pytest.fixture(scope="module")
def photo():
  return packaged.test()["chelsea"][:90, :121]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  folder = tmp_path_factory.mktemp("trained") / "run"
  network = models.SRCNN(filters=(4, 3), kernels=(5, 3, 3))
  network.build()
  models.save(network, folder / "model", scale=4)
  return folder


def test_psnr_and_ssim_are_those_of_rounded_luma_without_its_border(photo):
  table = measure.evaluate(
    {"a": {"p": photo}}, {"bicubic": measure.bicubic}, scale=4
  )
  enlarged, target = degradations.bicubic_pair(degradations.luma(photo), 4)
  x, y = (
    np.floor(a.clip(0, 1) * 255 + np.float32(0.5))[4:-4, 4:-4]
    for a in (enlarged, target)
  )
  assert x.shape == (80, 112, 1)
  found = table.scores("a", "p", "bicubic")
  psnr = 10 * np.log10(255**2 / np.mean((x - y) ** 2, dtype=np.float64))
  ssim = tf.image.ssim(tf.constant(y), tf.constant(x), 255.0)
  assert found["psnr"] == pytest.approx(psnr, abs=1e-4)  # float32 means
  # tf.image.ssim in float32 errs by up to 4e-5.
  assert found["ssim"] == pytest.approx(float(ssim), abs=5e-5)


def test_the_border_is_not_scored(photo):
  def spoil_border(enlarged):
    spoiled = np.zeros_like(enlarged)
    spoiled[4:-4, 4:-4] = enlarged[4:-4, 4:-4]
    return spoiled

  table = measure.evaluate(
    {"a": {"p": photo}},
    {"bicubic": measure.bicubic, "spoiled": spoil_border},
    scale=4,
  )
  assert table.scores("a", "p", "spoiled") == table.scores("a", "p", "bicubic")


def test_bad_pictures_are_listed_and_the_rest_is_scored(tmp_path, photo):
  files.write_image(tmp_path / "good.png", photo)
  files.write_image(tmp_path / "tiny.png", photo[:3, :3])
  files.write_image(tmp_path / "small.png", photo[:16, :16])
  (tmp_path / "broken.png").write_bytes(b"no picture")
  table = measure.evaluate(
    measure.folder_pictures([tmp_path]),
    {"bicubic": measure.bicubic},
    scale=4,
  )
  (group,) = table.groups
  assert table.pictures(group) == ("good.png",)
  assert "not a readable picture" in table.failures[f"{group}/broken.png"]
  assert "too small" in table.failures[f"{group}/tiny.png"]
  assert "at least 11x11" in table.failures[f"{group}/small.png"]


def test_an_upscaler_that_returns_nan_is_refused(photo):
  table = measure.evaluate(
    {"a": {"p": photo}}, {"bad": lambda x: x * np.nan}, scale=4
  )
  assert "NaN" in table.failures["a/p"]


def test_a_scale_below_two_is_refused(photo):
  with pytest.raises(ValueError, match="scale of 2 or more; got 1"):
    measure.evaluate({"a": {"p": photo}}, {}, scale=1)


def test_networks_are_read_from_run_and_model_folders(trained, photo):
  enlarged, _ = degradations.bicubic_pair(degradations.luma(photo), 4)
  network, _ = models.load(trained)
  expected = network(enlarged[None])[0]
  for folder in (trained, trained / "model"):
    found = measure.load(folder, scale=4)(enlarged)
    np.testing.assert_allclose(found, expected, atol=1e-6)  # order of sums


def test_large_pictures_are_enlarged_in_strips_without_seams(
  trained, photo, monkeypatch
):
  enlarged, _ = degradations.bicubic_pair(degradations.luma(photo), 4)
  whole = measure.load(trained, scale=4)(enlarged)
  monkeypatch.setattr(measure, "STRIP_PIXELS", 1000)
  strips = measure.load(trained, scale=4)(enlarged)
  np.testing.assert_allclose(strips, whole, atol=1e-6)  # order of sums


def test_turns_leave_what_does_not_depend_on_them():
  luma = np.random.default_rng(0).random((5, 7, 1))
  np.testing.assert_allclose(measure.turned(measure.bicubic)(luma), luma)

  def slanted(enlarged):  # brighter to the right, and at the upper left
    more = np.linspace(0, 1, enlarged.shape[1])[None, :, None]
    more = more + np.zeros_like(enlarged)
    more[0, 0] += 8
    return enlarged + more

  corners = np.zeros((5, 7, 1))
  corners[[0, 0, -1, -1], [0, -1, 0, -1]] = 8 / 4
  np.testing.assert_allclose(
    measure.turned(slanted)(luma), luma + 0.5 + corners
  )


def test_a_network_for_another_scale_is_refused(trained):
  with pytest.raises(ValueError, match="trained for scale 4, not for scale 3"):
    measure.load(trained, scale=3)


def test_folders_of_one_name_are_told_apart(tmp_path, photo):
  for parent in ("x", "y"):
    files.write_image(tmp_path / parent / "set" / "p.png", photo)
  folders = [tmp_path / "x" / "set", tmp_path / "y" / "set"]
  assert list(measure.folder_pictures(folders)) == [
    str(folder) for folder in folders
  ]
  with pytest.raises(ValueError, match="given twice"):
    measure.folder_pictures(folders[:1] * 2)


def test_reconstructions_keep_shape_and_colour(photo):
  original, images = measure.reconstruct(
    photo, {"bicubic": measure.bicubic}, scale=4
  )
  image = images["bicubic"]
  assert original.shape == image.shape == (88, 120, 3)
  assert image.dtype == np.uint8
  # Blur moves single pixels, not the mean colour; clipping moves that a little.
  np.testing.assert_allclose(
    image.mean((0, 1)), original.mean((0, 1)), atol=0.5
  )


def test_grey_reconstructions_are_grey(photo):
  _, images = measure.reconstruct(
    photo[..., :1], {"bicubic": measure.bicubic}, scale=4
  )
  assert images["bicubic"].shape == (88, 120, 1)


def test_luma_maps_are_those_of_the_distance_on_luma(photo):
  changed = photo.copy()
  changed[40:50, 60:70] = 255 - changed[40:50, 60:70]
  found = measure.luma_map("mse", photo, changed)
  gap = degradations.luma(photo) - degradations.luma(changed)
  np.testing.assert_allclose(found, gap[..., 0] ** 2, atol=1e-7)
