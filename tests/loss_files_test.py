"""What files hold of a distance: what moved, and nothing of fixed networks."""

import copy
import os
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import distances, losses, metrics
from tfpercept.distances import base, pim

KERAS_2 = keras.__version__.startswith("2.")
SPECS = (
  "lpips",
  "pim",
  "robust(adaptive=True, size=(48, 48, 3))",
  "0.5*watson_dft + 2.0*lpips",
)


def images(seed=0):
  random = np.random.default_rng(seed)
  return random.random((2, 1, 48, 48, 3)).astype(np.float32)


def compiled(loss="mse", **kwargs):
  keras.utils.set_random_seed(1)
  model = keras.Sequential(
    [keras.layers.Input((None, None, 3)), keras.layers.Conv2D(3, 3)]
  )
  model.layers[0].padding = "same"
  model.compile(optimizer="sgd", loss=loss, **kwargs)
  return model


def move(distance):
  """Changes what can be trained, as a task does."""
  distance.trainable = True
  for number, weight in enumerate(distance.trainable_weights):
    weight.assign(np.asarray(weight) * 1.25 + 0.01 * (number + 1))
  distance.trainable = False


def parameters(distance):
  return [np.array(weight) for weight in distance.weights]


def size(path):
  if path.is_dir():
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
  return sum(p.stat().st_size for p in path.parent.glob(path.name + "*"))


def write(model, folder, kind):
  path = folder / kind
  if kind == "model.keras":
    model.save(path)
  elif kind == "model.weights.h5":
    model.save_weights(path)
  elif kind == "checkpoint":
    tf.train.Checkpoint(model=model).write(path)
  elif kind == "exported":
    model.export(path, **({} if KERAS_2 else {"verbose": False}))
  else:
    tf.keras.models.save_model(model, path)
  return size(path)


KINDS = ["model.keras", "model.weights.h5", "checkpoint", "exported"]


@pytest.mark.parametrize("kind", [*KINDS, *["saved_model"] * KERAS_2])
def test_files_of_a_compiled_model_hold_nothing_of_a_fixed_network(
  tmp_path, kind
):
  y, x = images()
  found = []
  for loss, metric in [("mse", "mse"), ("lpips", "lpips")]:
    model = compiled(losses.get(loss), metrics=[metrics.get(metric)])
    model.fit(x, y, verbose=0)
    (tmp_path / loss).mkdir()
    found.append(write(model, tmp_path / loss, kind))
  # The network of lpips alone has 9.9 MB.
  assert found[1] - found[0] < 4000


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("kind", ["model.keras", "model.weights.h5"])
def test_what_moved_is_saved_and_found_again(tmp_path, spec, kind):
  loss = losses.get(spec)
  move(loss.distance)
  expected = parameters(loss.distance)
  model = compiled(loss)
  write(model, tmp_path, kind)
  if kind == "model.keras":
    loaded = keras.models.load_model(tmp_path / kind)
  else:
    loaded = compiled(losses.get(spec))
    loaded.load_weights(tmp_path / kind)
  for found, wanted in zip(
    parameters(loaded.loss.distance), expected, strict=True
  ):
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", ["model.keras", "model.weights.h5"])
def test_weights_trained_under_one_loss_load_under_another(tmp_path, kind):
  specs = ("mse", "lpips", SPECS[2])
  for first in specs:
    loss = losses.get(first)
    move(loss.distance)
    model = compiled(loss)
    write(model, tmp_path, kind)
    for second in specs:
      other = losses.get(second)
      before = parameters(other.distance)
      # A compiled loss of its own, and one that holds no distance.
      for compiled_with in (other, "mse"):
        loaded = compiled(compiled_with)
        loaded.load_weights(tmp_path / kind)
        np.testing.assert_array_equal(
          loaded.get_weights()[0], model.get_weights()[0]
        )
      if first != second:
        for found, wanted in zip(
          parameters(other.distance), before, strict=True
        ):
          np.testing.assert_array_equal(found, wanted)


def test_a_file_that_holds_no_parameters_stands_for_the_first_ones(tmp_path):
  loss = losses.get(SPECS[2])
  first = parameters(loss.distance)
  model = compiled(loss)
  model.save_weights(tmp_path / "first.weights.h5")
  move(loss.distance)
  model.load_weights(tmp_path / "first.weights.h5")
  for found, wanted in zip(parameters(loss.distance), first, strict=True):
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("spec", SPECS)
def test_files_of_the_old_layout_load(tmp_path, monkeypatch, spec):
  """They hold all variables by number, and no checksum."""
  loss = losses.get(spec, name="distance_loss")
  move(loss.distance)
  expected = parameters(loss.distance)
  with monkeypatch.context() as patch:
    patch.setattr(
      base.Distance,
      "save_own_variables",
      keras.layers.Layer.save_own_variables,
    )
    if spec == "pim":  # its network had a group of its own
      patch.delattr(pim.PIM, "save_own_variables")
      patch.delattr(pim.PIM, "__dir__")
    patch.setattr(base.Distance, "checksum", None)
    patch.setattr(distances.WeightedSum, "checksum", None)
    model = compiled(loss)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
  count = sum(weight.size for weight in expected)
  assert size(tmp_path / "model.keras") > 4 * count
  again = losses.get(spec)
  compiled(again).load_weights(tmp_path / "model.weights.h5")
  loaded = keras.models.load_model(tmp_path / "model.keras").loss
  for distance in (loaded.distance, again.distance):
    for found, wanted in zip(parameters(distance), expected, strict=True):
      np.testing.assert_array_equal(found, wanted)
  # Nor are they in the way of another loss.
  compiled(losses.get("mse")).load_weights(tmp_path / "model.keras")


def test_a_network_saved_by_itself_is_whole(tmp_path):
  network = distances.get("pim").network
  expected = [np.array(weight) for weight in network.weights]
  network.save_weights(tmp_path / "network.weights.h5")
  network.save(tmp_path / "network.keras")
  again = type(network).from_config(network.get_config() | {"seed": 5})
  again.load_weights(tmp_path / "network.weights.h5")
  loaded = keras.models.load_model(tmp_path / "network.keras")
  for one in (again, loaded):
    for found, wanted in zip(one.weights, expected, strict=True):
      np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", [*SPECS, "mse + 2.0*pim"])
def test_copies_of_a_loss_hold_what_moved_and_save_it(tmp_path, spec, dtype):
  y, x = images()
  loss = losses.get(spec, dtype=dtype)
  move(loss.distance)
  expected, value = parameters(loss.distance), np.array(loss(y, x))
  for number, one in enumerate(
    (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)))
  ):
    for found, wanted in zip(parameters(one.distance), expected, strict=True):
      np.testing.assert_array_equal(found, wanted)
    assert np.array(one(y, x)).dtype == dtype
    np.testing.assert_allclose(one(y, x), value, rtol=1e-5)
    path = tmp_path / f"{number}.weights.h5"
    compiled(one).save_weights(path)
    again = losses.get(spec, dtype=dtype)
    compiled(again).load_weights(path)
    for found, wanted in zip(parameters(again.distance), expected, strict=True):
      np.testing.assert_array_equal(found, wanted)


def linear_layers(path, factor):
  with open(path, "wb") as file:
    np.savez(
      file,
      **{
        name: array * factor
        for name, array in distances.get("lpips").checkpoint().items()
      },
    )


@pytest.mark.parametrize("part", ["loss", "metric", "layer"])
def test_weights_that_are_no_longer_those_of_the_file_are_refused(
  tmp_path, part
):
  path = os.fspath(tmp_path / "mine.npz")
  linear_layers(path, 1)
  spec = f"lpips(weights={path!r})"
  if part == "layer":
    a, b = keras.Input((48, 48, 3)), keras.Input((48, 48, 3))
    model = keras.Model([a, b], distances.get(spec)(a, b))
  elif part == "loss":
    model = compiled(losses.get(spec))
  else:
    model = compiled(metrics=[metrics.get(spec)])
  model.save(tmp_path / "model.keras")
  keras.models.load_model(tmp_path / "model.keras")
  linear_layers(path, 2)
  with pytest.raises(ValueError, match=r"weights of lpips.* are not those"):
    keras.models.load_model(tmp_path / "model.keras")
  if part != "layer":
    keras.models.load_model(tmp_path / "model.keras", compile=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_checksum_is_of_the_file_whatever_the_precision(dtype):
  checksum = distances.get("lpips", dtype=dtype).checksum
  assert checksum == distances.get("lpips").checksum is not None
  assert distances.get("0.5*mse + watson_dft").checksum is None
  assert distances.get("pim").checksum not in (None, checksum)
