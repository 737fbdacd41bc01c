"""Distances as Keras losses: reductions, precision, saving, names."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, losses, metrics
from tfpercept.distances import base

KERAS_2 = keras.__version__.startswith("2.")


@keras.saving.register_keras_serializable(package="tests")
class Weighted(base.Distance):
  """Squared error with a weight for each of three channels."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.gain = self.add_weight(name="gain", shape=(3,), initializer="ones")

  def embed(self, image):
    return image

  def compare(self, reference, image):
    return [tf.math.squared_difference(reference, image) * self.gain]

  def pool(self, maps):
    return tf.reduce_mean(maps[0], axis=[1, 2, 3])


def images(seed=0, n=4, size=24, dtype=np.float32):
  random = np.random.default_rng(seed)
  return random.random((2, n, size, size, 3)).astype(dtype)


def side(distance):
  """A side that the distance takes, 48 where it does."""
  multiple = distance.size_multiple
  return -(-max(48, distance.min_size) // multiple) * multiple


def network():
  return keras.Sequential(
    [
      keras.layers.Input((None, None, 3)),
      keras.layers.Conv2D(3, 3, padding="same"),
    ]
  )


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
def test_reductions_and_sample_weights_follow_keras(reduction):
  y, x = images()
  weight = np.array([1.0, 0.0, 2.0, 0.5], np.float32)
  values = distances.get("ssim")(y, x).numpy() * weight
  loss = losses.get("ssim", reduction=reduction)(y, x, sample_weight=weight)
  expected = {
    "sum_over_batch_size": values.mean(),
    "sum": values.sum(),
    "none": values,
  }[reduction]
  np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_half_precision_is_cast_up_and_float64_is_kept():
  y, x = images()
  half = losses.get("mse")(tf.cast(y, tf.bfloat16), tf.cast(x, tf.bfloat16))
  assert half.dtype == tf.float32
  double = losses.get("mse", dtype="float64", reduction="none")
  y, x = images(dtype=np.float64)
  expected = np.mean((y - x) ** 2, axis=(1, 2, 3))
  # Summation order is all that differs in float64.
  np.testing.assert_allclose(double(y, x), expected, rtol=1e-14)


def test_integers_are_refused_before_keras_casts_them():
  y, x = images()
  with pytest.raises(ValueError, match="dtype uint8"):
    losses.get("mse")((y * 255).astype(np.uint8), x)


def test_a_distance_that_is_being_trained_is_no_loss():
  distance = distances.get("watson_dft")
  distance.trainable = True
  with pytest.raises(ValueError, match="needs a frozen distance; got watson"):
    losses.get(distance)
  assert distance.trainable


def test_a_saved_model_loads_without_custom_objects(tmp_path):
  y, x = images()
  model = network()
  spec = "0.84*ms_ssim(scales=1) + 0.16*mae"
  model.compile(optimizer="sgd", loss=losses.get(spec))
  model.fit(x, y, verbose=0)
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.distance.spec == spec
  np.testing.assert_allclose(
    loaded.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-6
  )


@pytest.fixture(params=[False, True], ids=["unregistered", "registered"])
def weighted(request, monkeypatch):
  """A distance with weights, known by name to the registry or not."""
  if request.param:
    monkeypatch.setitem(base.DISTANCES._factories, "weighted", Weighted)
    monkeypatch.setattr(Weighted, "registered_name", "weighted")
    return distances.get("weighted")
  return Weighted()


def test_weights_inside_a_loss_are_saved_but_not_trained(tmp_path, weighted):
  y, x = images()
  model = network()
  loss = losses.get(weighted)
  loss.distance.gain.assign([0.5, 2.0, 3.0])
  model.compile(optimizer="sgd", loss=loss)
  model.fit(x, y, verbose=0)
  np.testing.assert_array_equal(loss.distance.gain, [0.5, 2.0, 3.0])
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  np.testing.assert_array_equal(loaded.loss.distance.gain, [0.5, 2.0, 3.0])


@pytest.mark.parametrize("name", distances.names())
def test_one_step_of_fit_lowers_the_loss_of_each_distance(
  name, weights_or_skip
):
  spec = "ms_ssim(scales=2)" if name == "ms_ssim" else name
  with weights_or_skip():
    loss = losses.get(spec)
  y, _ = images(n=2, size=side(loss.distance))
  keras.utils.set_random_seed(1)
  model = network()
  model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
  # The loss of an epoch is that before its one step.
  found = model.fit(y, y, epochs=4, verbose=0).history["loss"]
  assert found[-1] < found[0]


@pytest.mark.parametrize("name", distances.names())
def test_parameters_of_each_distance_are_frozen_and_saved_with_a_model(
  name, weights_or_skip, tmp_path
):
  spec = "robust(adaptive=True, size=(48, 48, 3))" if name == "robust" else name
  with weights_or_skip():
    loss = losses.get(spec)
  distance = loss.distance
  if not distance.weights:
    pytest.skip(f"{name} has no parameters")
  distance.trainable = True
  for number, weight in enumerate(distance.trainable_weights):
    weight.assign(np.asarray(weight) * 1.25 + 0.01 * (number + 1))
  distance.trainable = False
  changed = [np.array(weight) for weight in distance.weights]
  y, x = images(n=1, size=side(distance))
  model = network()
  model.compile(optimizer="sgd", loss=loss)
  model.fit(x, y, verbose=0)
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  for found in (distance.weights, loaded.loss.distance.weights):
    for weight, expected in zip(found, changed, strict=True):
      np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("spec", ["mse", "ssim", "0.5*ms_ssim(scales=2) + mae"])
def test_training_compiles_under_xla_and_mixed_precision(spec):
  y, x = images(size=48)
  keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    model = network()
    model.compile(optimizer="sgd", loss=losses.get(spec), jit_compile=True)
    history = model.fit(x, y, verbose=0).history
  finally:
    keras.mixed_precision.set_global_policy("float32")
  assert np.isfinite(history["loss"]).all()


@pytest.mark.skipif(not KERAS_2, reason="Keras 3 resolves no such names")
@pytest.mark.parametrize("name", ["mse", "ssim", "psnr", "watson_dft"])
def test_keras_2_resolves_names_of_registered_functions(tmp_path, name):
  y, x = images(n=1, size=side(distances.get(name)))
  model = network()
  model.compile(optimizer="sgd", loss=f"tfpercept>{name}")
  model.fit(x, y, verbose=0)
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  expected = distances.get(name)(y, model(x)).numpy().mean()
  # Keras averages in float32 in another order.
  np.testing.assert_allclose(
    loaded.evaluate(x, y, verbose=0), expected, rtol=1e-5
  )


@keras.saving.register_keras_serializable(package="tests")
class AddsLoss(keras.layers.Layer):
  """A layer that adds a distance to its input as a loss."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.distance = distances.get("mse")

  def call(self, x):
    self.add_loss(tf.reduce_mean(self.distance(x, x * 0.5)))
    return x


def test_a_distance_inside_a_functional_model_saves_and_loads(tmp_path):
  a = keras.Input((None, None, 3))
  b = keras.Input((None, None, 3))
  value = distances.get("ssim(window=7)")(a, AddsLoss()(b))
  model = keras.Model([a, b], value)
  y, x = images()
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  np.testing.assert_allclose(loaded([y, x]), model([y, x]), rtol=1e-6)
  assert len(loaded.losses) == 1


def test_unknown_sizes_are_checked_when_the_graph_runs():
  distance = distances.get("mse")
  spec = tf.TensorSpec([None, None, None, None], tf.float32)

  @tf.function(input_signature=[spec, spec])
  def value(reference, image):
    return distance(reference, image)

  y, x = images()
  np.testing.assert_allclose(value(y, x), distance(y, x), rtol=1e-6)
  with pytest.raises(tf.errors.InvalidArgumentError, match="one shape"):
    value(y, x[:, :5])


class Masked(keras.layers.Layer):
  """Says which pixels count, as layers of sequences do of their steps."""

  def __init__(self):
    super().__init__()
    self.supports_masking = True

  def compute_mask(self, x, previous_mask=None):
    del previous_mask
    return x[..., 0] > 0.5

  def call(self, x):
    return x


@pytest.mark.parametrize("shape", [(4, 24, 24), (4, 24, 24, 1), (4, 24)])
def test_weights_of_single_pixels_are_refused_in_words(shape):
  y, x = images()
  weight = np.ones(shape, np.float32)
  with pytest.raises(ValueError, match="sample_weight has the shape"):
    losses.get("mse")(y, x, sample_weight=weight)
  model = network()
  model.compile(optimizer="sgd", loss=losses.get("mse"))
  with pytest.raises(ValueError, match="sample_weight has the shape"):
    model.fit(x, y, sample_weight=weight, verbose=0)


def test_weights_of_another_number_than_images_are_refused():
  y, x = images()
  with pytest.raises(ValueError, match="got 3 for 4 images"):
    losses.get("mse")(y, x, sample_weight=np.ones(3, np.float32))


def test_weights_whose_second_axis_is_unknown_are_taken_and_told_in_the_run():
  y, x = images()
  spec = tf.TensorSpec([None, None, None, 3])
  unknown = tf.function(
    losses.get("mse"), input_signature=[spec, spec, tf.TensorSpec([None, None])]
  )
  weight = np.float32([[1], [0], [0], [3]])
  np.testing.assert_allclose(
    unknown(y, x, weight), losses.get("mse")(y, x, weight[:, 0]), rtol=1e-6
  )
  with pytest.raises(tf.errors.InvalidArgumentError):
    unknown(y, x, np.ones((4, 24), np.float32))


def test_masks_of_pixels_are_refused_in_words():
  y, x = images()
  model = keras.Sequential([keras.layers.Conv2D(3, 1), Masked()])
  model.compile(optimizer="sgd", loss=losses.get("mse"), jit_compile=False)
  with pytest.raises(ValueError, match="Masks and class_weight have no mean"):
    model.fit(x, y, verbose=0)


@pytest.mark.parametrize("shape", [(), (4,), (4, 1), (4, 1, 1)])
def test_weights_of_images_are_taken_in_any_shape_and_unknown_rank(shape):
  y, x = images()
  weight = np.random.default_rng(1).random(shape).astype(np.float32)
  each = losses.get("mse", reduction="none")
  expected = distances.get("mse")(y, x) * np.reshape(weight, [-1])
  np.testing.assert_allclose(each(y, x, weight), expected, rtol=1e-6)
  unknown = tf.function(
    each,
    input_signature=[
      *[tf.TensorSpec([None, None, None, 3])] * 2,
      tf.TensorSpec(None),
    ],
  )
  np.testing.assert_allclose(unknown(y, x, weight), expected, rtol=1e-6)
  model = network()
  model.compile(optimizer="sgd", loss=losses.get("mse"))
  if weight.ndim:
    model.fit(x, y, sample_weight=weight, verbose=0)


@pytest.mark.parametrize("eager", [False, True])
def test_what_is_raised_is_the_sentence_alone(eager):
  y, x = images(size=8)
  sentence = "ssim needs images of at least 11x11; got 8x8. Use larger images"
  calls = [distances.get("ssim"), losses.get("ssim"), distances.get("ssim").map]
  for call in calls:
    with pytest.raises(ValueError, match="ssim needs") as caught:
      call(y, x)
    assert str(caught.value).startswith(sentence)
    assert "array(" not in str(caught.value)
  model = network()
  model.compile(optimizer="sgd", loss=losses.get("ssim"), run_eagerly=eager)
  with pytest.raises(ValueError, match=sentence) as caught:
    model.fit(x, y, verbose=0)
  assert "rguments received" not in str(caught.value)


@pytest.mark.parametrize(
  ("spec", "name"),
  [
    ("ssim", "ssim"),
    ("0.84*ms_ssim(scales=1) + 0.16*mae", "0.84_ms_ssim_scales_1_0.16_mae"),
  ],
)
def test_a_loss_goes_by_its_spec(spec, name):
  y, x = images()
  model = network()
  model.compile(optimizer="sgd", loss="mse", metrics=[losses.get(spec)])
  assert losses.get(spec).name == name
  assert name in model.fit(x, y, verbose=0).history
  assert losses.get(spec, name="mine").name == "mine"


def test_losses_of_several_outputs_are_logged_by_output():
  y, x = images()
  a = keras.Input((24, 24, 3))
  model = keras.Model(
    a,
    [keras.layers.Conv2D(3, 1, name=n)(a) for n in ("first", "second")],
  )
  model.compile(
    optimizer="sgd",
    loss=[losses.get("mse"), losses.get("0.5*ssim + mae")],
    metrics=[[metrics.get("psnr")], [metrics.get("ssim(window=7)")]],
  )
  found = model.fit(x, [y, y], verbose=0).history
  assert {"first_loss", "second_loss", "first_psnr"} <= set(found)
