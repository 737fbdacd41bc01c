"""What every distance inherits: checks, precision, sums, names."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

import tfpercept as tp
from tfpercept import distances, weights
from tfpercept.conformance import test_images
from tfpercept.distances import base


@pytest.fixture
def images():
  return tf.random.uniform((2, 2, 48, 50, 3))


def test_names_lists_what_get_accepts():
  names = tp.distances.names()
  assert {"mae", "ms_ssim", "mse", "psnr", "ssim"} <= set(names)
  for name in names:
    # That is known, but some weights have to be fetched.
    with contextlib.suppress(weights.MissingWeights):
      assert distances.get(name).spec == name


def test_a_distance_given_to_get_is_returned():
  distance = distances.get("mse", dtype="float64")
  assert distances.get(distance) is distance
  assert distances.get(distance, dtype="float64", check_range=False) is distance


@pytest.mark.parametrize(
  "options", [{"dtype": "float32"}, {"check_range": True}]
)
def test_a_distance_given_to_get_can_not_be_changed(options):
  distance = distances.get("mse", dtype="float64")
  with pytest.raises(ValueError, match=r"mse was made with .*cannot become"):
    distances.get(distance, **options)


@pytest.mark.parametrize(
  "spec",
  ["ms_ssim(scales=3)", "0.84*ms_ssim(scales=2) + 0.16*mae", "2.0*mse"],
)
def test_the_spec_of_a_distance_is_the_one_it_was_made_from(spec):
  assert distances.get(spec).spec == spec


def test_a_sum_is_the_weighted_sum_of_its_terms(images):
  total = distances.get("0.84*ms_ssim(scales=2) + 0.16*mae")
  ms_ssim, mae = distances.get("ms_ssim(scales=2)"), distances.get("mae")
  expected = 0.84 * ms_ssim(*images) + 0.16 * mae(*images)
  # One float32 rounding each.
  np.testing.assert_allclose(total(*images), expected, rtol=1e-6)
  np.testing.assert_allclose(total.score(*images), expected, rtol=1e-6)
  expected = 0.84 * ms_ssim.map(*images) + 0.16 * mae.map(*images)
  np.testing.assert_allclose(total.map(*images), expected, rtol=1e-6)
  assert total.min_size == ms_ssim.min_size


@pytest.mark.parametrize("spec", ["mse", "ms_ssim(scales=2)", "0.5*mse + mae"])
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda y, x: (y[0], x), r"\[N, H, W, C\]; got reference of shape"),
    (lambda y, x: (y, x[..., None]), r"\[N, H, W, C\]; got image of shape"),
    (lambda y, x: (y, x[:, :-1]), "Nothing is broadcast"),
    (lambda y, x: (y, x[:1]), "Nothing is broadcast"),
    (lambda y, x: (y, x[..., :1]), "Nothing is broadcast"),
    (lambda y, x: (tf.cast(y, tf.uint8), x), "dtype uint8. Divide 8-bit"),
    (lambda y, x: (y, tf.cast(x, tf.int32)), "dtype int32. Divide 8-bit"),
  ],
)
def test_unfit_images_are_refused_with_a_remedy(spec, change, message, images):
  distance = distances.get(spec)
  with pytest.raises(ValueError, match=message):
    distance(*change(*images))
  with pytest.raises(ValueError, match=message):
    distance.map(*change(*images))


def test_too_small_images_are_refused_with_the_scales_that_fit(images):
  message = (
    "ms_ssim needs images of at least 161x161 for 5 scales; got 48x50. Use "
    r"ms_ssim\(scales=3\), or larger crops."
  )
  with pytest.raises(ValueError, match=message):
    distances.get("ms_ssim")(*images)


@pytest.mark.parametrize("bad", [255.0, -3.0, float("nan")])
def test_values_out_of_range_are_refused_only_on_request(bad, images):
  y, x = images
  x = tf.where(tf.random.uniform(x.shape) < 0.01, bad, x)
  distances.get("mse")(y, x)
  for spec in ("mse", "0.5*mse + mae"):
    with pytest.raises(ValueError, match=r"\[0, 1\]; got image with values"):
      distances.get(spec, check_range=True)(y, x)
  # An unclipped prediction overshoots a little.
  distances.get("mse", check_range=True)(y, y * 1.05)


def test_other_precisions_than_32_and_64_bits_are_refused():
  with pytest.raises(ValueError, match="'float32' or 'float64'; got 'float16'"):
    distances.get("mse", dtype="float16")


class Blockwise(base.Distance):
  """A gain that can be learned, times MSE, on gray blocks of 8x8."""

  channels = (1,)
  size_multiple = 8
  min_size = 8

  def __init__(self, *, gain=2.0, **kwargs):
    super().__init__(**kwargs)
    self.gain = self.parameter("gain", gain)
    self.offset = self.parameter("offset", np.zeros(3), trainable=False)

  def embed(self, image):
    return image

  def compare(self, reference, image):
    return [tf.math.squared_difference(reference, image)]

  def pool(self, maps):
    gain = tf.convert_to_tensor(self.gain)
    return gain * tf.reduce_mean(maps[0], axis=[1, 2, 3])


def test_channels_that_a_distance_does_not_take_are_refused(images):
  message = (
    r"needs images \[N, H, W, C\] of 1 channels; got shape \(2, 48, 48, 3"
  )
  y, x = images[:, :, :, :48]
  with pytest.raises(ValueError, match=message):
    Blockwise()(y, x)
  assert Blockwise()(y[..., :1], x[..., :1]).shape == (2,)


@pytest.mark.parametrize("known", [True, False])
def test_sides_that_are_no_multiple_are_refused(known, images):
  y, x = images[..., :1]
  with pytest.raises(
    (ValueError, tf.errors.InvalidArgumentError),
    match=r"needs sides (that are|in) multiples of 8",
  ):
    spec = tf.TensorSpec(y.shape if known else [None] * 3 + [1])
    tf.function(Blockwise().__call__, input_signature=[spec, spec])(y, x)


def test_parameters_are_named_weights_in_the_dtype_of_the_distance():
  for dtype in ("float32", "float64"):
    distance = Blockwise(dtype=dtype)
    named = {w.name.split("/")[-1].split(":")[0]: w for w in distance.weights}
    assert set(named) == {"gain", "offset"}
    assert {tf.as_dtype(w.dtype).name for w in named.values()} == {dtype}
    np.testing.assert_array_equal(named["gain"], 2.0)


def test_parameters_are_frozen_until_the_distance_is_made_trainable():
  distance = Blockwise()
  assert not distance.trainable_weights
  distance.trainable = True
  assert [w.shape for w in distance.trainable_weights] == [()]


def test_a_sum_trains_on_what_its_terms_train_on(images):
  total = distances.WeightedSum("0.5*mse + mae")
  assert (total.size_multiple, total.channels) == (1, None)
  np.testing.assert_allclose(
    total.training_value(*images, tf.constant([0, 1])), total(*images)
  )


def test_psnr_scores_images_rounded_to_8_bits_and_minimises_mse(images):
  y, x = images
  psnr = distances.get("psnr")
  np.testing.assert_allclose(psnr(y, x), distances.get("mse")(y, x))
  rounded = [np.floor(np.asarray(i) * 255 + 0.5) for i in (y, x)]
  mse = np.mean(np.square(rounded[0] - rounded[1]), axis=(1, 2, 3))
  expected = 10 * np.log10(255**2 / mse)
  # float32 against float64 in the mean: 1e-6 relative is 1e-5 dB.
  np.testing.assert_allclose(psnr.score(y, x), expected, atol=1e-4)
  assert np.isposinf(psnr.score(y, y + 0.4 / 255 * tf.sign(0.5 - y) * 0)).all()


@pytest.mark.parametrize("name", distances.names())
def test_an_empty_batch_has_no_values_and_a_gradient(name, weights_or_skip):
  with weights_or_skip():
    distance = distances.get(name)
  side, channels = test_images.side(distance), test_images.channels(distance)
  empty = tf.zeros([0, side, side, channels])
  with tf.GradientTape() as tape:
    tape.watch(empty)
    value = distance(empty, empty)
  assert value.shape == (0,)
  assert tape.gradient(value, empty).shape == empty.shape
  assert distance.map(empty, empty).shape == (0, side, side)


def test_a_number_of_channels_unknown_to_the_end_is_refused(images):
  y, x = images[..., :48, :48, :1]
  free, known = tf.TensorSpec([None] * 4), tf.TensorSpec([None] * 3 + [1])
  blockwise = Blockwise()
  for spec in ((free, known), (known, free)):
    graph = tf.function(blockwise.__call__, input_signature=spec)
    np.testing.assert_allclose(graph(y, x), blockwise(y, x), rtol=1e-6)
  graph = tf.function(blockwise.__call__, input_signature=(free, free))
  with pytest.raises(ValueError, match="known when it is traced; got shape"):
    graph(y, x)


@pytest.mark.parametrize("name", distances.names())
def test_nothing_reads_images_of_unknown_size_before_they_are_checked(
  name, weights_or_skip
):
  # A convolution that did would end the process now and then.
  with weights_or_skip():
    distance = distances.get(name)
  spec = tf.TensorSpec([None, None, None, test_images.channels(distance)])
  graph = tf.function(distance.__call__).get_concrete_function(spec, spec).graph
  for image in graph.inputs[:2]:
    readers = [op for op in image.consumers() if op.type != "Shape"]
    assert [op.type for op in readers] == ["Identity"]
    assert {op.type for op in readers[0].control_inputs} == {"EnsureShape"}
    first, *rest = ancestors(readers[0])
    assert first is readers[0]
    assert {op for op in rest if op.type == "Assert"} == asserts(graph)


def ancestors(operation):
  """An operation and all that run before it."""
  found = [operation]
  for op in found:
    before = [*op.control_inputs, *(tensor.op for tensor in op.inputs)]
    found += [b for b in dict.fromkeys(before) if b not in found]
  return found


def asserts(graph):
  return {op for op in graph.get_operations() if op.type == "Assert"}


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
  ("spec", "side", "says"),
  [
    ("lpips", 8, "lpips.needs.images.of.at.least.31x31"),
    ("ms_ssim(scales=3)", 24, "ms_ssim.*needs.images.of.at.least.41x41"),
    ("watson_dct", 12, "watson_dct.needs.sides.in.multiples.of.8"),
    ("nlpd(levels=3)", 0, "nlpd.*needs.images.of.at.least.9x9"),
    ("mse", 0, "mse.needs.images.of.at.least.1x1"),
    (
      "robust(adaptive=True, size=(32, 32, 3))",
      40,
      "robust.*needs.images.of.exactly.32x32",
    ),
  ],
)
def test_sizes_that_only_the_run_knows_are_refused_in_words(
  spec, side, says, jit_compile
):
  free = tf.TensorSpec([None, None, None, 3])
  graph = tf.function(
    distances.get(spec).__call__,
    input_signature=[free, free],
    jit_compile=jit_compile,
  )
  image = tf.zeros([1, side, side, 3])
  with pytest.raises(tf.errors.InvalidArgumentError, match=says):
    graph(image, image)


@pytest.mark.parametrize("name", distances.names())
def test_alpha_is_no_color_to_any_distance(name, weights_or_skip):
  with weights_or_skip():
    distance = distances.get(name)
  side = test_images.side(distance)
  image = tf.zeros([1, side, side, 4])
  with pytest.raises(ValueError, match="alpha"):
    distance(image, image)
  free = tf.TensorSpec([None] * 4)
  graph = tf.function(distance.__call__, input_signature=[free, free])
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
    graph(image, image)


@pytest.mark.parametrize(
  ("spec", "meant"),
  [
    ("LPIPS", "lpips"),
    ("SSIM", "ssim"),
    ("PSNR", "psnr"),
    ("MSSSIM", "ms_ssim"),
    ("MS_SSIM", "ms_ssim"),
    ("MS-SSIM", "ms_ssim"),
    ("ms-ssim(scales=3)", "ms_ssim"),
    ("0.84*MS-SSIM + 0.16*l1", "ms_ssim"),
    ("Watson-DFT", "watson_dft"),
    ("WatsonVGG", "watson_vgg"),
    ("DeltaE", "delta_e"),
    ("0.5*ssim + 0.5*l1", "mae"),
    ("L2", "mse"),
    ("mean_squared_error", "mse"),
    ("CIEDE2000", "delta_e"),
    ("lpisp", "lpips"),
  ],
)
def test_other_spellings_are_answered_with_the_name_meant(spec, meant):
  with pytest.raises(ValueError, match=f"[Dd]id you mean '{meant}'"):
    distances.get(spec)


@pytest.mark.parametrize(
  "spec",
  [
    "dists(weights=3)",
    "dists(weights=None)",
    "lpips(weights=3)",
    "pim(weights=[1])",
    "robust(adaptive=True, weights=0.5)",
    "watson_dct(weights=True)",
    "watson_dft(weights=3)",
    "watson_vgg(weights={})",
  ],
)
def test_weights_that_are_no_path_are_refused_in_words(spec):
  with pytest.raises(ValueError, match="takes weights as a name or the path"):
    distances.get(spec)


@pytest.mark.parametrize(
  ("name", "options"),
  [
    ("pim", {"width": 2, "front_end": "single"}),
    ("watson_dct", {"channels": 1}),
    ("robust", {"adaptive": True, "size": (4, 4, 3), "levels": 1}),
  ],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(name, options, bad, tmp_path):
  path = str(tmp_path / "weights.npz")
  make = distances.DISTANCES.get(name)
  start = {"weights": None} if name == "pim" else {}
  arrays = make(**options, **start).checkpoint()
  first = next(iter(arrays))
  np.savez(path, **(arrays | {first: np.full_like(arrays[first], bad)}))
  with pytest.raises(ValueError, match="weights of a distance are finite"):
    make(**options, weights=path)


@pytest.mark.parametrize(
  ("name", "options", "plain"),
  [
    ("ssim", {"window": np.int64(7)}, {"window": 7}),
    ("nlpd", {"levels": np.int32(2)}, {"levels": 2}),
    ("robust", {"scale": np.float32(0.5)}, {"scale": 0.5}),
    (
      "robust",
      {"adaptive": True, "size": np.array([48, 50, 3]), "levels": np.int64(2)},
      {"adaptive": True, "size": (48, 50, 3), "levels": 2},
    ),
    (
      "watson_dct",
      {"shift": (np.int64(1), np.int64(2)), "pad": "edge"},
      {"shift": (1, 2), "pad": "edge"},
    ),
  ],
)
def test_options_may_be_numbers_of_numpy(name, options, plain, images):
  make = distances.DISTANCES.get(name)
  one, other = make(**options), make(**plain)
  np.testing.assert_array_equal(one(*images), other(*images))
  assert one.spec == other.spec


def test_a_bool_of_numpy_is_no_number():
  with pytest.raises(ValueError, match="levels"):
    distances.NLPD(levels=np.True_)
