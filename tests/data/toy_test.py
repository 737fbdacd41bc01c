"""Toy sources are what they say, and functions of (seed, step)."""

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.data import toy

COUNT = 100_000


def draw(spec, count=COUNT):
  return toy.get(spec).test_set(count, 0).numpy()


@pytest.mark.parametrize("spec", list(toy.SOURCES))
def test_vectors_are_finite_functions_of_the_seed(spec):
  source = toy.get(spec)
  one, same = (source.draw(7, tf.constant([3, 4])) for _ in range(2))
  assert one.shape == (7, source.dimensions)
  assert one.dtype == tf.float32
  np.testing.assert_array_equal(one, same)
  assert np.isfinite(one).all()
  assert not np.array_equal(one, source.draw(7, tf.constant([3, 5])))


def test_batches_are_functions_of_the_step_wherever_they_start():
  batches = toy.Batches(toy.get("banana"), batch=5, seed=2)
  whole = [b.numpy() for b in batches.batches(0, 6)]
  late = [b.numpy() for b in batches.batches(4, 6)]
  np.testing.assert_array_equal(whole[4:], late)
  assert len({b.tobytes() for b in whole}) == 6


def test_no_batch_is_in_the_test_set():
  source = toy.get("banana")
  batches = toy.Batches(source, batch=4, seed=0)
  shown = {row.tobytes() for b in batches.batches(0, 50) for row in b.numpy()}
  held = {row.tobytes() for row in source.test_set(4, 0).numpy()}
  assert not shown & held


def test_long_test_sets_come_in_parts_that_differ():
  source = toy.get("banana")
  parts = [part.numpy() for part in source.test_parts(25_000, 0)]
  assert [len(part) for part in parts] == [10_000, 10_000, 5_000]
  np.testing.assert_array_equal(parts[0], source.test_set(10_000, 0))
  assert len(np.unique(np.concatenate(parts), axis=0)) == 25_000


def test_the_laplace_distribution_has_its_moments():
  x = draw("laplace")
  # Standard errors of the three: 0.0045, 0.0032 and 0.014.
  assert abs(x.mean()) < 0.02
  assert np.abs(x).mean() == pytest.approx(1, abs=0.015)
  assert x.var() == pytest.approx(2, abs=0.06)


@pytest.mark.parametrize("bend", [0.0, 0.1])
def test_the_banana_straightens_to_a_normal_distribution(bend):
  x = draw(f"banana(bend={bend})") + 1.0
  turn = np.radians(240)
  back = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
  a, b = (x @ back).T
  b = b + bend * a**2
  # Relative standard error of a deviation is 1 / sqrt(2 N) = 0.0022.
  assert a.std() == pytest.approx(3, rel=0.01)
  assert b.std() == pytest.approx(0.5, rel=0.01)
  assert abs(b.mean()) < 0.01
  assert abs(np.corrcoef(a**2, b)[0, 1]) < 0.02


@pytest.mark.parametrize(
  ("spec", "dimensions"),
  [("circle", 2), ("sphere", 3), ("sphere(dimensions=5)", 5)],
)
def test_points_of_a_sphere_have_length_1_and_no_direction(spec, dimensions):
  x = draw(spec)
  assert x.shape == (COUNT, dimensions)
  np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-6)
  # Entries of the covariance have standard errors below 0.002.
  np.testing.assert_allclose(
    x.T @ x / COUNT, np.eye(dimensions) / dimensions, atol=0.01
  )


def test_the_sawbridge_rises_with_slope_1_and_falls_once_by_1():
  x = draw("sawbridge(points=101)", 1000)
  np.testing.assert_allclose(x[:, 0], 0, atol=1e-6)
  np.testing.assert_allclose(x[:, -1], 0, atol=1e-6)
  steps = np.diff(x, axis=1)
  falls = steps < 0
  assert (falls.sum(axis=1) == 1).all()
  np.testing.assert_allclose(steps[falls], 0.01 - 1, atol=1e-5)
  np.testing.assert_allclose(steps[~falls], 0.01, atol=1e-5)


def test_the_ramp_rises_with_slope_1_within_half_of_0():
  x = draw("ramp(points=101)", 1000)
  assert x.min() >= -0.5 and x.max() <= 0.5
  np.testing.assert_allclose(np.diff(x, axis=1) % 1.0, 0.01, atol=1e-5)


def test_sinusoids_differ_in_phase_alone():
  x = draw("sinusoid(points=64)", 1000)
  spectrum = np.abs(np.fft.rfft(x[:, :-1]))  # 63 points are a whole period
  np.testing.assert_allclose(spectrum[:, 1], 63 / 2, rtol=1e-4)
  np.testing.assert_allclose(np.delete(spectrum, 1, axis=1), 0, atol=1e-3)


def test_the_distortion_of_processes_is_a_mean():
  assert toy.get("ramp(points=10)").weight(8.0) == 0.8
  assert toy.get("sphere").weight(8.0) == 8.0


@pytest.mark.parametrize(
  ("spec", "message"),
  [
    ("bananna", "Did you mean 'banana'"),
    ("banana(bent=1)", "Did you mean 'bend'"),
    ("2*banana", "without weight"),
    ("circle + ramp", "without weight"),
    ("sphere(dimensions=1)", "2 dimensions or more"),
    ("ramp(points=1)", "2 points or more"),
  ],
)
def test_wrong_specs_are_answered_with_what_would_do(spec, message):
  with pytest.raises(ValueError, match=message):
    toy.get(spec)


@pytest.mark.parametrize("options", [{"batch": 0}, {"seed": -1}])
def test_batches_out_of_range_are_refused(options):
  with pytest.raises(ValueError, match="seed >= 0"):
    toy.Batches(toy.get("circle"), **{"batch": 1, "seed": 0, **options})
