"""LPIPS: the authors' numbers, its weights and where they come from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances, losses, weights
from tfpercept.distances import features
from tfpercept.distances import lpips as lpips_module
from tfpercept.evaluation.core import tiled
from tfpercept.models.perceptual import backbones

GOLDEN = {case.name: case for case in cases.read("lpips")}
STORED = np.load(cases.FOLDER / "lpips.npz")
# How many numbers there are to meet.
assert len(GOLDEN) == 5


def linear_arrays(net):
  """The authors' linear layers of version 0.1."""
  taps = range(len(lpips_module.NETS[net].backbone.channels))
  return {
    f"lin{i}.model.1.weight": STORED[f"lin_{net}/w_{i}"].reshape(1, -1, 1, 1)
    for i in taps
  }


def kernels_of_zeros(net):
  return {
    f"{name}.{part}": np.zeros(shape, np.float32)
    for name, (k, _, n, m) in lpips_module.NETS[net].backbone.shapes.items()
    for part, shape in (("weight", (m, n, k, k)), ("bias", (m,)))
  }


def random_squeezenet(seed):
  """The kernels that the golden case was made with; see tests/golden."""
  random = np.random.default_rng(seed)
  arrays = {}
  for name, shape in backbones.SQUEEZENET.shapes.items():
    kernel = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:3]))
    bias = random.standard_normal(shape[-1]) * 0.1
    arrays[f"{name}.weight"] = np.float32(kernel.transpose(3, 2, 0, 1))
    arrays[f"{name}.bias"] = np.float32(bias)
  return arrays


def pair(side=48, n=2, channels=3):
  random = np.random.default_rng(0)
  reference = random.random((n, side, side, channels), np.float32)
  noise = random.normal(scale=0.1, size=reference.shape)
  return reference, np.float32(np.clip(reference + noise, 0, 1))


def assert_agrees(distance, name, *, value, gradient):
  """Gradients are with respect to images in [-1, 1], as the goldens have it."""
  case = GOLDEN[name]
  image = tf.constant(2 * case.image - 1, distance.compute_dtype)
  with tf.GradientTape() as tape:
    if "grad_pred" in case.arrays:
      tape.watch(image)
    found = distance(case.reference, (image + 1) / 2)
  np.testing.assert_allclose(
    found, case.arrays["value"], rtol=value, atol=1e-12
  )
  if "grad_pred" in case.arrays:
    wanted = case.arrays["grad_pred"]
    gap = np.linalg.norm(tape.gradient(found, image) - wanted)
    assert gap < gradient * np.linalg.norm(wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["alex/p64", "alex/big128"])
def test_alexnet_as_shipped_agrees_with_the_authors_program(name, dtype):
  # The README of the goldens allows 1e-4; the kernels, of 12 to 16 bits, take
  # half of it. Where one tips a ReLU, the gradient jumps.
  distance = distances.get("lpips", dtype=dtype)
  assert_agrees(distance, name, value=1e-4, gradient=1e-3)


def test_the_example_of_the_authors_has_the_numbers_they_print():
  case = GOLDEN["alex/p64"]
  value = distances.get("lpips")(case.reference, case.image)
  assert [f"{v:.3f}" for v in value] == ["0.722", "0.138"]


def test_whole_pictures_have_the_published_values(shared):
  folder = shared / "data" / "iqa" / "tid2013_calibration"
  rows = (folder / "results_official.csv").read_text().splitlines()
  rows = {name: values for name, *values in (row.split(",") for row in rows)}
  distance = distances.get("lpips")
  for name, published in zip(rows["Method"], rows["lpips"], strict=True):
    name = name.replace(".bmp", ".png")
    reference, image = (
      tf.io.decode_png(tf.io.read_file(str(folder / kind / name)))[None] / 255
      for kind in ("ref", "dist")
    )
    # To the four digits that are published.
    found = float(distance(reference, image)[0])
    assert f"{found:.4g}" == f"{float(published):.4g}"


# In float64 the reference's own shift and scale are in float32.
@pytest.mark.parametrize(
  ("dtype", "value", "gradient"),
  [("float32", 5e-6, 1e-5), ("float64", 1e-7, 1e-6)],
)
@pytest.mark.parametrize("name", ["alex/p64", "alex/big128"])
def test_alexnet_in_full_agrees_with_the_authors_program(
  name, dtype, value, gradient, shared
):
  path = shared / "data" / "weights" / "lpips_backbones" / "alex.npz"
  distance = distances.get(f"lpips(weights={str(path)!r})", dtype=dtype)
  assert_agrees(distance, name, value=value, gradient=gradient)


@pytest.mark.parametrize(
  ("name", "dtype", "value", "gradient"),
  [
    ("vgg/p64", "float32", 5e-6, 1e-5),
    ("vgg/p64", "float64", 1e-7, 1e-6),
    ("vgg/big128", "float32", 5e-6, None),  # no gradient is stored
  ],
)
def test_vgg_agrees_with_the_authors_program(
  name, dtype, value, gradient, weights_or_skip
):
  with weights_or_skip():
    distance = distances.get('lpips(net="vgg")', dtype=dtype)
  assert_agrees(distance, name, value=value, gradient=gradient)


@pytest.mark.parametrize(
  ("dtype", "value", "gradient"),
  [("float32", 5e-6, 1e-5), ("float64", 1e-7, 1e-6)],
)
def test_squeezenet_agrees_with_the_authors_program(
  dtype, value, gradient, tmp_path
):
  name = "squeeze_random/p64"
  arrays = random_squeezenet(GOLDEN[name].settings["seed"])
  np.savez(tmp_path / "w.npz", **arrays, **linear_arrays("squeeze"))
  spec = f'lpips(net="squeeze", weights={str(tmp_path / "w.npz")!r})'
  distance = distances.get(spec, dtype=dtype)
  assert_agrees(distance, name, value=value, gradient=gradient)


@pytest.mark.parametrize(
  ("dtype", "bound"),  # the goldens' own for float32
  [("float32", 2e-6), ("float64", 1e-9)],
)
@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_features_are_compared_as_the_authors_do(net, dtype, bound, tmp_path):
  np.savez_compressed(
    tmp_path / "w.npz", **kernels_of_zeros(net), **linear_arrays(net)
  )
  spec = f'lpips(net="{net}", weights={str(tmp_path / "w.npz")!r})'
  distance = distances.get(spec, dtype=dtype)
  both = [
    [
      backbones.unit(tf.constant(STORED[f"lin_{net}/{role}_{i}"], dtype))
      for i in range(len(linear_arrays(net)))
    ]
    for role in ("f0", "f1")
  ]
  found = distance.pool(distance.compare(*both))
  np.testing.assert_allclose(found, STORED[f"lin_{net}/value"], rtol=bound)


def test_deeploss_agrees_with_czolbes_program(shared, weights_or_skip):
  (case,) = (
    c
    for c in cases.read("watson_vgg", shared / "golden" / "losses")
    if c.name == "deeploss_vgg_released"
  )
  folder = shared / "data" / "weights" / "czolbe"
  path = str(folder / "rgb_pnet_lin_vgg_trial0.pth")
  with weights_or_skip():
    distance = distances.get(
      f'lpips(net="vgg", weights={path!r}, signed=False)'
    )
  found = distance(case.reference, case.image)
  np.testing.assert_allclose(found, case.arrays["value"], rtol=1e-5)


def test_deeploss_sets_get_images_as_their_program_feeds_them(monkeypatch):
  alex = weights.load("lpips_alex")
  monkeypatch.setattr(weights, "load", lambda source: alex)
  by_name, signed, unsigned = (
    distances.get(f"lpips({options})")(*pair())
    for options in ('weights="deeploss_x"', "signed=True", "signed=False")
  )
  np.testing.assert_array_equal(by_name, unsigned)
  np.testing.assert_array_equal(distances.get("lpips")(*pair()), signed)
  assert not np.allclose(signed, unsigned, rtol=1e-2)


def test_without_the_linear_layer_channels_are_summed():
  distance = distances.get("lpips(linear=False)", dtype="float64")
  reference, image = pair()
  found = distance.embed(tf.constant(reference, "float64"))
  other = distance.embed(tf.constant(image, "float64"))
  total = sum(
    np.square(a - b).sum(-1).mean((1, 2))
    for a, b in zip(found, other, strict=True)
  )
  np.testing.assert_allclose(distance(reference, image), total, rtol=1e-12)
  assert not distance.trainable_weights
  assert distance.checkpoint() == {}


@pytest.mark.parametrize("linear", [True, False])
def test_the_value_is_linear_in_its_parts(linear):
  distance = distances.get(f"lpips(linear={linear})")
  parts = distance.parts(*pair())
  assert parts.shape == (2, sum(backbones.ALEXNET.channels))
  np.testing.assert_allclose(
    distance.weigh(parts),
    distance(*pair()),
    rtol=1e-5,  # float32 sums of 1152 channels in another order
  )


def test_gray_is_rgb_with_equal_channels():
  distance = distances.get("lpips")
  reference, image = pair(channels=1)
  np.testing.assert_allclose(
    distance(reference, image),
    distance(np.repeat(reference, 3, -1), np.repeat(image, 3, -1)),
    rtol=1e-6,  # the very same numbers, summed in the order of another batch
  )


def test_maps_are_stretched_bilinearly_from_center_to_center():
  band = tf.constant([[[[0.0], [1.0]]]], "float64")
  found = features.upsample(band, 1, 4)
  assert found.dtype == tf.float64
  np.testing.assert_allclose(found, [[[0, 0.25, 0.75, 1]]], rtol=1e-6)


def test_the_mean_of_a_map_is_near_the_value():
  distance = distances.get("lpips")
  reference, image = pair(side=255)  # no border in any layer
  found = tf.reduce_mean(distance.map(reference, image), axis=[1, 2])
  # Stretching weighs positions near the border otherwise.
  np.testing.assert_allclose(found, distance(reference, image), rtol=0.05)


@pytest.mark.parametrize(
  "spec", ["lpips", "lpips + 0.5*lpips(linear=False)", "lpips + mse"]
)
def test_tiles_give_the_value_of_the_whole(spec, monkeypatch):
  monkeypatch.setattr(tiled, "WHOLE_PIXELS", 1)
  monkeypatch.setattr(tiled, "TILE_SIDE", 128)
  monkeypatch.setattr(tiled, "FEATURE_TILE_SIDE", 128)
  random = np.random.default_rng(0)
  reference, image = random.integers(0, 256, (2, 70, 640, 3), np.uint8)
  distance = distances.get(spec, dtype="float64")
  found = tiled.measure(distance, reference, image)
  assert found.is_exact
  assert found.tiles > 1
  whole = distance(*(np.float32(x[None] / 255) for x in (reference, image)))
  assert found.value == pytest.approx(float(whole[0]), rel=1e-9)


def test_dropout_keeps_the_mean_and_follows_from_the_seed():
  distance = distances.get("lpips")
  images = [np.repeat(x, 30, axis=0) for x in pair(side=64, n=1)]
  drawn, same, other = (
    distance.training_value(*images, tf.constant([1, seed])).numpy()
    for seed in (7, 7, 8)
  )
  np.testing.assert_array_equal(drawn, same)
  both = [*drawn, *other]
  assert len(set(both)) == len(both)
  value = float(distance(images[0][:1], images[1][:1])[0])
  error = np.std(both) / np.sqrt(len(both))
  assert error < 0.02 * value
  assert abs(np.mean(both) - value) < 4 * error  # 1 in 10,000 by chance


def test_the_linear_layer_alone_is_trained_and_stays_non_negative():
  distance = distances.get("lpips")
  assert not distance.trainable_weights
  distance.trainable = True
  trained = distance.trainable_weights
  assert [w.shape for w in trained] == [(c,) for c in (64, 192, 384, 256, 256)]
  before = [w.numpy() for w in distance.weights]
  rate = 1e5  # takes some weights below 0
  with tf.GradientTape() as tape:
    value = tf.reduce_sum(distance(*pair()))
  gradients = tape.gradient(value, trained)
  wanted = [
    np.maximum(w.numpy() - rate * g.numpy(), 0)
    for w, g in zip(trained, gradients, strict=True)
  ]
  optimizer = keras.optimizers.SGD(rate)
  optimizer.apply_gradients(zip(gradients, trained, strict=True))
  for weight, want, gradient in zip(trained, wanted, gradients, strict=True):
    np.testing.assert_allclose(weight.numpy(), want, rtol=1e-5, atol=1e-6)
    assert ((want == 0) & (gradient.numpy() > 0)).any()
  moved = [
    not np.array_equal(old, w.numpy())
    for old, w in zip(before, distance.weights, strict=True)
  ]
  assert sum(moved) == len(trained)


def test_a_checkpoint_is_read_back(tmp_path):
  distance = distances.get("lpips")
  value = distance(*pair())
  for weight in distance.weights:
    if "linear" in weight.name:
      weight.assign(2 * tf.convert_to_tensor(weight))
  np.savez(tmp_path / "linear.npz", **distance.checkpoint())
  again = distances.get(f"lpips(weights={str(tmp_path / 'linear.npz')!r})")
  np.testing.assert_array_equal(again(*pair()), distance(*pair()))
  np.testing.assert_array_equal(again(*pair()), 2 * value)


def test_a_checkpoint_holds_kernels_that_were_given(tmp_path):
  given = random_squeezenet(0) | linear_arrays("squeeze")
  np.savez(tmp_path / "given.npz", **given)
  distance = distances.get(
    f"lpips(net='squeeze', weights={str(tmp_path / 'given.npz')!r})"
  )
  found = distance.checkpoint()
  assert found.keys() == given.keys()
  for name, array in found.items():
    np.testing.assert_array_equal(array, given[name])
  assert not any("features" in k for k in distances.get("lpips").checkpoint())


def test_the_spec_says_what_the_name_of_the_weights_said(monkeypatch):
  alex = weights.load("lpips_alex")
  monkeypatch.setattr(weights, "load", lambda source: alex)
  distance = distances.get('lpips(weights="deeploss_x")')
  assert distance.spec == "lpips(weights='deeploss_x', signed=False)"
  # The same weights under a path, as a training leaves them.
  elsewhere = distances.get(distance.spec.replace("deeploss_x", "w.npz"))
  np.testing.assert_array_equal(elsewhere(*pair()), distance(*pair()))


def test_a_saved_model_keeps_the_weights_of_its_loss(tmp_path):
  model = keras.Sequential(
    [keras.layers.Input((None, None, 3)), keras.layers.Conv2D(3, 1)]
  )
  loss = losses.get("lpips")
  for weight in loss.distance.weights:
    weight.assign(1.5 * tf.convert_to_tensor(weight))
  model.compile(optimizer="sgd", loss=loss)
  model.save(tmp_path / "model.keras")
  again = keras.models.load_model(tmp_path / "model.keras")
  np.testing.assert_array_equal(again.loss(*pair()), loss(*pair()))


def test_linear_layers_are_taken_by_position(tmp_path):
  # Without dropout before them, their second number is 0.
  arrays = linear_arrays("alex")
  moved = {k.replace("model.1", "model.0"): v for k, v in arrays.items()}
  np.savez(tmp_path / "a.npz", **moved)
  found = distances.get(f"lpips(weights={str(tmp_path / 'a.npz')!r})")
  # The shipped layers are kept in 18 bits.
  np.testing.assert_allclose(
    found(*pair()), distances.get("lpips")(*pair()), rtol=1e-5
  )


def without(arrays, key):
  return {k: v for k, v in arrays.items() if k != key}


@pytest.mark.parametrize(
  ("net", "arrays", "message"),
  [
    (
      "alex",
      {},
      "holds neither kernels of AlexNet nor linear layers; it has n",
    ),
    ("alex", {"a": np.ones(3)}, "it has a"),
    (
      "alex",
      without(linear_arrays("alex"), "lin4.model.1.weight"),
      r"sizes \{0: 64, 1: 192, 2: 384, 3: 256\}",
    ),
    (
      "alex",
      without(linear_arrays("alex"), "lin1.model.1.weight"),
      r"needs linear layers of \(64, 192, 384, 256, 256\) weights",
    ),
    ("alex", linear_arrays("vgg"), r"for AlexNet; .* 1: 128"),
    (
      "alex",
      {k: -v for k, v in linear_arrays("alex").items()},
      "negative weights",
    ),
    (
      "alex",
      {"features.0.weight": np.zeros((64, 3, 11, 11))},
      "lacks a kernel or bias of AlexNet: features.0.weight",
    ),
    (
      "alex",
      {
        "features.0.weight": np.zeros((64, 3, 3, 3)),
        "features.0.bias": np.zeros(64),
      },
      r"kernel of shape \(11, 11, 3, 64\)",
    ),
  ],
)
def test_weights_that_do_not_fit_are_an_error(net, arrays, message, tmp_path):
  np.savez(tmp_path / "w.npz", **arrays)
  with pytest.raises(ValueError, match=message):
    distances.get(f"lpips(net={net!r}, weights={str(tmp_path / 'w.npz')!r})")


def test_squeezenet_asks_for_its_kernels(tmp_path):
  with pytest.raises(
    weights.MissingWeights, match=r"torchvision only\. .*features\.0\.weight"
  ):
    distances.get('lpips(net="squeeze")')
  np.savez(tmp_path / "w.npz", **linear_arrays("squeeze"))
  source = str(tmp_path / "w.npz")
  with pytest.raises(
    weights.MissingWeights,
    match=r"w\.npz holds linear layers alone\. Join the two, .* signed=True",
  ):
    distances.get(f'lpips(net="squeeze", weights={source!r})')


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ('net="resnet"', "net from 'alex', 'vgg', 'squeeze'"),
    ('version="0.0"', "version from '0.1'"),
    ("linear=2", "linear from True, False"),
    ('signed="yes"', "signed from None, True, False"),
  ],
)
def test_options_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distances.get(f"lpips({options})")


def test_images_of_other_channels_or_too_small_are_refused():
  distance = distances.get("lpips")
  with pytest.raises(ValueError, match="of 1 or 3 channels"):
    distance(*pair(channels=4))
  with pytest.raises(ValueError, match="at least 31x31"):
    distance(*pair(side=30))
