"""Distances as Keras metrics, which report scores."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, losses, metrics
from tfpercept.distances import base

KERAS_2 = keras.__version__.startswith("2.")


def network():
  return keras.Sequential(
    [keras.layers.Input((None, None, 3)), keras.layers.Conv2D(3, 1)]
  )


@pytest.fixture
def images():
  random = np.random.default_rng(0)
  return random.random((2, 4, 32, 32, 3)).astype(np.float32)


def test_the_result_is_the_mean_score_over_batches(images):
  y, x = images
  metric = metrics.get("ssim")
  metric.update_state(y[:1], x[:1])
  metric.update_state(y[1:], x[1:])
  expected = np.mean(distances.get("ssim").score(y, x))
  # Scores of noise are near 0, so rounding is judged absolutely.
  np.testing.assert_allclose(metric.result(), expected, atol=1e-6)
  metric.reset_state()
  assert float(metric.result()) == 0.0


def test_psnr_averages_finite_images_and_counts_infinite_ones(images):
  y, x = images
  x = np.concatenate([y[:1], x[1:]])
  metric = metrics.get("psnr")
  metric.update_state(y, x)
  rounded = [np.floor(i * 255 + 0.5) / 255 for i in (y[1:], x[1:])]
  mse = np.mean((rounded[0] - rounded[1]) ** 2, axis=(1, 2, 3))
  # float32 sums against NumPy's pairwise ones.
  expected = np.mean(-10 * np.log10(mse))
  np.testing.assert_allclose(metric.result(), expected, rtol=1e-5)
  assert float(metric.infinite) == 1.0


def test_only_identical_images_have_infinite_psnr(images):
  metric = metrics.get("psnr")
  metric.update_state(images[0], images[0])
  assert np.isposinf(metric.result())


def test_sample_weights_weight_images(images):
  y, x = images
  metric = metrics.get("mae")
  metric.update_state(y, x, sample_weight=[0.0, 1.0, 0.0, 3.0])
  value = distances.get("mae")(y, x).numpy()
  np.testing.assert_allclose(
    metric.result(), (value[1] + 3 * value[3]) / 4, rtol=1e-6
  )


def test_compiled_metrics_are_named_by_their_spec_and_survive_saving(
  images, tmp_path
):
  y, x = images
  model = network()
  model.compile(
    optimizer="sgd",
    loss=losses.get("mse"),
    metrics=[metrics.get("psnr"), metrics.get("ssim(window=7)")],
  )
  before = model.evaluate(x, y, verbose=0, return_dict=True)
  assert {"psnr", "ssim(window=7)"} <= set(before)
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  after = loaded.evaluate(x, y, verbose=0, return_dict=True)
  assert after == pytest.approx(before, rel=1e-6)


def test_an_image_of_weight_zero_does_not_count(images):
  y, x = images
  expected = float(distances.get("ssim").score(y[1:2], x[1:2])[0])
  x[0] = np.nan
  metric = metrics.get("ssim")
  metric.update_state(y[:2], x[:2], sample_weight=[0.0, 1.0])
  np.testing.assert_allclose(metric.result(), expected, atol=1e-6)


def test_a_metric_in_float64_keeps_its_digits_and_its_config(images):
  distance = distances.get("mae", dtype="float64")
  metric = metrics.DistanceMetric(distance, dtype="float64")
  metric.update_state(*images.astype(np.float64))
  expected = np.abs(images[0].astype(np.float64) - images[1]).mean()
  np.testing.assert_allclose(metric.result(), expected, rtol=1e-12)
  assert metric.get_config()["dtype"] == "float64"
  assert metrics.DistanceMetric.from_config(metric.get_config()).dtype == (
    "float64"
  )


@keras.saving.register_keras_serializable(package="tests")
class Brightness(base.Distance):
  """A distance of the user's own, without a name in specs."""

  def embed(self, image):
    return tf.reduce_mean(image, axis=[1, 2], keepdims=True)

  def compare(self, reference, image):
    return [tf.abs(reference - image)]

  def pool(self, maps):
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])


def test_a_metric_of_an_unregistered_distance_is_restored(images):
  metric = metrics.get(Brightness())
  restored = metrics.DistanceMetric.from_config(metric.get_config())
  for each in (metric, restored):
    each.update_state(*images)
  np.testing.assert_array_equal(metric.result(), restored.result())


@pytest.mark.parametrize(
  ("spec", "direction"),
  [
    ("ssim", "max"),
    ("psnr", "max"),
    ("ms_ssim", "max"),
    ("mae", "min"),
    ("lpips", "min"),
    ("0.5*ssim + 0.5*mae", "min"),
  ],
)
def test_a_metric_states_its_direction(spec, direction):
  metric = metrics.get(spec)
  assert (metric.direction, metrics.mode(spec)) == (direction, direction)
  assert metrics.DistanceMetric.from_config(metric.get_config()).direction == (
    direction
  )


def watched(images, spec, callbacks, name=None):
  """Trains under callbacks that monitor a metric; what was warned of."""
  y, x = images
  model = network()
  model.compile(
    optimizer="sgd", loss="mse", metrics=[metrics.get(spec, name=name)]
  )
  with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(
      x, y, epochs=2, validation_data=(x, y), callbacks=callbacks, verbose=0
    )
  return [str(w.message) for w in caught if "for better" in str(w.message)]


def watchers(tmp_path, monitor, **mode):
  return [
    keras.callbacks.EarlyStopping(monitor=monitor, **mode),
    keras.callbacks.ReduceLROnPlateau(monitor=monitor, **mode),
    keras.callbacks.ModelCheckpoint(
      str(tmp_path / "best.weights.h5"),
      monitor=monitor,
      save_best_only=True,
      save_weights_only=True,
      **mode,
    ),
  ]


@pytest.mark.parametrize("spec", ["ssim(window=7)", "mae"])
def test_callbacks_of_keras_3_go_the_right_way_and_of_2_when_told(
  images, tmp_path, spec
):
  mode = {"mode": metrics.mode(spec)} if KERAS_2 else {}
  callbacks = watchers(tmp_path, f"val_{spec}", **mode)
  assert not watched(images, spec, callbacks)
  less, wanted = callbacks[0].monitor_op(0.0, 1.0), metrics.mode(spec)
  assert bool(less) == (wanted == "min")


@pytest.mark.skipif(not KERAS_2, reason="Keras 3 asks the metric")
def test_what_keras_2_takes_the_wrong_way_is_warned_of(images, tmp_path):
  callbacks = watchers(tmp_path, "val_ssim")
  found = set(watched(images, "ssim", callbacks))
  assert len(found) == 3
  assert all("Give it mode='max'" in message for message in found)
  assert not watched(images, "mae", watchers(tmp_path, "val_mae"))
  assert not watched(images, "ssim", watchers(tmp_path, "val_loss"))


def test_names_are_told_and_reprs_say_the_spec():
  assert metrics.names() == losses.names() == distances.names()
  spec = "0.84*ms_ssim(scales=3) + 0.16*mae"
  assert repr(metrics.get(spec)) == f"metrics.get({spec!r})"
  assert repr(losses.get(spec)) == f"losses.get({spec!r})"
  assert repr(distances.get(spec)) == f"distances.get({spec!r})"


def test_weights_of_single_pixels_are_refused_in_words(images):
  weight = np.ones((4, 32, 32), np.float32)
  with pytest.raises(ValueError, match="sample_weight has the shape"):
    metrics.get("psnr").update_state(*images, sample_weight=weight)


def test_weights_of_another_number_than_images_are_refused(images):
  with pytest.raises(ValueError, match="got 3 for 4 images"):
    metrics.get("mse").update_state(*images, sample_weight=np.ones(3))


def test_get_takes_the_dtype_of_the_sums():
  assert metrics.get("mae", dtype="float64").dtype == "float64"
