"""What Watson's model does in both transforms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances

BOTH = pytest.mark.parametrize("name", ["watson_dct", "watson_dft"])


def make(name, **options):
  return distances.DISTANCES.get(name)(**options)


def pair(side=24, *, count=2, channels=3, noise=0.1):
  reference = np.random.uniform(0.1, 0.9, (count, side, side + 8, channels))
  image = reference + np.random.normal(0, noise, reference.shape)
  return [np.float32(np.clip(x, 0, 1)) for x in (reference, image)]


def gradients(function, *images):
  images = [tf.constant(x) for x in images]
  with tf.GradientTape() as tape:
    tape.watch(images)
    value = function(*images)
  return [g.numpy() for g in tape.gradient(value, images)]


# What the default leaves of the authors' numbers on photographs without black
# blocks. The guard of the root costs most with beta = 4, and damped phases with
# equal weights; the released parameters are checked below.
@pytest.mark.parametrize(
  ("name", "bound"), [("watson_dct", 0.01), ("watson_dft", 0.04)]
)
def test_the_default_is_near_the_authors_numbers(name, bound):
  for case in cases.read(name):
    if case.name not in ("rgb_default/mixed64", "rgb_default/single_rect"):
      continue
    distance, theirs = (
      make(name, reference=r, dtype="float64") for r in (False, True)
    )
    for r, i in zip(case.reference, case.image, strict=True):
      expected = theirs(r[None], i[None])
      np.testing.assert_allclose(
        distance(r[None], i[None]), expected, rtol=bound
      )


@pytest.mark.parametrize(
  ("name", "bound"), [("watson_dct", 2e-5), ("watson_dft", 0.003)]
)
def test_with_released_parameters_it_is_nearer(
  shared, monkeypatch, name, bound
):
  monkeypatch.setenv("TFPERCEPT_WEIGHTS", str(shared / "data" / "weights"))
  (case,) = (c for c in cases.read(name) if c.name == "rgb_default/mixed64")
  distance, theirs = (
    make(name, weights="released", reference=r, dtype="float64")
    for r in (False, True)
  )
  for r, i in zip(case.reference, case.image, strict=True):
    expected = theirs(r[None], i[None])
    np.testing.assert_allclose(distance(r[None], i[None]), expected, rtol=bound)


@BOTH
def test_only_the_authors_form_lets_a_batch_change_an_image(name):
  dark, bright = pair(count=1, noise=0.02), pair(count=1, noise=0.02)
  dark = [0.3 * x for x in dark]
  both = [np.concatenate(x) for x in zip(dark, bright, strict=True)]
  for reference in (False, True):
    distance = make(name, reference=reference)
    together, alone = distance(*both)[0], distance(*dark)[0]
    same = abs(together - alone) <= 1e-6 * alone  # rounding
    assert bool(same) is not reference


# Black, and cyan and yellow, whose Cr and Cb are 0 or nearly.
@BOTH
@pytest.mark.parametrize("color", [(0, 0, 0), (0, 1, 1), (1, 1, 0)])
def test_a_block_without_light_makes_no_value_explode(name, color):
  images = pair(count=1, noise=0.02)
  usual = float(make(name)(*images)[0])
  for x in images:
    x[:, :8, :8] = 0.98 * np.array(color) + 0.02 * x[:, :8, :8]
  # Its threshold is 36 times smaller by the initial alpha of the DCT, 0.649.
  assert float(make(name)(*images)[0]) < 40 * usual


@BOTH
@pytest.mark.parametrize("traced", [False, True])
def test_equal_images_are_exactly_at_0(name, traced):
  for options in ({}, {"pool": "mean", "channels": 1, "shift": (1, 6)}):
    distance = make(name, **options)
    noise, _ = pair(channels=options.get("channels", 3))

    def compute(image, distance=distance):
      return gradients_in_graph(distance, image, tf.identity(image))

    compute = tf.function(compute) if traced else compute
    for image in (noise, np.zeros_like(noise)):
      value, (_, slope) = compute(tf.constant(image))
      np.testing.assert_array_equal(value, 0)
      np.testing.assert_array_equal(slope, 0)


@BOTH
def test_a_gray_picture_is_one_with_equal_channels(name):
  reference, image = pair(channels=1)
  distance = make(name)
  expected = distance(*(np.repeat(x, 3, axis=-1) for x in (reference, image)))
  # In color the sums of the channels' factors round to 0 only nearly.
  np.testing.assert_allclose(distance(reference, image), expected, rtol=1e-5)


@BOTH
def test_the_gray_model_takes_no_color(name):
  with pytest.raises(ValueError, match="1 channels; got"):
    make(name, channels=1)(*pair())


@BOTH
def test_means_do_not_grow_with_the_picture_and_sums_do(name):
  small = pair(count=1)
  large = [np.tile(x, (1, 2, 2, 1)) for x in small]
  mean, total = make(name, pool="mean"), make(name)
  # With beta = 4 the guard of the root takes 1e-3 from both.
  np.testing.assert_allclose(mean(*large), mean(*small), rtol=1e-5)
  power = {"watson_dct": 1 / 4, "watson_dft": 1}[name]
  np.testing.assert_allclose(total(*large), 4**power * total(*small), rtol=5e-3)
  blocks = 3 * 4
  np.testing.assert_allclose(
    total(*small), blocks**power * mean(*small), rtol=5e-3
  )


@BOTH
@pytest.mark.parametrize("pool", ["sum", "mean"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_map_adds_up_to_the_value(name, pool, channels):
  images = pair(channels=channels)
  distance = make(name, pool=pool, channels=channels)
  found = distance.map(*images)
  combine = tf.reduce_sum if pool == "sum" else tf.reduce_mean
  np.testing.assert_allclose(
    combine(found, [1, 2]), distance(*images), rtol=1e-5
  )


@BOTH
@pytest.mark.parametrize("shift", [(0, 0), (7, 7), (2, 5)])
def test_a_map_lies_where_the_change_is_under_a_shift_too(name, shift):
  reference, _ = pair(side=40, count=1)
  image = reference.copy()
  rows, columns = (slice(16 + s - 4, 24 + s - 4) for s in shift)
  image[:, rows, columns] = 1 - image[:, rows, columns]
  found = make(name, shift=shift).map(reference, image).numpy()
  assert found[:, rows, columns].sum() == pytest.approx(found.sum())
  assert found.sum() > 0


@BOTH
def test_no_shift_is_four_of_eight(name):
  images = pair()
  np.testing.assert_array_equal(
    make(name, shift=(4, 4))(*images), make(name)(*images)
  )


@BOTH
def test_random_shifts_follow_from_the_seed_and_the_number_of_calls(name):
  images = pair(count=1)
  first, again, other = (
    make(name, shift="random", seed=seed) for seed in (1, 1, 2)
  )
  drawn, same, different = (
    [float(d(*images)[0]) for _ in range(6)] for d in (first, again, other)
  )
  assert drawn == same
  assert drawn != different
  assert len(set(drawn)) > 3
  fixed = {
    float(make(name, shift=(r, c))(*images)[0])
    for r in range(8)
    for c in range(8)
  }
  for value in drawn:
    assert min(abs(value - f) for f in fixed) <= 1e-6 * value  # rounding


@BOTH
@pytest.mark.parametrize("jit_compile", [False, True])
def test_random_shifts_go_on_in_a_graph_and_after_loading(
  name, jit_compile, tmp_path
):
  images = pair(count=1)
  expected = make(name, shift="random")
  expected = [float(expected(*images)[0]) for _ in range(4)]
  distance = make(name, shift="random")
  graph = tf.function(distance.__call__, jit_compile=jit_compile)
  found = [float(graph(*images)[0]) for _ in range(2)]
  model = keras.Sequential([distance])  # what saves weights in both Keras
  model.built = True
  model.save_weights(tmp_path / "model.weights.h5")
  loaded = make(name, shift="random")
  model = keras.Sequential([loaded])
  model.built = True
  model.load_weights(tmp_path / "model.weights.h5")
  found += [float(loaded(*images)[0]) for _ in range(2)]
  np.testing.assert_allclose(found, expected, rtol=1e-5)  # XLA rounds otherwise


@BOTH
@pytest.mark.parametrize("mode", ["edge", "reflect"])
def test_padding_takes_any_size(name, mode):
  reference, image = (x[:, :21, :27] for x in pair())
  extra = [(0, 0), (0, 3), (0, 5), (0, 0)]
  distance = make(name, pad=mode)
  padded = [np.pad(x, extra, mode) for x in (reference, image)]
  # Sums of as many terms, in products of matrices of the same size.
  np.testing.assert_allclose(
    distance(reference, image), make(name)(*padded), rtol=1e-6
  )
  assert distance.map(reference, image).shape == (2, 21, 27)
  assert (distance.size_multiple, distance.min_size) == (
    1,
    1 if mode == "edge" else 5,
  )


@BOTH
def test_sides_that_are_no_multiples_are_an_error_without_padding(name):
  with pytest.raises(ValueError, match="multiples of 8; got 20x24"):
    make(name)(*(np.zeros((1, 20, 24, 3)),) * 2)
  make(name, blocks=4)(*(np.zeros((1, 20, 24, 3)),) * 2)


@BOTH
@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"channels": 2}, "channels from 3, 1; got channels=2"),
    ({"blocks": 7}, "even blocks of 2 or more; got 7"),
    ({"blocks": 8.0}, "even blocks of 2 or more; got 8.0"),
    ({"shift": (8, 0)}, r"two numbers of 0 to 7.*got \(8, 0\)"),
    ({"shift": (1,)}, r"got \(1,\)"),
    ({"shift": "always"}, "got 'always'"),
    ({"seed": -1}, "seed in"),
    ({"pool": "max"}, "'sum', 'mean'; got pool='max'"),
    ({"pad": "zero"}, "'none', 'edge', 'reflect'; got pad='zero'"),
    ({"luminance_floor": -0.1}, "luminance_floor >= 0"),
    ({"reference": "yes"}, "reference='yes'"),
  ],
)
def test_options_out_of_range_are_errors(name, options, message):
  with pytest.raises(ValueError, match=message):
    make(name, **options)


@BOTH
def test_a_spec_with_all_options_comes_back(name):
  options = {
    "channels": 1,
    "blocks": 4,
    "shift": (2, 3),
    "seed": 5,
    "pool": "mean",
    "pad": "edge",
    "luminance_floor": 0.1,
  }
  if name == "watson_dft":
    options["phase_damping"] = 1e-6
  else:
    options["reference"] = True
  distance = make(name, **options)
  again = distances.get(distance.spec)
  assert again.get_config() | {"name": distance.name} == distance.get_config()
  for key, value in options.items():
    assert distance.get_config()[key] == value


@BOTH
@pytest.mark.parametrize("channels", [1, 3])
def test_a_checkpoint_is_read_as_weights(name, channels, tmp_path):
  distance = make(name, channels=channels)
  for weight in distance.weights:
    weight.assign(weight + 0.1)
  path = tmp_path / "tuned.npz"
  np.savez(path, **distance.checkpoint())
  images = pair(channels=channels)
  loaded = make(name, channels=channels, weights=str(path))
  np.testing.assert_array_equal(loaded(*images), distance(*images))
  assert str(path) in loaded.spec


@BOTH
def test_weights_that_do_not_fit_are_errors(name, tmp_path):
  path = tmp_path / "gray.npz"
  np.savez(path, **make(name, channels=1).checkpoint())
  with pytest.raises(ValueError, match=r"needs 'ly.t_tild'.*has no such array"):
    make(name, weights=str(path))
  with pytest.raises(
    ValueError, match=r"t_tild' of shape \(4, .*has one of \(8"
  ):
    make(name, channels=1, blocks=4, weights=str(path))


@BOTH
def test_a_beta_whose_root_overflows_is_refused(name, tmp_path):
  path = tmp_path / "steep.npz"
  arrays = make(name, channels=1).checkpoint()
  for beta in (-1.0, 0.0, 0.19):
    np.savez(path, **(arrays | {"beta": np.float32(beta)}))
    with pytest.raises(ValueError, match=r"'beta' of at least 0\.2"):
      make(name, channels=1, weights=str(path))
  # The least that training leaves, packed in half precision.
  np.savez(path, **(arrays | {"beta": np.float16(0.2)}))
  assert make(name, channels=1, weights=str(path))


@BOTH
def test_parameters_have_names_and_are_frozen_until_a_task_trains_them(name):
  distance = make(name)
  assert not distance.trainable_variables
  distance.trainable = True
  found = {w.name.split("/")[-1].split(":")[0] for w in distance.weights}
  expected = {"t_tilde", "alpha", "w_tilde", "beta", "color_tilde"}
  assert found == expected | (
    {"w_phase_tilde"} if name == "watson_dft" else set()
  )
  assert len(distance.trainable_variables) == len(found)


@BOTH
def test_the_power_stays_in_its_domain_in_training(name):
  distance = make(name)
  distance.trainable = True
  images = pair()
  optimizer = keras.optimizers.SGD(1e4)
  for _ in range(2):
    with tf.GradientTape() as tape:
      value = tf.reduce_mean(distance(*images))
    slopes = tape.gradient(value, distance.trainable_variables)
    slopes = [
      tf.ones_like(s) if "beta" in v.name else tf.zeros_like(s)
      for s, v in zip(slopes, distance.trainable_variables, strict=True)
    ]
    optimizer.apply_gradients(
      zip(slopes, distance.trainable_variables, strict=True)
    )
  np.testing.assert_allclose(distance.beta, 0.2)
  assert np.isfinite(distance(*images)).all()


@BOTH
def test_training_drops_half_of_the_terms_by_the_seed(name):
  images = pair(count=1)
  # Without the power, so that the mean over seeds is the value.
  distance = make(name)
  distance.beta.assign(tf.ones_like(distance.beta))
  values = [
    float(distance.training_value(*images, tf.constant([3, k]))[0])
    for k in range(40)
  ]
  again = distance.training_value(*images, tf.constant([3, 0]))
  assert float(again[0]) == values[0]
  spread, value = np.std(values), float(distance(*images)[0])
  assert spread > 1e-3 * value
  # Four standard errors.
  assert np.mean(values) == pytest.approx(value, abs=4 * spread / 40**0.5)


@BOTH
def test_a_random_shift_in_training_follows_the_seed_alone(name):
  images = pair(count=1)
  distance = make(name, shift="random")
  seed = tf.constant([3, 4])
  first = distance.training_value(*images, seed)
  distance(*images)
  np.testing.assert_array_equal(distance.training_value(*images, seed), first)


@BOTH
@pytest.mark.parametrize(
  ("beta", "options"),
  [
    (0.6, {}),
    (1.0, {"pool": "mean", "luminance_floor": 0.5}),
    (3.0, {"channels": 1, "blocks": 4}),
    (1.5, {"pad": "edge", "shift": (1, 6)}),
  ],
)
def test_the_fast_path_is_the_plain_one(name, beta, options):
  distance = make(name, dtype="float64", **options)
  distance.beta.assign(tf.ones_like(distance.beta) * beta)
  for weight in (distance.alpha, distance.w_tilde, distance.t_tilde):
    weight.assign(weight + np.random.normal(0, 0.5, weight.shape))
  images = [
    x.astype("float64") for x in pair(channels=options.get("channels", 3))
  ]
  traced = tf.function(distance.__call__)
  assert not distance.can_fuse(tf.constant(images[0]))  # eager
  np.testing.assert_allclose(traced(*images), distance(*images), rtol=1e-12)
  for found, expected in zip(
    gradients(traced, *images), gradients(distance, *images), strict=True
  ):
    gap = np.linalg.norm(found - expected)
    assert gap <= 1e-9 * np.linalg.norm(expected)


@BOTH
@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradients_are_finite_where_pictures_are_flat(name, jit_compile):
  distance = make(name)
  compute = tf.function(
    lambda r, i: gradients_in_graph(distance, r, i), jit_compile=jit_compile
  )
  noise, _ = pair(count=1)
  plain = [np.full_like(noise, level) for level in (0, 0.5, 1)]
  colors = [
    np.broadcast_to(np.float32(c), noise.shape)
    for c in ((0, 1, 1), (1, 1, 0), (1, 0, 0))
  ]
  for flat in (*plain, *colors):
    for images in ((noise, flat), (flat, noise), (flat, flat)):
      value, slopes = compute(*images)
      assert np.isfinite(value).all()
      assert all(np.isfinite(s).all() for s in slopes)


def gradients_in_graph(distance, *images):
  with tf.GradientTape() as tape:
    tape.watch(images)
    value = distance(*images)
  return value, tape.gradient(value, images)
