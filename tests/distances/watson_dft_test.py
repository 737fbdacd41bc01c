"""Watson's model on Fourier coefficients: answers that are known."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances

TRACED = pytest.mark.parametrize("traced", [False, True])


def value(reference, image, *, traced=False, **options):
  distance = distances.WatsonDFT(channels=1, dtype="float64", **options)
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
  # Amplitudes are equal to rounding; the angle is damped by 1e-10 / 0.04 twice.
  assert found == pytest.approx(turn * np.exp(-2), rel=1e-7)


def test_phases_of_real_coefficients_do_not_count():
  stripes = 0.2 * (-1.0) ** np.arange(8)
  amplitudes_only = distances.WatsonDFT(channels=1, dtype="float64")
  for weight in (amplitudes_only.w_phase_tilde,):
    weight.assign(tf.fill(weight.shape, tf.constant(-200.0, tf.float64)))
  for pattern in (stripes[None], stripes[:, None], np.outer(stripes, stripes)):
    reference, image = (
      (0.5 + s * np.broadcast_to(pattern, (8, 8)))[None, ..., None]
      for s in (1, -0.5)
    )
    found = value(reference[0, ..., 0], image[0, ..., 0])
    expected = float(amplitudes_only(reference, image)[0])
    assert found == pytest.approx(expected, rel=1e-9)


def test_an_angle_fades_with_its_amplitude():
  angles = [
    value(wave(0, contrast), wave(1, contrast), phase_damping=1e-4)
    for contrast in (0.4, 0.02, 0.002)
  ]
  # Squared amplitudes of 0.04, 1e-4 and 1e-6, on both sides.
  expected = np.exp(-2) * np.array([0.9975**2, 0.5**2, 0.0099**2])
  np.testing.assert_allclose(angles, expected, rtol=1e-3)


def test_the_slope_of_an_angle_is_bounded():
  noise = np.random.uniform(0.2, 0.8, (1, 16, 16, 3))
  flat = tf.constant(np.full_like(noise, 0.5) + 1e-9 * noise)
  slopes = []
  for damping in (1e-10, 0.0):
    distance = distances.WatsonDFT(phase_damping=damping, dtype="float64")
    with tf.GradientTape() as tape:
      tape.watch(flat)
      found = distance(noise, flat)
    slopes.append(np.abs(tape.gradient(found, flat)).max())
  assert slopes[0] < 10
  assert slopes[1] > 1e4


def test_damping_is_0_or_what_float32_can_square():
  distances.WatsonDFT(phase_damping=0)
  for damping in (-1, 1e-18):
    with pytest.raises(ValueError, match="phase_damping >= "):
      distances.WatsonDFT(phase_damping=damping)


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
