"""A loss suits the crops of a training, and tells what it does not see."""

import pytest
from absl import logging

from trainers import objectives


@pytest.mark.parametrize(
  ("spec", "side", "told"),
  [
    ("mse", 8, []),
    ("ms_ssim(scales=3)", 64, ["29 % of 64x64 pixels"]),
    ('ms_ssim(scales=3, border="mirror")', 64, []),
    ("ssim", 256, []),  # less than a tenth
  ],
)
def test_a_loss_that_ignores_much_of_the_pictures_is_told(
  monkeypatch, spec, side, told
):
  lines = []
  monkeypatch.setattr(
    logging, "warning", lambda text, *values: lines.append(text % values)
  )
  objectives.of(spec, side=side)
  assert len(lines) == len(told)
  assert all(part in line for part, line in zip(told, lines, strict=True))


def test_a_picture_that_is_too_small_is_refused():
  with pytest.raises(ValueError, match="161x161 for 5 scales; got 64x64"):
    objectives.of("ms_ssim", side=64)
