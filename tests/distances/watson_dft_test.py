"""Watson's model on Fourier coefficients: answers that are known."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.data import distortions

TRACED = pytest.mark.parametrize("traced", [False, True])


def value(reference, image, *, traced=False, w_phase=None, **options):
  distance = distances.WatsonDFT(channels=1, dtype="float64", **options)
  if w_phase is not None:
    weights = distance.w_phase_tilde
    weights.assign(tf.fill(weights.shape, tf.constant(w_phase, tf.float64)))
  call = tf.function(distance.__call__) if traced else distance
  images = (
    np.broadcast_to(x, (8, 8))[None, ..., None] for x in (reference, image)
  )
  return float(call(*images)[0])


def wave(phase, contrast=0.4):
  """One period along a row: an amplitude of half the contrast."""
  return 0.5 + contrast * np.cos(2 * np.pi * np.arange(8) / 8 - phase)


@TRACED
def test_a_change_of_light_is_one_amplitude(traced):
  threshold = 1 + (0.5**0.2 - 1) / (1 + np.exp(1 - 0.5**0.2))
  assert value(0.5, 0.6, traced=traced) == pytest.approx(
    0.1 / threshold, rel=1e-6
  )


@TRACED
@pytest.mark.parametrize("turn", [1e-3, 0.4, np.pi / 2, np.pi])
def test_a_wave_that_moves_is_one_angle(turn, traced):
  found = value(wave(0.3), wave(0.3 + turn), traced=traced)
  # Amplitudes are equal to rounding; damping takes 1e-5 / 0.2 off half a turn.
  assert found == pytest.approx(turn * np.exp(-2), rel=5e-5)


@TRACED
def test_the_phase_of_a_lost_wave_is_a_right_angle(traced):
  """JPEG zeroes coefficients; a small turn must not count for more."""
  found = value(wave(0), wave(0, 0.0), traced=traced)
  amplitude = value(wave(0), wave(0, 0.0), w_phase=-200, traced=traced)
  # Of the angle 1e-5 / 0.2 is missing.
  assert found - amplitude == pytest.approx(np.pi / 2 * np.exp(-2), rel=5e-5)


@TRACED
def test_worse_jpeg_is_farther(traced, photograph):
  image = tf.constant(photograph(96, 96)[None] / 255)
  distance = distances.WatsonDFT(dtype="float64")
  call = tf.function(distance.__call__) if traced else distance
  values = [
    float(call(image, distortions.jpeg(image, quality))[0])
    for quality in (90, 50, 30, 15, 8)
  ]
  assert values == sorted(values)


def test_phases_of_real_coefficients_do_not_count():
  stripes = 0.2 * (-1.0) ** np.arange(8)
  for pattern in (stripes[None], stripes[:, None], np.outer(stripes, stripes)):
    reference, image = (
      0.5 + s * np.broadcast_to(pattern, (8, 8)) for s in (1, -0.5)
    )
    found, expected = (
      value(reference, image, w_phase=weight) for weight in (None, -200)
    )
    assert found == pytest.approx(expected, rel=1e-9)


@TRACED
def test_an_angle_fades_with_its_amplitude(traced):
  angles = [
    value(wave(0, c), wave(1, c), phase_damping=1e-4, traced=traced)
    for c in (0.4, 0.02, 0.002)
  ]
  power = np.array([0.04, 1e-4, 1e-6])  # squared amplitudes
  cosine = (power * np.cos(1) + 1e-4) / (power + 1e-4)
  expected = np.arccos(cosine) * 2 * power / (2 * power + 1e-4)
  np.testing.assert_allclose(angles, np.exp(-2) * expected, rtol=1e-6)


def test_the_slope_of_an_angle_is_bounded():
  noise = np.random.uniform(0.2, 0.8, (1, 16, 16, 3))
  flat = tf.constant(np.full_like(noise, 0.5) + 1e-6 * noise)
  slopes = []
  for damping in (1e-10, 0.0):
    distance = distances.WatsonDFT(phase_damping=damping, dtype="float64")
    with tf.GradientTape() as tape:
      tape.watch(flat)
      found = distance(noise, flat)
    slopes.append(np.abs(tape.gradient(found, flat)).max())
  # Of 36 angles a channel, each of a slope up to 1e5 / 64 * exp(-2) a pixel.
  assert slopes[0] < 2e3
  assert slopes[1] > 1e5


def test_damping_is_0_or_what_float32_can_square():
  distances.WatsonDFT(phase_damping=0)
  for damping in (-1, 1e-18):
    with pytest.raises(ValueError, match="phase_damping >= "):
      distances.WatsonDFT(phase_damping=damping)
  with pytest.raises(ValueError, match="reference=True"):
    distances.WatsonDFT(phase_damping=1e-10, reference=True)


def test_without_damping_phases_of_nothing_are_no_rounding_errors():
  """A constant picture has one coefficient; in float32 others are 1e-8."""
  y, x = np.meshgrid(*[np.linspace(0, 1, 24)] * 2)
  smooth = np.stack([x, y, x * y], axis=-1)[None].astype("float32")
  white = np.ones_like(smooth)
  single, double = (
    distances.WatsonDFT(phase_damping=0, dtype=dtype)
    for dtype in ("float32", "float64")
  )
  graph = tf.function(single)
  for pair in ((smooth, white), (white, smooth)):
    expected = double(*pair)
    np.testing.assert_allclose(single(*pair), expected, rtol=1e-4)
    pair = [tf.constant(p) for p in pair]
    np.testing.assert_allclose(graph(*pair), expected, rtol=1e-4)
