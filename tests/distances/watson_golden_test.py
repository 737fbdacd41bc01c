"""Watson's model against the authors' program, value, gradient and parameters.

The released parameters carry no license, so their cases are read from the
shared folder, and so are they.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden import cases
from tfpercept import distances

INITIAL = {name: cases.read(name) for name in ("watson_dct", "watson_dft")}
RELEASED = (
  "rgb_released/single_big",
  "rgb_released/single_rect",
  "rgb_released/mixed64",
  "rgb_released/shift",
  "rgb_released/identical",
  "gray_released/single",
  "gray_released/batch64",
)
TRANSFORMS = ("watson_dct", "watson_dft")

# Relative. In float64 their arccos and a table in float32 leave 2e-8.
VALUES = {
  ("watson_dct", "float32"): 2e-6,
  ("watson_dft", "float32"): 5e-6,
  ("watson_dct", "float64"): 2e-8,
  ("watson_dft", "float64"): 2e-8,
}
# Of coefficients that are 0 in 8 bits, images rounded to float32 keep noise,
# which has a phase. The form in float64 differs as much on such images.
ROUNDED_AWAY = {
  "rgb_default/single_big": 2e-3,
  "gray_default/single": 1e-3,
}


def distance_of(name, case, **kwargs):
  tag = case.name.split("/")[0]
  options = {"reference": True, "channels": 3 if "rgb" in tag else 1}
  if "released" in tag:
    options["weights"] = "released"
  if "blocksize" in case.settings:
    options["blocks"] = case.settings["blocksize"]
  if "shift_rows" in case.settings:
    options["shift"] = tuple(
      case.settings[f"shift_{side}"] for side in ("rows", "cols")
    )
  return distances.DISTANCES.get(name)(**options, **kwargs)


def value_and_gradients(distance, case):
  images = [
    tf.constant(x, distance.compute_dtype) for x in (case.reference, case.image)
  ]
  alone = "one image per batch" in case.settings.get("note", "")
  with tf.GradientTape() as tape:
    tape.watch(images)
    if alone:
      pairs = zip(*images, strict=True)
      value = tf.concat([distance(r[None], i[None]) for r, i in pairs], 0)
    else:
      value = distance(*images)
  gradients = [g.numpy() for g in tape.gradient(value, images)]
  return value.numpy(), dict(
    zip(("grad_target", "grad_pred"), gradients, strict=True)
  )


def assert_agrees(name, case, dtype):
  distance = distance_of(name, case, dtype=dtype)
  value, gradients = value_and_gradients(distance, case)
  bound = VALUES[name, dtype]
  if (name, dtype) == ("watson_dft", "float32"):
    bound = ROUNDED_AWAY.get(case.name, bound)
  np.testing.assert_allclose(value, case.arrays["value"], rtol=bound)
  for argument in gradients.keys() & case.arrays.keys():
    assert_slopes_agree(
      name, dtype, gradients[argument], case.arrays[argument], distance, case
    )


def assert_slopes_agree(name, dtype, found, expected, distance, case):
  if case.name.endswith("/identical"):
    np.testing.assert_array_equal(found, expected)
    assert not expected.any()
    return
  kept = without_kinks(distance, case)
  assert kept.mean() > 0.9
  found, expected = (
    np.asarray(tf.nn.space_to_depth(x, distance.blocks))[kept]
    for x in (found, expected)
  )
  gaps = np.linalg.norm(found - expected, axis=-1)
  sizes = np.linalg.norm(expected, axis=-1)
  if dtype == "float64":  # theirs is stored in float32
    assert np.linalg.norm(gaps) <= 1e-6 * np.linalg.norm(sizes)
  elif name == "watson_dct":
    assert (gaps <= 2e-4 * sizes).all()
  else:  # near a kink few entries are steep, and rounding moves them
    scale = np.abs(expected) + np.median(np.abs(expected))
    assert np.mean(np.abs(found - expected) <= 1e-2 * scale) >= 0.97


def without_kinks(distance, case):
  """Which blocks `[N, h, w]` have no slope that rounding decides about.

  With a power of 1 or less it does where two coefficients are as large, which
  happens in flat parts of a picture of 8 bits.
  """
  config = distance.get_config() | {"dtype": "float64"}
  embed = type(distance).from_config(config).embed
  before, after = (
    np.linalg.norm(embed(x), axis=3)  # of real and imaginary part
    if type(distance) is distances.WatsonDFT
    else np.asarray(embed(x))
    for x in (case.reference, case.image)
  )
  gaps = np.abs(before - after).reshape(*before.shape[:3], -1)
  return (gaps > 1e-12).all(-1)


@pytest.fixture
def released(shared, monkeypatch):
  """The cases with released parameters, by transform and name."""
  monkeypatch.setenv("TFPERCEPT_WEIGHTS", str(shared / "data" / "weights"))
  folder = shared / "golden" / "losses"
  return {
    name: {c.name: c for c in cases.read(name, folder)} for name in TRANSFORMS
  }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
  ("name", "case"),
  [(name, case) for name in TRANSFORMS for case in INITIAL[name]],
  ids=[f"{name}-{c.name}" for name in TRANSFORMS for c in INITIAL[name]],
)
def test_initial_parameters_give_the_authors_numbers(name, case, dtype):
  assert_agrees(name, case, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", RELEASED)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_released_parameters_give_the_authors_numbers(
  released, name, case, dtype
):
  assert_agrees(name, released[name][case], dtype)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_parameters_have_the_authors_gradient(released, name, traced):
  case = released[name]["rgb_released/param_grad"]
  distance = distance_of(name, case, dtype="float64")
  distance.trainable = True

  def gradients():
    with tf.GradientTape() as tape:
      value = tf.reduce_sum(distance(case.reference, case.image))
    return tape.gradient(value, distance.trainable_variables)

  found = (tf.function(gradients) if traced else gradients)()
  for variable, gradient in zip(
    distance.trainable_variables, found, strict=True
  ):
    variable.assign(gradient)
  expected = {k: v for k, v in case.arrays.items() if k.startswith("d_")}
  found = distance.checkpoint()  # their names for the planes of a weight
  assert {f"d_{key}" for key in found} == expected.keys()
  for key, gradient in found.items():
    np.testing.assert_allclose(
      gradient, expected[f"d_{key}"], rtol=1e-7, atol=1e-9, err_msg=key
    )


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("colors", ["rgb", "gray"])
def test_pairs_of_another_set_agree_as_well(shared, released, name, colors):
  del released  # only for where the parameters are
  path = shared / "data" / "golden" / "czolbe_losses_64x64.npz"
  with np.load(path, allow_pickle=False) as stored:
    key = f"{name.replace('dft', 'fft')}_{colors}"
    pair = stored["ref"] / 255, stored["dist"] / 255
    value, gradient = stored[key], stored[f"{key}_grad4"]
  if colors == "gray":
    pair = [(x @ [0.299, 0.587, 0.114])[..., None] for x in pair]
  distance = distances.DISTANCES.get(name)(
    channels=pair[0].shape[-1],
    weights="released",
    reference=True,
    dtype="float64",
  )
  images = [tf.constant(x) for x in pair]
  with tf.GradientTape() as tape:
    tape.watch(images)
    found = tf.concat(
      [distance(r[None], i[None]) for r, i in zip(*images, strict=True)], 0
    )
  # Theirs was computed in float32, which moves phases and, at equal images,
  # their floor by a tenth.
  np.testing.assert_allclose(found, value, rtol=5e-5, atol=2e-3)
  slope = tape.gradient(found, images)[1][:4].numpy()
  scale = np.abs(gradient) + np.median(np.abs(gradient))
  assert np.mean(np.abs(slope - gradient) <= 1e-2 * scale) >= 0.95


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_case_is_looked_at(released, name):
  initial = {case.name for case in INITIAL[name]}
  assert len(initial) == 8
  assert {*initial, *RELEASED, "rgb_released/param_grad"} == {*released[name]}
