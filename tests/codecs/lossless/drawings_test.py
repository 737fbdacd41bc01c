"""Text, charts and line art are drawings; photographs are none."""

import numpy as np
import pytest

from tests.codecs.lossless import pictures
from tfpercept.codecs.lossless import drawings
from tfpercept.data import packaged
from tfpercept.io import files


@pytest.mark.parametrize(
  "picture",
  [
    pictures.text(),
    pictures.text(size=30),
    255 - pictures.text(),
    np.broadcast_to(pictures.text(), (256, 384, 3)),
    pictures.chart(),
    pictures.chart()[..., :1],
    pictures.line_art(),
  ],
)
def test_what_is_drawn_is_a_drawing(picture):
  assert drawings.is_drawing(picture)


@pytest.mark.parametrize(
  "picture", [pictures.noise(), pictures.noise()[..., :1], pictures.gradient()]
)
def test_noise_and_gradients_are_none(picture):
  assert not drawings.is_drawing(picture)


def test_no_photograph_is_a_drawing(photograph):
  photos = [*packaged.train(), *packaged.test().values(), photograph(256, 384)]
  shares = [drawings.repeating_share(photo) for photo in photos]
  assert max(shares) < drawings.LEAST_SHARE / 2


def test_a_photograph_on_a_flat_ground_is_none(photograph):
  picture = np.full((512, 512, 3), 255, np.uint8)
  picture[160:400, 112:400] = photograph(240, 288)
  assert not drawings.is_drawing(picture)
  assert drawings.repeating_share(picture) < 0.2


def test_a_page_of_text_with_the_noise_of_a_scanner_is_none():
  random = np.random.default_rng(0)
  scan = pictures.text() + random.normal(0, 2, (256, 384, 1))
  assert not drawings.is_drawing(np.clip(scan, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15), (16, 16)])
def test_small_and_flat_pictures_are_none(size):
  picture = np.full((*size, 3), 7, np.uint8)
  assert drawings.repeating_share(picture) == 0


def test_a_large_picture_is_told_by_a_fixed_number_of_blocks(monkeypatch):
  seen = []
  spread = drawings._spread

  def counted(image):
    blocks = spread(image)
    seen.append(len(blocks))
    return blocks

  monkeypatch.setattr(drawings, "_spread", counted)
  assert drawings.is_drawing(np.tile(pictures.text(), (16, 8, 1)))
  assert seen == [1024]


def test_the_pictures_of_kodak_are_photographs(shared):
  found = {
    path.name: drawings.repeating_share(files.read_image(path))
    for path in sorted((shared / "data" / "kodak").glob("*.png"))
  }
  assert len(found) >= 8
  assert max(found.values()) < 0.1
