"""The page shows every network's pictures, and escapes what it is given."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.evaluation.generative import markdown as generation_blocks
from tfpercept.evaluation.generative import page as generation_page


class Grey:
  """Decodes pictures of one grey."""

  def __init__(self, latent):
    self.latent = latent

  def encode(self, x):
    mean = tf.zeros((len(x), self.latent)) + tf.reduce_mean(x)
    return mean, mean

  def decode(self, z):
    return tf.ones((len(z), 8, 8, 1)) * tf.sigmoid(z[:, 0])[:, None, None, None]


ANSWERS = generation_blocks.Block(
  "What holds",
  "Note.",
  ["claim", "here", "figures"],
  [["<b>", "holds", "1 & 2"]],
)
TABLE = generation_blocks.Block(
  "Figures",
  "Smaller is better.",
  ["distance", "A", "B"],
  [["mse", "1.00 [0.500, 1.50]", "2.00"]],
  frozenset({(0, 1)}),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
  folder = tmp_path_factory.mktemp("page")
  writer = tf.summary.create_file_writer(str(folder / "logs"))
  with writer.as_default(step=5):
    tf.summary.scalar("train/kl", 3.0)
  writer.close()
  random = np.random.default_rng(0)
  generation_page.write(
    folder / "page.html",
    "Two & two",
    [ANSWERS, TABLE],
    generation_page.Exhibits(
      {"A": Grey(3), "B": Grey(3)},
      random.uniform(size=(70, 8, 8, 1)).astype(np.float32),
      {"A": Grey(2)},
    ),
    logs={"A": folder / "logs", "B": folder / "none"},
    missing={"pim": "too <small>"},
    conditions={"Seeds": "0"},
  )
  return (folder / "page.html").read_text()


def test_sections_come_in_order(page):
  titles = re.findall("<h2>(.*?)</h2>", page)
  assert titles == [
    "What holds", "Samples", "Reconstructions", "From one picture to another",
    "The plane of two latents", "Figures", "Training", "Left out", "Conditions",
  ]  # fmt: skip


def test_every_network_has_its_pictures(page):
  # Samples of two and of the data; ways of two; a plane; 6 columns of 3 rows.
  assert page.count("<img ") == 3 + 2 + 1 + 6 * 3
  # 8 by 8 tiles of 8 pixels with gaps of 2, enlarged 6 times.
  assert page.count('width="468" height="468"') == 3


def test_cells_have_their_interval_below_and_the_best_is_bold(page):
  cell = re.search(r"<td><strong>1.00</strong><br><small.*?</small></td>", page)
  assert "[0.500, 1.50]" in cell[0]
  assert "<td>2.00</td>" in page


def test_text_is_escaped(page):
  assert "Two &amp; two" in page
  assert "<dt>&lt;b&gt;</dt><dd>holds. 1 &amp; 2</dd>" in page
  assert "too &lt;small&gt;" in page


def test_only_trainings_with_a_log_have_a_curve(page):
  assert "A: KL, nats an image" in page
  assert "B: KL" not in page


def test_pictures_are_enlarged_without_a_blur():
  sheet = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
  found = generation_page.enlarged(sheet, 6)
  assert found[..., 0].tolist() == [
    *[[0, 0, 0, 1, 1, 1]] * 3, *[[2, 2, 2, 3, 3, 3]] * 3,
  ]  # fmt: skip
  np.testing.assert_array_equal(generation_page.enlarged(sheet, 1), sheet)
