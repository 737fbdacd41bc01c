"""What a saved loss was set to is what it is in the process that loads it."""

import inspect
import json
import math
import pathlib

import keras
import numpy as np
import pytest

from tests import forked, saved_losses
from tfpercept import distances, losses, weights
from tfpercept.models.perceptual import backbones

FILE = "a file of weights"  # made by `_weights_for`

# Each option of each distance at another value than its default, in as few
# distances as take them together. A new option needs its place here.
OTHER = {
  "delta_e": [{"formula": "CIE76"}],
  "dists": [{"weights": FILE}],
  "lpips": [
    {"net": "squeeze", "linear": False, "signed": False, "weights": FILE}
  ],
  "mae": [{}],
  "ms_ssim": [
    {
      "scales": 2,
      "weights": (0.3, 0.3, 0.4),
      "window": 7,
      "sigma": 1.2,
      "k1": 0.02,
      "k2": 0.05,
      "on_small": "fewer_levels",
      "clamp": "shifted",
    },
    {"border": "mirror", "scales": 3, "per_pixel": True},
  ],
  "mse": [{}],
  "nlpd": [
    {"levels": 3, "cd_min": 4.0, "cd_max": 120.0, "on_small": "fewer_levels"},
    {"fast": True, "levels": 4},
  ],
  "pim": [
    {
      "weights": None,
      "mixtures": 3,
      "front_end": "laplacian",
      "width": 8,
      "z_dim": 4,
      "linear_head": True,
      "estimator": "sampled",
      "samples": 2,
      "seed": 3,
    }
  ],
  "psnr": [{}],
  "robust": [
    {"alpha": 0.5, "scale": 0.2, "approximate": True},
    {
      "adaptive": True,
      "size": (16, 24, 3),
      "color": "RGB",
      "levels": 3,
      "scale_base": 1.5,
      "alpha_lo": 0.01,
      "alpha_hi": 1.5,
      "alpha_init": 0.8,
      "scale_lo": 1e-4,
      "scale_init": 0.5,
      "reference": True,
    },
    {
      "adaptive": True,
      "size": (16, 24, 3),
      "representation": "dct",
      "czolbe_layout": True,
      "weights": FILE,
    },
  ],
  "ssim": [
    {"window": 7, "sigma": 1.2, "k1": 0.02, "k2": 0.05, "border": "zero"},
    {"on_small": "shrink_window"},
  ],
  "watson_dct": [
    {
      "channels": 1,
      "blocks": 4,
      "weights": FILE,
      "shift": (1, 2),
      "pool": "mean",
      "pad": "edge",
      "luminance_floor": 0.05,
    },
    {"shift": "random", "seed": 3},
    {"reference": True},
  ],
  "watson_dft": [
    {
      "channels": 1,
      "blocks": 4,
      "weights": FILE,
      "shift": (1, 2),
      "pool": "mean",
      "pad": "edge",
      "luminance_floor": 0.05,
      "phase_damping": 1e-6,
    },
    {"shift": "random", "seed": 3},
    {"reference": True},
  ],
  "watson_vgg": [{"weights": FILE, "reference": True}],
}
# Which have no other yet, or are older names that a config does not keep.
ONE_VALUE = {("lpips", "version"), ("ssim", "padding")}

# Likewise what a loss takes beside its distance.
SETTINGS = {
  "reduction": "none",
  "dtype": "float64",
  "check_range": True,
  "value_range": (-1.0, 1.0),
  "name": "mine",
}
OF_DISTANCE = ("dtype", "check_range", "value_range")
CASES = [
  f"{name}-{number}"
  for name, variants in OTHER.items()
  for number in range(len(variants))
]


def _keyword_only(function) -> set[str]:
  parameters = inspect.signature(function).parameters.values()
  return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


@pytest.mark.parametrize("name", distances.names())
def test_every_option_of_a_distance_has_another_value_here(name):
  defaults = distances.DISTANCES.options(name)
  seen = set().union(*OTHER[name])
  assert seen | {o for n, o in ONE_VALUE if n == name} == set(defaults)
  for options in OTHER[name]:
    assert not [o for o, value in options.items() if value == defaults[o]]


def test_every_setting_of_a_loss_has_another_value_here():
  assert set(SETTINGS) == _keyword_only(losses.DistanceLoss.__init__)


def _weights_for(factory, options, path: pathlib.Path) -> str:
  """Writes weights that a distance can have been given, unlike its own."""
  random = np.random.default_rng(1)
  if options.get("net") == "squeeze":  # has no kernels of its own
    arrays = {}
    for name, (k, _, n, m) in backbones.SQUEEZENET.shapes.items():
      kernel = random.standard_normal((m, n, k, k), np.float32)
      arrays[f"{name}.weight"] = kernel * math.sqrt(2 / (k * k * n))
      arrays[f"{name}.bias"] = np.zeros(m, np.float32)
  else:
    plain = {k: v for k, v in options.items() if v is not FILE}
    arrays = {
      name: array + 0.1 * random.random(array.shape).astype(array.dtype)
      for name, array in factory(**plain).checkpoint().items()
    }
  np.savez(path, **arrays)
  return str(path)


def _network() -> keras.Model:
  return keras.Sequential(
    [keras.layers.Input((None, None, 1)), keras.layers.Conv2D(1, 1)]
  )


def _images(distance, size) -> dict[str, np.ndarray]:
  height, width = size
  channels = 3 if 3 in (distance.channels or (3,)) else distance.channels[0]
  random = np.random.default_rng(0)
  pair = random.random((2, 2, height, width, channels))
  return {"reference": pair[0], "image": pair[1]}


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
  """Folder of models that one other process has loaded, and what was saved."""
  folder = tmp_path_factory.mktemp("losses")
  saved = {}
  for case in CASES:
    name, _, number = case.rpartition("-")
    factory, options = distances.DISTANCES.get(name), OTHER[name][int(number)]
    path = folder / f"{case}.keras"
    try:
      made = {
        key: _weights_for(factory, options, folder / f"{case}-given.npz")
        if value is FILE
        else value
        for key, value in options.items()
      }
      distance = factory(**made, **{key: SETTINGS[key] for key in OF_DISTANCE})
    except weights.MissingWeights as missing:
      saved[case] = missing
      continue
    images = path.with_suffix(".images.npz")
    np.savez(images, **_images(distance, options.get("size", (48, 48))[:2]))
    loss = losses.DistanceLoss(distance, **SETTINGS)
    model = _network()
    model.compile(optimizer="sgd", loss=loss)
    model.save(path)
    saved[case] = saved_losses.describe(loss, images)
  done = forked.run("tests.saved_losses", folder)
  assert done.returncode == 0, done.stderr
  return folder, saved


@pytest.mark.parametrize("case", CASES)
def test_a_loss_is_the_same_in_the_process_that_loads_it(
  case, reloaded, weights_or_skip
):
  folder, saved = reloaded
  if isinstance(saved[case], weights.MissingWeights):
    with weights_or_skip():
      raise saved[case]
  with np.load(folder / f"{case}.npz") as found:
    assert str(found["spec"]) == saved[case]["spec"]
    assert str(found["settings"]) == saved[case]["settings"]
    # Another process may add in another order.
    np.testing.assert_allclose(
      found["values"], saved[case]["values"], rtol=1e-9
    )
  assert np.all(saved[case]["values"] != 0)
  settings = json.loads(saved[case]["settings"])
  for key, value in json.loads(json.dumps(SETTINGS)).items():
    assert settings[key] == value
  name, _, number = case.rpartition("-")
  for option in OTHER[name][int(number)]:
    assert f"{option}=" in saved[case]["spec"]


@keras.saving.register_keras_serializable(package="tests")
class Halved(distances.MSE):
  """Not what its inherited name stands for."""

  def pool(self, maps):
    return super().pool(maps) / 2


def test_a_subclass_is_not_taken_for_the_distance_that_it_varies(tmp_path):
  model = _network()
  model.compile(optimizer="sgd", loss=losses.get(Halved()))
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert type(loaded.loss.distance) is Halved
  assert (Halved().spec, distances.MSE().spec) == ("Halved", "mse")
