"""Sheets show what they say, at the places they say."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.evaluation.generative import samples as pictures


class Plain:
  """Encodes the mean of a picture; decodes a picture of one grey."""

  def __init__(self, latent=1):
    self.latent = latent

  def encode(self, x):
    mean = tf.repeat(tf.reduce_mean(x, axis=[1, 2]), self.latent, axis=-1)
    return mean, tf.zeros_like(mean)

  def decode(self, z):
    return tf.ones((len(z), 4, 4, 1)) * z[:, 0][:, None, None, None]


def greys(*values):
  return np.ones((1, 4, 4, 1), np.float32) * np.reshape(
    np.float32(values), (-1, 1, 1, 1)
  )


def centres(sheet, rows, columns):
  step = 4 + pictures.GAP
  return [[int(sheet[r * step + 1, c * step + 1, 0]) for c in range(columns)]
          for r in range(rows)]  # fmt: skip


def test_a_sheet_goes_from_left_to_right_and_then_down():
  sheet = pictures.sheet(greys(0.0, 0.2, 0.4, 0.6, 0.8), 3)
  assert sheet.dtype == np.uint8
  assert sheet.shape == (2 * 4 + pictures.GAP, 3 * 4 + 2 * pictures.GAP, 1)
  # What is not filled is of the ground's grey.
  assert centres(sheet, 2, 3) == [[0, 51, 102], [153, 204, 128]]


def test_values_out_of_range_are_clipped():
  assert centres(pictures.sheet(greys(-1, 2), 2), 1, 2) == [[0, 255]]


@pytest.mark.parametrize(("count", "columns"), [(0, 3), (2, 0)])
def test_an_empty_sheet_is_refused(count, columns):
  with pytest.raises(ValueError, match="a sheet needs pictures and columns"):
    pictures.sheet(np.zeros((count, 4, 4, 1)), columns)


def test_reconstructions_stand_below_the_originals():
  x = greys(0.2, 0.6)
  x[:, 0, 0] = 0.0  # the reconstruction has the mean everywhere
  sheet = pictures.reconstructions(Plain(), x)
  shown = centres(sheet, 2, 2)
  assert shown[0] == [51, 153]
  assert shown[1] == [round(255 * 0.2 * 15 / 16), round(255 * 0.6 * 15 / 16)]


def test_latents_are_the_same_for_all_networks_of_a_width():
  z = pictures.latents(500, 4, seed=3)
  np.testing.assert_array_equal(z, pictures.latents(500, 4, seed=3))
  assert not np.array_equal(z, pictures.latents(500, 4, seed=4))
  # A mean of 2000 normals deviates by 0.022.
  assert abs(z.mean()) < 0.1
  assert z.std() == pytest.approx(1, abs=0.1)


def test_samples_are_decoded_in_batches_too(monkeypatch):
  z = np.float32([[0.2], [0.4], [0.6]])
  monkeypatch.setattr(pictures, "_BATCH", 2)
  shown = centres(pictures.samples(Plain(), z, columns=3), 1, 3)
  assert shown == [[51, 102, 153]]


def test_a_way_starts_and_ends_at_the_reconstructions():
  sheet = pictures.interpolations(
    Plain(), greys(0.2, 1.0), greys(0.6, 0.0), steps=3
  )
  # Latents of one number lie on a line; so does a way to the origin.
  assert centres(sheet, 2, 3) == [[51, 102, 153], [255, 128, 0]]
  with pytest.raises(ValueError, match="steps=1"):
    pictures.interpolations(Plain(), greys(0.2), greys(0.6), steps=1)


def test_a_spherical_way_keeps_length_and_pace():
  first, second = np.float32([[2, 0], [3, 0]]), np.float32([[0, 2], [1, 0]])
  ways = pictures.spherical(first, second, np.array([0, 0.25, 0.5, 1]))
  assert ways.shape == (2, 4, 2)
  angles = np.arctan2(ways[0, :, 1], ways[0, :, 0])
  # float32.
  np.testing.assert_allclose(
    angles, [0, np.pi / 8, np.pi / 4, np.pi / 2], atol=1e-6
  )
  np.testing.assert_allclose(np.linalg.norm(ways[0], axis=-1), 2, rtol=1e-6)
  # Of one direction: a straight line.
  np.testing.assert_allclose(ways[1, :, 0], [3, 2.5, 2, 1], rtol=1e-6)
  opposite = pictures.spherical(first[:1], -first[:1], np.array([0, 0.5, 1]))
  np.testing.assert_allclose(opposite[0, :, 0], [2, 0, -2], atol=1e-3)


class Plane(Plain):
  """Decodes to the share of the prior that lies below the latents."""

  def __init__(self):
    super().__init__(2)

  def decode(self, z):
    below = 0.5 * (1 + tf.math.erf(z / np.sqrt(2)))
    return tf.ones((len(z), 4, 4, 2)) * below[:, None, None]


def test_the_plane_cuts_the_prior_into_equal_shares():
  sheet = pictures.manifold(Plane(), side=5)
  step = 4 + pictures.GAP
  tiles = sheet[1::step, 1::step]
  shares = np.round(255 * (np.arange(5) + 0.5) / 5)
  # Rounding of a float32 distribution function.
  for row in tiles[..., 0]:  # to the right
    np.testing.assert_allclose(row, shares, atol=1)
  for column in tiles[..., 1].T:  # upwards
    np.testing.assert_allclose(column[::-1], shares, atol=1)


def test_the_plane_of_other_widths_is_refused():
  with pytest.raises(ValueError, match="network of 2; this one has 3"):
    pictures.manifold(Plain(3), side=4)
