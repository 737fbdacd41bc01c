"""Every registered distance passes every check, and every check can fail."""

import pytest
import tensorflow as tf

from tfpercept import distances
from tfpercept.distances import base
from tfpercept.evaluation import conformance

# (distance, check): why it need not pass. An entry that passes is stale.
EXCEPTIONS: dict[tuple[str, str], str] = {}


@pytest.mark.parametrize("check", conformance.CHECKS)
@pytest.mark.parametrize("name", distances.names())
def test_registered_distances_conform(name, check):
  factory = distances.DISTANCES.get(name)
  if (name, check) in EXCEPTIONS:
    with pytest.raises((conformance.ConformanceError, ValueError)):
      conformance.CHECKS[check](factory)
  else:
    conformance.CHECKS[check](factory)


def test_exceptions_name_what_exists():
  for name, check in EXCEPTIONS:
    assert name in distances.names()
    assert check in conformance.CHECKS


def test_sums_of_distances_conform():
  def factory(dtype="float32"):
    return distances.get("0.84*ssim + 0.16*mae", dtype=dtype)

  report = conformance.run(factory)
  assert report.passed, report


class Fine(base.Distance):
  """MSE, which conforms; the broken ones below change one thing each."""

  registered_name = "fine"

  def embed(self, image):
    return image

  def compare(self, reference, image):
    return [tf.math.squared_difference(reference, image)]

  def pool(self, maps):
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])

  @property
  def spec(self):
    return "mse"


class NotZeroAtIdentity(Fine):
  def pool(self, maps):
    return super().pool(maps) + 0.01


class Negative(Fine):
  def pool(self, maps):
    return super().pool(maps) - tf.reduce_max(maps[0], axis=[1, 2, 3])


class SecretlyAsymmetric(Fine):
  def compare(self, reference, image):
    return [m * reference for m in super().compare(reference, image)]


class WronglyCalledAsymmetric(Fine):
  symmetric = False


class InfiniteSlopeAtIdentity(Fine):
  def pool(self, maps):
    return tf.sqrt(super().pool(maps))


class BatchDependent(Fine):
  def pool(self, maps):
    return super().pool(maps) / (1 + tf.reduce_max(maps[0]))


class OtherInGraphs(Fine):
  def pool(self, maps):
    factor = 1.0 if tf.executing_eagerly() else 1.001
    return factor * super().pool(maps)


class NotCompilable(Fine):
  def pool(self, maps):
    (value,) = tf.py_function(super().pool, [maps], [tf.float32])
    return tf.ensure_shape(value, [None])


class HalfPrecision(Fine):
  def embed(self, image):
    return tf.cast(image, tf.bfloat16)


class StaticSizesOnly(Fine):
  def pool(self, maps):
    height, width = maps[0].shape[1:3]
    return tf.reduce_sum(maps[0], axis=[1, 2, 3]) / (3.0 * height * width)


class ForgetsDtype(Fine):
  def get_config(self):
    return {**super().get_config(), "dtype": "float32"}


class ForgetsOption(Fine):
  def __init__(self, *, factor=1.0, **kwargs):
    super().__init__(**kwargs)
    self.factor = factor

  def pool(self, maps):
    return self.factor * super().pool(maps)


class AcceptsTooSmall(Fine):
  min_size = 8

  def validate(self, height, width):
    pass


class WrongFused(Fine):
  def fused(self, reference, image):
    return 1.001 * self.pool(self.compare(reference, image))


class WrongFusedGradient(Fine):
  def fused(self, reference, image):
    value = self.pool(self.compare(reference, image))
    return 0.5 * value + 0.5 * tf.stop_gradient(value)


class MapElsewhere(Fine):
  def render(self, maps, height, width):
    found = super().render(maps, height, width)
    return tf.roll(found, shift=SHIFT, axis=2)


SHIFT = 30  # of a 32-pixel square: nothing of the change stays where it is


class Saturating(Fine):
  def pool(self, maps):
    return tf.minimum(super().pool(maps), 1e-3)


@pytest.mark.parametrize(
  ("broken", "check"),
  [
    (NotZeroAtIdentity, "zero_at_identity"),
    (Negative, "never_negative"),
    (SecretlyAsymmetric, "symmetry_as_declared"),
    (WronglyCalledAsymmetric, "symmetry_as_declared"),
    (InfiniteSlopeAtIdentity, "finite_value_and_gradient"),
    (BatchDependent, "batch_equals_loop"),
    (OtherInGraphs, "graph_equals_eager"),
    (NotCompilable, "xla_equals_eager"),
    (HalfPrecision, "half_precision_inputs"),
    (StaticSizesOnly, "unknown_sizes"),
    (ForgetsDtype, "config_round_trip"),
    (lambda **kwargs: ForgetsOption(factor=2.0, **kwargs), "config_round_trip"),
    (AcceptsTooSmall, "too_small_is_an_error"),
    (WrongFused, "fused_equals_steps"),
    (WrongFusedGradient, "fused_equals_steps"),
    (MapElsewhere, "map_is_local"),
    (Saturating, "rises_with_noise"),
  ],
)
def test_a_broken_distance_fails_the_check_made_for_it(broken, check):
  with pytest.raises(
    (conformance.ConformanceError, TypeError, ValueError, tf.errors.OpError)
  ):
    conformance.CHECKS[check](broken)


def test_the_distance_that_the_broken_ones_are_made_of_conforms():
  assert str(conformance.run(Fine)) == "passed all 14 checks"


def test_each_check_has_a_distance_that_fails_it():
  cases = test_a_broken_distance_fails_the_check_made_for_it.pytestmark[0].args
  assert {check for _, check in cases[1]} == set(conformance.CHECKS)


def test_reports_say_what_failed():
  report = conformance.run(NotZeroAtIdentity)
  assert not report.passed
  assert "zero_at_identity: [0.01] for two equal ordinary images" in str(report)
