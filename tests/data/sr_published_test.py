"""Bicubic scores of the sets that papers print, on the shared pictures."""

import pytest

from tfpercept.evaluation.super_resolution import measure as super_resolution


@pytest.mark.parametrize(
  ("name", "psnr", "ssim"),
  [
    ("Set5", 28.42, 0.8097),
    ("Set14", 26.00, 0.7018),
    # Half of B100: no published value; that of MATLAB's imresize on these 50.
    ("B100_half", 26.065, None),
  ],
)
def test_bicubic_scores_are_the_published_ones(shared, name, psnr, ssim):
  table = super_resolution.evaluate(
    super_resolution.folder_pictures([shared / "data" / "sr" / name]),
    {"bicubic": super_resolution.bicubic},
    scale=4,
  )
  assert not table.failures
  # Papers print two decimals.
  assert table.mean("bicubic", "psnr") == pytest.approx(psnr, abs=0.005)
  if ssim is not None:
    # Papers differ in the third decimal with rounding and border; Snell et al.
    # do not say theirs.
    assert table.mean("bicubic", "ssim") == pytest.approx(ssim, abs=1e-3)
