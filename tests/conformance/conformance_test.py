"""Every registered distance passes every check, and every check can fail."""

import os

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, weights
from tfpercept.conformance import suite
from tfpercept.distances import base

# (distance, check): why it need not pass. An entry that passes is stale.
EXCEPTIONS: dict[tuple[str, str], str] = {}


_ANY_SIZE = {"delta_e", "dists", "mae", "mse", "psnr", "robust"}
_WITHOUT_PARAMETERS = {
  "delta_e", "mae", "ms_ssim", "mse", "nlpd", "psnr", "robust", "ssim"
}  # fmt: skip
_IN_BLOCKS = {"watson_dct", "watson_dft"}

# By check, the distances that have nothing to check. A distance that begins to
# say so of another check has lost what the check is about.
NOT_APPLICABLE = {
  "too_small_is_an_error": _ANY_SIZE | _IN_BLOCKS,  # one block is the smallest
  "size_multiple_is_exact": set(distances.names()) - _IN_BLOCKS,
  "parameters_survive_saving": _WITHOUT_PARAMETERS,
  "trains_with_finite_gradients": _WITHOUT_PARAMETERS,
  "fused_equals_steps": {
    "delta_e", "dists", "lpips", "mae", "mse", "pim", "psnr", "watson_vgg"
  },
}  # fmt: skip


# VGG-16 takes minutes to compile and to derive twice. That is tried with LPIPS,
# whose steps are theirs; all else of theirs is checked.
SLOW = {
  (name, check)
  for name in ("dists", "watson_vgg")
  for check in ("xla_equals_eager", "finite_second_derivatives")
}


@pytest.mark.parametrize(
  ("name", "check"),
  [
    (name, check)
    for name in distances.names()
    for check in suite.CHECKS
    if (name, check) not in SLOW
  ],
)
def test_registered_distances_conform(name, check, weights_or_skip):
  factory = distances.DISTANCES.get(name)
  try:
    finding = suite.examine(factory, check)
  except weights.MissingWeights as missing:
    if os.environ.get("TFPERCEPT_REQUIRE_SHARED") == "1":
      raise
    pytest.skip(str(missing))
  is_applicable = name not in NOT_APPLICABLE.get(check, ())
  assert (finding.outcome != suite.NOT_APPLICABLE) == is_applicable, finding
  if not is_applicable:
    pytest.skip(finding.message)
  expected = (name, check) not in EXCEPTIONS
  assert (finding.outcome == suite.PASSED) == expected, finding.message


def test_exceptions_name_what_exists():
  for check, names in NOT_APPLICABLE.items():
    assert check in suite.CHECKS
    assert names < set(distances.names())
  for name, check in [*EXCEPTIONS, *SLOW]:
    assert name in distances.names()
    assert check in suite.CHECKS


def test_sums_of_distances_conform():
  def factory(dtype="float32"):
    return distances.get("0.84*ssim + 0.16*mae", dtype=dtype)

  report = suite.run(factory)
  assert report.passed, report


@pytest.mark.parametrize(
  "spec",
  [
    'ssim(border="mirror")',
    'ms_ssim(scales=2, border="mirror")',
    'ms_ssim(scales=2, border="mirror", per_pixel=True)',
  ],
)
def test_mirrored_borders_conform(spec):
  def factory(dtype="float32"):
    return distances.get(spec, dtype=dtype)

  report = suite.run(factory)
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


class HidesNan(Fine):
  def compare(self, reference, image):
    (square,) = super().compare(reference, image)
    return [tf.where(square > 0, square, tf.zeros_like(square))]


class HidesNanInGraphs(HidesNan):
  def compare(self, reference, image):
    if tf.executing_eagerly():
      return Fine.compare(self, reference, image)
    return super().compare(reference, image)


class InfiniteSlopeAtIdentity(Fine):
  def pool(self, maps):
    return tf.sqrt(super().pool(maps))


class HidesInfinity(Fine):
  def embed(self, image):
    return tf.minimum(image, 2.0)


class ChecksBesideTheGraph(Fine):
  """Of a size too small it computes before, or without, being told so."""

  min_size = 8

  def _checked(self, reference, image):
    if tf.executing_eagerly():
      return super()._checked(reference, image)
    return reference, image

  def embed(self, image):
    return tf.nn.avg_pool2d(image, 8, 1, "VALID")


class NeedsImages(Fine):
  copes_with_no_images = True

  def embed(self, image):
    return image - 0 * image[0]


class InfiniteSecondSlope(Fine):
  def pool(self, maps):
    return tf.pow(super().pool(maps), 5 / 3)


class BatchDependent(Fine):
  def pool(self, maps):
    return super().pool(maps) / (1 + tf.reduce_max(maps[0]))


class OtherInGraphs(Fine):
  def pool(self, maps):
    factor = 1.0 if tf.executing_eagerly() else 1.001
    return factor * super().pool(maps)


class OtherGradientInGraphs(Fine):
  def pool(self, maps):
    value = super().pool(maps)
    if tf.executing_eagerly():
      return value
    return 0.99 * value + 0.01 * tf.stop_gradient(value)


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


class WrongGradient(Fine):
  def pool(self, maps):
    value = super().pool(maps)
    return 0.5 * value + 0.5 * tf.stop_gradient(value)


class Cancelling(Fine):
  def pool(self, maps):
    return (super().pool(maps) + 100.0) - 100.0


class Noisy(Fine):
  def pool(self, maps):
    value = super().pool(maps)
    factor = tf.random.uniform(tf.shape(value), 0.99, 1.0, value.dtype)
    return factor * value


class SeededByInstance(Fine):
  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.factor = np.random.default_rng().uniform(0.5, 1.0)

  def pool(self, maps):
    return self.factor * super().pool(maps)


class NeedsThreeChannels(Fine):
  channels = (1, 3, 4)

  def embed(self, image):
    return tf.image.rgb_to_yuv(image)


class AcceptsAnyChannels(Fine):
  channels = (3,)

  def _of_known_shapes(self, reference, image):
    return tf.convert_to_tensor(reference), tf.convert_to_tensor(image)


class TakesAlpha(Fine):
  def _of_known_shapes(self, reference, image):
    return tf.convert_to_tensor(reference), tf.convert_to_tensor(image)


class OtherInGrey(Fine):
  channels = (1, 3)

  def pool(self, maps):
    return super().pool(maps) / maps[0].shape[-1]


class AcceptsAnySize(Fine):
  size_multiple = 8

  def validate(self, height, width):
    pass


class Weighted(Fine):
  """A distance with a parameter, which conforms; others are made of it."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.gain = self.parameter("gain", np.ones([]))

  def pool(self, maps):
    return tf.convert_to_tensor(self.gain) * super().pool(maps)


class ForgetsParameter(Weighted):
  def load_own_variables(self, store):
    pass


class TrainsWithoutBound(Weighted):
  def training_value(self, reference, image, seed):
    return tf.sqrt(self(reference, image) * tf.convert_to_tensor(self.gain))


class TrainsAtRandom(Weighted):
  def training_value(self, reference, image, seed):
    return self(reference, image) * tf.random.uniform([])


class OtherSpec(Fine):
  is_registered = True
  spec = "mae"


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
    (HidesNan, "nan_stays_nan"),
    (HidesNanInGraphs, "nan_stays_nan"),
    (HidesInfinity, "infinity_stays_visible"),
    (ChecksBesideTheGraph, "every_size_in_words"),
    (NeedsImages, "empty_batch_has_no_values"),
    (InfiniteSecondSlope, "finite_second_derivatives"),
    (BatchDependent, "batch_equals_loop"),
    (OtherInGraphs, "graph_equals_eager"),
    (OtherGradientInGraphs, "graph_equals_eager"),
    (OtherGradientInGraphs, "xla_equals_eager"),
    (NotCompilable, "xla_equals_eager"),
    (HalfPrecision, "half_precision_inputs"),
    (StaticSizesOnly, "unknown_sizes"),
    (ForgetsDtype, "config_round_trip"),
    (lambda **kwargs: ForgetsOption(factor=2.0, **kwargs), "config_round_trip"),
    (OtherSpec, "config_round_trip"),
    (AcceptsTooSmall, "too_small_is_an_error"),
    (AcceptsAnySize, "size_multiple_is_exact"),
    (NeedsThreeChannels, "channels_as_declared"),
    (AcceptsAnyChannels, "channels_as_declared"),
    (TakesAlpha, "channels_as_declared"),
    (OtherInGrey, "channels_as_declared"),
    (WrongGradient, "gradient_agrees_with_differences"),
    (Cancelling, "single_precision_suffices"),
    (Noisy, "deterministic"),
    (SeededByInstance, "deterministic"),
    (ForgetsParameter, "parameters_survive_saving"),
    (TrainsWithoutBound, "trains_with_finite_gradients"),
    (TrainsAtRandom, "trains_with_finite_gradients"),
    (WrongFused, "fused_equals_steps"),
    (WrongFusedGradient, "fused_equals_steps"),
    (MapElsewhere, "map_is_local"),
    (Saturating, "rises_with_noise"),
  ],
)
def test_a_broken_distance_fails_the_check_made_for_it(broken, check):
  finding = suite.examine(broken, check)
  assert finding.outcome == suite.FAILED
  assert finding.message


def test_the_distances_that_the_broken_ones_are_made_of_conform():
  assert str(suite.run(Fine)) == "passed 21 checks, 5 not applicable"
  assert str(suite.run(Weighted)) == "passed 23 checks, 3 not applicable"


def test_each_check_has_a_distance_that_fails_it():
  cases = test_a_broken_distance_fails_the_check_made_for_it.pytestmark[0].args
  assert {check for _, check in cases[1]} == set(suite.CHECKS)


def test_reports_say_what_failed():
  report = suite.run(NotZeroAtIdentity)
  assert not report.passed
  assert "zero_at_identity: [0.01] for two equal ordinary images" in str(report)
