"""The robust loss as a distance, and as the likelihood it is trained by."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances, losses
from tfpercept.ops import robust as robust_ops

CASES = cases.read("robust")
NAMES = {"PIXEL": "pixel", "DCT": "dct"}

with np.load(cases.FOLDER / "robust.npz", allow_pickle=False) as _stored:
  LATENTS = {
    name: _stored[f"latents/{name}"]
    for name in ("latent_alpha", "latent_scale")
  }


def small(*, side=16, moved=True, **options):
  """An adaptive loss of small pictures, its latents away from 0."""
  options = {"size": (side, side, 3), "levels": 3, "adaptive": True} | options
  made = distances.Robust(**options)
  if moved:
    random = np.random.default_rng(2)
    for weight in made.weights:
      weight.assign(random.normal(size=weight.shape))
  return made


def pair(side=16, count=2, dtype=np.float32):
  random = np.random.default_rng(3)
  return random.random((2, count, side, side, 3)).astype(dtype)


def of_case(case, dtype):
  settings = case.settings
  made = distances.Robust(
    adaptive=True,
    reference=True,
    size=(32, 32, 3),
    color=settings["color"],
    representation=NAMES.get(
      settings["representation"], settings["representation"]
    ),
    levels=settings["levels"],
    dtype=dtype,
  )
  made.trainable = True
  if case.name.endswith("_random"):
    made.latent_alpha.assign(LATENTS["latent_alpha"].reshape(32, 32, 3))
    made.latent_scale.assign(LATENTS["latent_scale"].reshape(32, 32, 3))
  return made


def relative(found, expected):
  return np.linalg.norm(found - expected) / np.linalg.norm(expected)


# Float32: tests/golden/README.md. In double precision the reference's table of
# log Z is off by 1e-7; gradients are stored in float32.
@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
@pytest.mark.parametrize(
  ("dtype", "value_bound", "gradient_bound"),
  [("float32", 2e-5, 1e-5), ("float64", 1e-7, 1e-6)],
)
def test_values_and_all_gradients_are_barrons(
  case, dtype, value_bound, gradient_bound
):
  distance = of_case(case, dtype)
  image = tf.constant(case.image, dtype)
  with tf.GradientTape() as tape:
    tape.watch(image)
    value = distance(case.reference, image)
  wanted = [image, *distance.trainable_variables]
  gradient, d_alpha, d_scale = tape.gradient(value, wanted)
  np.testing.assert_allclose(value, case.arrays["value"], rtol=value_bound)
  assert relative(gradient, case.arrays["grad_pred"]) < gradient_bound
  if "transform" in case.arrays:
    found = distance.embed(image - case.reference)[0]
    # Stored in float32; coefficients of up to 8.
    np.testing.assert_allclose(found, case.arrays["transform"], atol=4e-6)
  if "d_latent_alpha" in case.arrays:
    # Slopes of the reference's table of log Z, between knots: 1e-4.
    assert relative(np.ravel(d_alpha), case.arrays["d_latent_alpha"]) < 1e-4
    assert relative(np.ravel(d_scale), case.arrays["d_latent_scale"]) < 1e-5


def released(shared, monkeypatch, **options):
  monkeypatch.setenv("TFPERCEPT_WEIGHTS", str(shared / "data/weights"))
  return distances.Robust(
    adaptive=True,
    representation="dct",
    czolbe_layout=True,
    weights="adaptive_rgb",
    **options,
  )


@pytest.mark.parametrize(
  ("dtype", "bound"), [("float32", 2e-5), ("float64", 1e-6)]
)
def test_the_released_weights_give_their_published_numbers(
  shared, monkeypatch, dtype, bound
):
  distance = released(shared, monkeypatch, reference=True, dtype=dtype)
  folder = shared / "golden/losses"
  (case,) = (
    c for c in cases.read("robust", folder) if c.name == "czolbe_chw_released"
  )
  value = distance(case.reference, case.image)
  np.testing.assert_allclose(value, case.arrays["value"], rtol=bound)
  with np.load(shared / "data/golden/czolbe_losses_64x64.npz") as golden:
    reference, image = (golden[k] / 255 for k in ("ref", "dist"))
    image = tf.constant(image)
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance(reference, image) * 64 * 64 * 3  # theirs are sums
    gradient = tape.gradient(value, image)[:4]
    # Theirs ran in float32.
    np.testing.assert_allclose(value, golden["adaptive_rgb"], rtol=2e-5)
    assert relative(gradient, golden["adaptive_rgb_grad4"]) < 1e-5


def test_released_weights_ask_for_their_own_layout(shared, monkeypatch):
  distance = released(shared, monkeypatch)
  assert distance.latent_alpha.shape == (3, 64, 64)
  with pytest.raises(ValueError, match="latent_alpha of 3072 numbers"):
    released(shared, monkeypatch, size=(32, 32, 3))


def test_alpha_names_the_losses_of_the_literature():
  reference, image = pair(dtype=np.float64)
  z = ((image - reference) / 0.2) ** 2
  for alpha, rho in [
    (2, z / 2),
    (1, np.sqrt(z + 1) - 1),
    (0, np.log1p(z / 2)),
    (-2, 2 * z / (z + 4)),
    ("-inf", -np.expm1(-z / 2)),
    ("inf", np.expm1(z / 2)),
  ]:
    distance = distances.Robust(alpha=alpha, scale=0.2, dtype="float64")
    # |alpha - 2| and alpha are kept from 0 in single precision's terms.
    np.testing.assert_allclose(
      distance(reference, image), rho.mean(axis=(1, 2, 3)), rtol=1e-9
    )


@pytest.mark.parametrize("alpha", ["inf", "-inf", -2.0, 0, 2, 1.5])
def test_shapes_survive_spec_and_config(alpha):
  distance = distances.get(f"robust(alpha={alpha!r})")
  assert distance.spec == f"robust(alpha={alpha!r})"
  again = distances.Robust.from_config(distance.get_config())
  np.testing.assert_array_equal(again(*pair()), distance(*pair()))
  assert float(distances.Robust(alpha=float(alpha)).alpha) == float(alpha)


@pytest.mark.parametrize(
  "representation", ["CDF9/7", "LeGall5/3", "dct", "pixel"]
)
@pytest.mark.parametrize("color", ["YUV", "RGB"])
def test_whatever_the_parameters_it_is_a_distance(representation, color):
  distance = small(representation=representation, color=color)
  reference, image = pair()
  np.testing.assert_array_equal(distance(image, image), [0, 0])
  assert np.min(distance(reference, image)) > 0
  np.testing.assert_allclose(
    distance(reference, image), distance(image, reference), rtol=1e-6
  )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_adaptive_values_and_gradients_are_finite_and_the_same_compiled(
  jit_compile,
):
  distance = small()
  distance.trainable = True

  def compute(reference, image):
    with tf.GradientTape() as tape:
      tape.watch(image)
      value = distance.training_value(reference, image, tf.constant([0, 0]))
    return value, *tape.gradient(value, [image, *distance.trainable_variables])

  compiled = tf.function(compute, jit_compile=jit_compile)
  x, y = (tf.constant(i) for i in pair())
  for reference, image in [(x, y), (x, x), (0 * x, 0 * x), (0 * x, 0 * x + 1)]:
    found = compiled(reference, image)
    for a, b in zip(found, compute(reference, image), strict=True):
      assert np.isfinite(a).all()
      # Other orders of sums; small where terms cancel.
      np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_training_adds_what_makes_the_density_integrate_to_one():
  distance = small(side=1, size=(1, 1, 3), representation="pixel", color="RGB")
  seed = tf.constant([0, 0])
  t = np.linspace(-18, 18, 4001)
  grid = np.float32(np.sinh(t))
  for channel in range(3):
    image = np.zeros((len(grid), 1, 1, 3), np.float32)
    image[..., channel] = grid[:, None, None]
    still = tf.zeros_like(image)
    nll = 3 * distance.training_value(still, image, seed)  # a sum, not a mean
    peak = 3 * distance.training_value(still, still, seed)
    alpha, scale = distance.shapes_and_scales()
    own = np.ravel(tf.math.log(scale) + robust_ops.log_partition(alpha))[
      channel
    ]
    heights = np.exp(-(nll - peak + own).numpy().astype("f8"))
    total = (heights * np.cosh(t)).sum() * (t[1] - t[0])
    # Ends at 3e7, beyond which tails of alpha near 0 hold 1e-7; float32.
    np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_the_published_value_is_the_likelihood_and_not_zero_at_identity():
  distance, published = small(), small(reference=True)
  seed = tf.constant([0, 0])
  x, y = pair()
  nll = distance.training_value(x, y, seed)
  np.testing.assert_allclose(published(x, y), nll, rtol=1e-6)
  np.testing.assert_array_equal(
    published.training_value(x, y, seed), published(x, y)
  )
  at_rest = distance.training_value(x, x, seed)
  assert abs(at_rest[0]) > 0.01
  np.testing.assert_allclose(nll - at_rest, distance(x, y), rtol=1e-5)


def test_a_general_loss_is_trained_on_its_value_and_is_no_likelihood():
  distance = distances.get("robust")
  x, y = pair()
  np.testing.assert_array_equal(
    distance.training_value(x, y, tf.constant([0, 0])), distance(x, y)
  )
  assert not distance.likelihood and small().likelihood


def test_shape_and_scale_stay_within_their_ends_and_begin_where_told():
  distance = small(
    moved=False, alpha_init=0.5, alpha_hi=3.0, scale_init=0.02, scale_lo=0.001
  )
  alpha, scale = distance.shapes_and_scales()
  np.testing.assert_allclose(alpha, 0.5, rtol=1e-5)
  np.testing.assert_allclose(scale, 0.02, rtol=1e-5)
  for weight in distance.weights:
    weight.assign(np.full(weight.shape, -50.0))
  alpha, scale = distance.shapes_and_scales()
  np.testing.assert_allclose([alpha, scale], np.full((2, 16, 16, 3), 0.001))


def test_a_file_replaces_the_option_where_alpha_begins(tmp_path):
  path = str(tmp_path / "latents.npz")
  np.savez(path, **small().checkpoint())
  alone = small(moved=False, weights=path)
  both = small(moved=False, alpha_init=0.5, weights=path)
  np.testing.assert_array_equal(both.latent_alpha, alone.latent_alpha)


def test_equal_ends_fix_shape_and_scale():
  gauss = small(
    **{"alpha_lo": 2, "alpha_hi": 2, "scale_lo": 0.5, "scale_init": 0.5},
    representation="dct",
  )
  assert not gauss.weights
  assert len(small(alpha_lo=1, alpha_hi=1).weights) == 1
  x, y = pair()
  residual = gauss.embed(y) - gauss.embed(x)
  density = np.exp(-((residual / 0.5) ** 2) / 2) / 0.5 / np.sqrt(2 * np.pi)
  nll = gauss.training_value(x, y, tf.constant([0, 0]))
  np.testing.assert_allclose(
    nll, -np.log(density).mean(axis=(1, 2, 3)), rtol=1e-5
  )


@pytest.mark.parametrize("representation", ["CDF9/7", "LeGall5/3", "pixel"])
def test_maps_of_coefficients_lie_where_pictures_differ(representation):
  distance = small(side=128, levels=5, representation=representation)
  x, _ = pair(side=128, count=1)
  y = x.copy()
  y[:, 32:64, 64:96] = 1 - y[:, 32:64, 64:96]
  found = distance.map(x, y).numpy()
  assert found.shape == (1, 128, 128)
  np.testing.assert_allclose(found.mean(), distance(x, y), rtol=1e-5)
  support = 16  # half the block of the coarsest level
  near = found[:, 32 - support : 64 + support, 64 - support : 96 + support]
  assert near.sum() > 0.8 * found.sum()


def test_coefficients_of_the_whole_picture_have_no_map():
  with pytest.raises(ValueError, match="no map"):
    small(representation="dct").map(*pair())


def test_other_sizes_are_refused_also_when_unknown_until_the_graph_runs():
  distance = small()
  with pytest.raises(ValueError, match=r"exactly 16x16.*got 24x24"):
    distance(*pair(side=24))
  with pytest.raises(ValueError, match="of 3 channels"):
    distance(*(x[..., :1] for x in pair()))
  spec = tf.TensorSpec([None, None, None, 3])
  graph = tf.function(distance.__call__, input_signature=[spec, spec])
  np.testing.assert_allclose(graph(*pair()), distance(*pair()), rtol=1e-5)
  with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
    graph(*pair(side=24))


def test_a_loss_keeps_its_latents_through_saving(tmp_path):
  spec = "robust(adaptive=True, size=(8, 8, 3), levels=2)"
  network = keras.Sequential([keras.layers.Conv2D(3, 1)])
  network.compile(loss=losses.get(spec), optimizer="sgd")
  x, y = pair(side=8)
  network.fit(x, y, epochs=1, verbose=0)
  distance = network.loss.distance
  names = sorted(w.name.split(":")[0] for w in distance.weights)
  assert names == ["latent_alpha", "latent_scale"]
  assert not distance.trainable_variables
  for weight in distance.weights:
    weight.assign(np.random.default_rng(4).normal(size=weight.shape))
  network.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.distance.spec == spec
  np.testing.assert_allclose(
    loaded.loss.distance(x, y), distance(x, y), rtol=1e-6
  )


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"alpha": "welsch"}, "'inf' or '-inf'; got 'welsch'"),
    ({"alpha": math.nan}, "got nan"),
    ({"alpha": "inf", "approximate": True}, "needs a finite alpha"),
    ({"scale": 0.0}, "scale > 0"),
    ({"levels": 3}, r"levels=3\) has no effect with adaptive=False"),
    ({"reference": True}, r"reference=True\) has no effect"),
    ({"adaptive": True, "alpha": 0}, r"alpha=0\) has no effect"),
    ({"adaptive": True, "size": (64, 64)}, "size=.height, width, channels."),
    ({"adaptive": True, "size": 64}, "of positive integers; got size=64"),
    ({"size": 5}, "of positive integers; got size=5"),
    ({"adaptive": True, "size": (64, 64, 1)}, "needs 3 channels"),
    ({"adaptive": True, "size": (8, 9, 3)}, "at most 3 levels .* of 8x9"),
    ({"adaptive": True, "levels": -1}, "levels >= 0"),
    ({"adaptive": True, "representation": "haar"}, "takes representation from"),
    ({"adaptive": True, "color": "LAB"}, "takes color from"),
    ({"adaptive": True, "alpha_hi": 2e4}, "alpha_lo <= alpha_hi <= 10000"),
    ({"adaptive": True, "alpha_init": 2.5}, "between alpha_lo and alpha_hi"),
    ({"adaptive": True, "scale_init": 1e-6}, "scale_init >= scale_lo"),
  ],
)
def test_impossible_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distances.Robust(**options)


@pytest.mark.parametrize("ends", [{}, {"alpha_lo": 1, "alpha_hi": 1}])
def test_a_checkpoint_is_read_back(ends, tmp_path):
  distance = small(**ends)
  np.savez(tmp_path / "latents.npz", **distance.checkpoint())
  path = str(tmp_path / "latents.npz")
  again = small(moved=False, weights=path, **ends)
  np.testing.assert_array_equal(again(*pair()), distance(*pair()))
  assert distances.get("robust").checkpoint() == {}


@pytest.mark.parametrize(
  ("alpha", "scale"), [("inf", 0.05), ("inf", 1e-9), (300, 1e-3), (3, 1e-12)]
)
def test_the_largest_value_there_is_can_be_averaged_in_float32(alpha, scale):
  black = np.zeros((1, 64, 64, 3), np.float32)
  value = distances.Robust(alpha=alpha, scale=scale)(black, black + 1)
  assert np.isfinite(value).all()
