"""Figures of small pictures after a method."""

import numpy as np
import pytest

from tests.codecs import small_generators
from tfpercept.evaluation.inversion import measure, methods, table


@pytest.fixture(scope="module")
def images():
  small = small_generators.pictures(4)
  return small.repeat(2, axis=1).repeat(2, axis=2)


@pytest.fixture(scope="module")
def judge(images):
  return measure.Judge(images)


def row(judge, images, size=100):
  sizes = np.full(len(images), size)
  return judge.row(methods.Coded(sizes, images))


def test_equal_pictures_have_no_error(judge, images):
  found = row(judge, images)
  assert found.psnr == float("inf") and found.mse == 0
  assert found.ssim == 1 and found.lpips == 0
  # Roots of eigenvalues are this exact in sums of hundreds.
  assert abs(found.frechet) < 1e-6 and abs(found.pim_frechet) < 1e-4
  assert found.patches == (4 * 7 * 7, 4 * 32 * 32)


def test_rates_are_those_of_the_files(judge, images):
  found = row(judge, images, size=128)
  assert found.bytes == 128
  assert found.bpp == pytest.approx(0.25)
  assert found.to_raw == pytest.approx(96)
  half = row(judge, images, size=64)
  assert half.to_png == pytest.approx(2 * found.to_png)


def test_errors_grow_with_noise(judge, images):
  random = np.random.default_rng(0)
  rows = []
  for deviation in (5, 40):
    noise = random.normal(0, deviation, images.shape)
    noisy = np.clip(images + noise, 0, 255).astype(np.uint8)
    rows.append(row(judge, noisy))
  near, far = rows
  assert near.psnr > far.psnr and near.mse < far.mse and near.ssim > far.ssim
  for name in ("lpips", "pim", "frechet", "pim_frechet"):
    assert 0 < getattr(near, name) < getattr(far, name)


def test_psnr_is_a_mean_over_pictures_that_differ(judge, images):
  changed = images.copy()
  changed[0] = np.where(images[0] < 128, images[0] + 10, images[0] - 10)
  found = row(judge, changed)
  assert found.psnr == pytest.approx(10 * np.log10(255**2 / 100))
  assert found.mse == pytest.approx(25)


def test_answers_say_whether_the_marks_are_reached(judge, images):
  low = row(judge, np.full_like(images, 90), size=100)
  high = row(judge, images, size=100)
  assert "does not pass" in table.mark("PCA", low)
  assert "passes the published" in table.mark("G", high)
  said = table.beside("G", high, "PCA", low)
  assert "LPIPS 0.00 times" in said and "100.0 and 100.0 bytes" in said
  text = table.markdown("Unseen", {"PCA": low})
  widths = {line.count("|") for line in text.splitlines() if "|" in line}
  assert widths == {len(table.HEADS) + 1}
  assert "63.34" in text and "0.5280" in text
