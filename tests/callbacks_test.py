"""Ranges of images: told, checked in words wherever a model is trained."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import callbacks, distances, losses, metrics
from tfpercept.ops import ranges

RANGES = {(-1, 1): (-1.0, 1.0), 255: (0.0, 255.0), (-3, 5.5): (-3.0, 5.5)}


def images(size=24):
  random = np.random.default_rng(0)
  return random.random((2, 4, size, size, 3)).astype(np.float32)


def moved(image, value_range):
  low, high = RANGES[value_range]
  return image * np.float32(high - low) + np.float32(low)


def network(**kwargs):
  keras.utils.set_random_seed(1)
  model = keras.Sequential(
    [keras.layers.Input((24, 24, 3)), keras.layers.Conv2D(3, 1)]
  )
  model.compile(optimizer="sgd", **kwargs)
  return model


def gradient(distance, y, x):
  y, x = tf.constant(y), tf.constant(x)
  with tf.GradientTape() as tape:
    tape.watch(x)
    value = distance(y, x)
  return tape.gradient(value, x)


@pytest.mark.parametrize("value_range", RANGES)
@pytest.mark.parametrize(
  "spec", ["mse", "psnr", "ssim", "mae + 0.5*watson_dft"]
)
def test_images_of_a_range_are_mapped_once(spec, value_range):
  y, x = images()
  plain = distances.get(spec)
  ranged = distances.get(spec, value_range=value_range)
  pair = moved(y, value_range), moved(x, value_range)
  # Rounding of values in another range is all that differs.
  for name in ("__call__", "map", "score"):
    np.testing.assert_allclose(
      getattr(ranged, name)(*pair),
      getattr(plain, name)(y, x),
      rtol=2e-5,
      atol=1e-6,
    )
  low, high = RANGES[value_range]
  slope = gradient(plain, y, x)
  np.testing.assert_allclose(
    gradient(ranged, *pair) * (high - low), slope,
    rtol=1e-3, atol=1e-5 * np.abs(slope).max(),
  )  # fmt: skip
  seed = tf.constant([0, 1])
  np.testing.assert_allclose(
    ranged.training_value(*pair, seed), plain.training_value(y, x, seed),
    rtol=2e-5,
  )  # fmt: skip


def test_terms_of_a_sum_see_the_mapped_images():
  y, x = images()
  ranged = distances.get("mse + 2.0*mae", data_range=255)
  values = ranged.values(y * 255, x * 255)
  for name, value in values.items():
    np.testing.assert_allclose(value, distances.get(name)(y, x), rtol=1e-5)
  np.testing.assert_allclose(
    ranged.combine(values), ranged(y * 255, x * 255), rtol=1e-6
  )


def test_whole_numbers_are_taken_where_their_range_is_told():
  y, x = (np.round(i * 255) for i in images())
  expected = distances.get("ssim")(y / 255, x / 255)
  pair = y.astype(np.uint8), x.astype(np.uint8)
  for get in (distances.get, losses.get):
    found = get("ssim", data_range=255)(*pair)
    np.testing.assert_allclose(np.mean(found), np.mean(expected), rtol=1e-5)
  metric = metrics.get("psnr", data_range=255)
  metric.update_state(*pair)
  other = metrics.get("psnr")
  other.update_state(y / 255, x / 255)
  np.testing.assert_allclose(metric.result(), other.result(), rtol=1e-5)
  with pytest.raises(
    ValueError, match="say what range they have with value_ra"
  ):
    distances.get("ssim")(*pair)


@pytest.mark.parametrize("get", [distances.get, losses.get, metrics.get])
def test_a_range_is_kept_in_configs(get):
  made = get("ssim(window=7)", value_range=(-1, 1))
  again = type(made).from_config(made.get_config())
  distance = getattr(again, "distance", again)
  assert distance.value_range == (-1.0, 1.0)
  assert repr(again).endswith("'ssim(window=7)', value_range=(-1.0, 1.0))")
  assert get("mse", value_range=(0, 1)).get_config().get("value_range") is None


def test_a_range_is_kept_in_a_saved_model(tmp_path):
  y, x = (moved(i, (-1, 1)) for i in images())
  model = network(
    loss=losses.get("ssim", value_range=(-1, 1)),
    metrics=[metrics.get("psnr", value_range=(-1, 1))],
  )
  before = model.evaluate(x, y, verbose=0)
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.distance.value_range == (-1.0, 1.0)
  np.testing.assert_allclose(
    loaded.evaluate(x, y, verbose=0), before, rtol=1e-5
  )


@pytest.mark.parametrize(
  "value_range", [(1, 0), (0, 0), 0, -1, "01", (0, 1, 2), (0, np.inf), True]
)
def test_a_range_is_two_numbers(value_range):
  with pytest.raises(ValueError, match="value_range is two finite numbers"):
    losses.get("mse", value_range=value_range)


def test_a_range_can_be_told_once_only():
  with pytest.raises(ValueError, match="give one of the two"):
    losses.get("mse", value_range=(0, 255), data_range=255)
  with pytest.raises(ValueError, match="data_range is one number"):
    losses.get("mse", data_range=(0, 255))
  made = distances.get("mse", data_range=255)
  assert losses.get(made, data_range=255).distance is made
  with pytest.raises(ValueError, match="which cannot become"):
    losses.get(made, value_range=(0, 1))


@pytest.mark.parametrize(
  ("value_range", "seen", "remedy"),
  [
    (None, (0, 255), "Divide 8-bit images by 255, or say what range they have "
     "with value_range=(0, 255); look for NaN."),
    (None, (-1, 1), "Say what range they have with value_range=(-1, 1); look"),
    ((-1.0, 1.0), (0, 250), "value_range=(0, 255)"),
    (None, (3, 60000), "value_range=(0, 65535)"),
    (None, (-900, 900), "value_range=(LOWEST, HIGHEST)"),
    ((0.0, 255.0), (np.nan, np.nan), "NaN"),
  ],
)  # fmt: skip
def test_a_refusal_names_the_range_that_fits(value_range, seen, remedy):
  with pytest.raises(ValueError, match=re.escape(remedy)) as caught:
    ranges.refuse(*seen, "reference", "ssim", value_range)
  low, high = value_range or (0, 1)
  wanted = (
    f"ssim needs images in [{low:g}, {high:g}]; got reference with values"
  )
  assert str(caught.value).startswith(wanted)
  width = high - low
  ranges.refuse(
    low - 0.09 * width, high + 0.09 * width, "image", "ssim", value_range
  )


@pytest.mark.parametrize("part", ["loss", "metrics"])
def test_fit_is_told_of_references_in_another_range(part):
  y, x = images()
  held = losses.get("mse") if part == "loss" else [metrics.get("psnr")]
  # With XLA and without, which Keras 3 and 2 do by themselves.
  model = network(**{"loss": "mse", part: held}, jit_compile=part == "loss")
  model.fit(x, y, verbose=0)  # traced without the check
  check = callbacks.CheckRange()
  # Predictions are free.
  model.fit(x * 10, y, verbose=0, callbacks=[check])
  with pytest.raises(ValueError, match="value_range=") as caught:
    model.fit(x, y * 255, verbose=0, callbacks=[check])
  assert "references (y_true)" in str(caught.value)
  assert len(str(caught.value)) < 300


@pytest.mark.parametrize("part", ["loss", "metrics"])
def test_a_distance_that_is_compiled_by_its_name_is_looked_at(part):
  y, x = images()
  named = "tfpercept>mae"
  if not keras.__version__.startswith("2."):  # which Keras 3 does not resolve
    named = keras.saving.get_registered_object(named)
  held = named if part == "loss" else [named]
  model = network(**{"loss": "mse", part: held})
  check = callbacks.CheckRange()
  model.fit(x, y, verbose=0, callbacks=[check])
  with pytest.raises(ValueError, match="mae needs images in"):
    model.fit(x, y * 255, verbose=0, callbacks=[check])


def test_each_model_that_shares_a_loss_is_looked_at():
  y, x = images()
  loss = losses.get("mae")
  first, second = network(loss=loss), network(loss=loss)
  first.fit(x, y, verbose=0)  # traced without the check
  second.fit(x, y, verbose=0, callbacks=[callbacks.CheckRange()])
  with pytest.raises(ValueError, match="mae needs images in"):
    first.fit(x, y * 255, verbose=0, callbacks=[callbacks.CheckRange()])


def test_the_first_batches_of_each_epoch_are_looked_at():
  y, x = images()
  model = network(loss=losses.get("mse"))
  bad = y.copy()
  bad[2:] *= 255  # the second batch
  fit = {"batch_size": 2, "shuffle": False, "verbose": 0}
  model.fit(x, bad, callbacks=[callbacks.CheckRange(batches=1)], **fit)
  with pytest.raises(ValueError, match="values from 0"):
    model.fit(x, bad, callbacks=[callbacks.CheckRange()], **fit)


class Spoils(keras.callbacks.Callback):
  """Puts the references into another range after the first epoch."""

  def __init__(self, references):
    super().__init__()
    self._references = references

  def on_epoch_end(self, epoch, logs=None):
    self._references *= 255


def test_every_epoch_is_looked_at():
  y, x = images()
  data = tf.data.Dataset.from_generator(
    lambda: iter([(x, y)]),
    output_signature=(tf.TensorSpec(x.shape), tf.TensorSpec(y.shape)),
  ).apply(tf.data.experimental.assert_cardinality(1))
  model = network(loss=losses.get("mse"))
  with pytest.raises(ValueError, match="values from 0"):
    model.fit(
      data,
      epochs=3,
      shuffle=False,
      verbose=0,
      callbacks=[callbacks.CheckRange(), Spoils(y)],
    )
  assert y.max() < 256  # in the second epoch


def test_distances_anywhere_in_a_model_are_found():
  y, x = images()
  a, b = keras.Input((24, 24, 3)), keras.Input((24, 24, 3))
  inner = keras.Model(
    [a, b], distances.get("ssim")(a, keras.layers.Conv2D(3, 1)(b))
  )
  inner.compile(optimizer="sgd", loss="mse")
  inner.fit([y, x], np.zeros(4), verbose=0, callbacks=[callbacks.CheckRange()])
  with pytest.raises(ValueError, match="ssim needs images in"):
    inner.fit(
      [y * 255, x], np.zeros(4), verbose=0, callbacks=[callbacks.CheckRange()]
    )
  with pytest.raises(ValueError, match="the model has none"):
    network(loss="mse").fit(x, y, verbose=0, callbacks=[callbacks.CheckRange()])
  with pytest.raises(ValueError, match="at least 1"):
    callbacks.CheckRange(batches=0)


def test_each_call_is_checked_where_that_was_asked_for():
  y, x = images()
  distance = distances.get("ssim", check_range=True)
  traced = tf.function(distance)
  compiled = tf.function(distance, jit_compile=True)
  for call in (distance, traced, compiled, tf.function(distance.map)):
    assert np.isfinite(call(y, x)).all()
  with pytest.raises(ValueError, match=r"value_range=\(0, 255\)"):
    distance(y, x * 255)
  with pytest.raises(ValueError, match=r"value_range=\(0, 255\)"):
    distance.score(y * 255, x)
  with pytest.raises(tf.errors.InvalidArgumentError, match="needs images in"):
    traced(y, x * 255)
  bad = np.copy(x)
  bad[1] *= -1
  # XLA leaves assertions out.
  np.testing.assert_array_equal(
    np.isnan(compiled(y, bad)), [False, True, False, False]
  )


def test_fit_says_or_marks_what_a_loss_that_checks_gets():
  y, x = images()
  model = network(loss=losses.get("mse", check_range=True), jit_compile=False)
  with pytest.raises(tf.errors.InvalidArgumentError, match="got reference"):
    model.fit(x, y * 255, verbose=0)
  model = network(loss=losses.get("mse", check_range=True), jit_compile=True)
  assert np.isnan(model.fit(x, y * 255, verbose=0).history["loss"][0])
  checks = losses.DistanceLoss.from_config(model.loss.get_config())
  assert checks.distance.check_range
