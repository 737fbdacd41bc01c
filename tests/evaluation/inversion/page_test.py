"""The page of the table of small pictures."""

import numpy as np

from tfpercept.evaluation.inversion import measure, methods, page
from tfpercept.reports import gallery


def test_a_page_shows_tables_pictures_and_the_search(tmp_path):
  images = np.zeros((3, 8, 8, 3), np.uint8)
  row = measure.Row(10, 1.25, 2, 3, 30, 65, 0.9, 0.1, 0.2, 0.3, 0.4, (5, 6))
  coded = methods.Coded(np.array([9, 10, 11]), images)
  page.write(
    str(tmp_path / "report.html"),
    "Small",
    {"Unseen": {"PCA & more": row}},
    {"Unseen": (images, {"PCA & more": coded})},
    ["A note <b>."],
    {"GAN": [gallery.Card("100 steps", page.enlarged(images[0]))]},
  )
  text = (tmp_path / "report.html").read_text()
  assert "A note &lt;b&gt;." in text and "PCA &amp; more" in text
  assert "9 bytes" in text and "100 steps" in text and "63.34" in text
  assert text.count("<img") == 3 + 3 + 1


def test_pixels_are_enlarged():
  small = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
  np.testing.assert_array_equal(
    page.enlarged(small)[..., 0],
    [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]],
  )
