"""SRCNN has the published size, starts at bicubic and survives saving."""

import hashlib
import io
import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models


@pytest.mark.parametrize(
  # Dong et al. 2016, section 4.3.1, count weights without biases.
  ("kernels", "weights"),
  [((9, 1, 5), 8_032), ((9, 5, 5), 57_184)],
)
def test_published_networks_have_their_number_of_weights(kernels, weights):
  network = models.SRCNN(kernels=kernels)
  network.build()
  assert network.count_params() == weights + 64 + 32 + 1


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (33, 20)])
def test_any_size_is_kept_and_training_starts_at_the_input(size):
  network = models.SRCNN()
  x = tf.random.uniform((2, *size, 1))
  y = network(x)
  assert y.shape == x.shape
  # The last layer starts with weights of 1e-3.
  assert float(tf.reduce_max(tf.abs(y - x))) < 0.1


def test_the_output_sees_as_far_as_its_radius():
  network = models.SRCNN(kernels=(5, 1, 3))
  network.build()
  network.set_weights([np.abs(w) for w in network.get_weights()])
  x = np.zeros((1, 15, 15, 1), np.float32)
  x[0, 7, 7] = 1.0
  touched = np.asarray(network(x) - network(0 * x))[0, 7, :, 0] != 0
  assert network.radius == 3
  assert touched.tolist() == [abs(i - 7) <= 3 for i in range(15)]


def test_the_output_is_float32_in_mixed_precision():
  network = models.SRCNN(dtype="mixed_bfloat16")
  y = network(tf.random.uniform((1, 9, 9, 1)))
  assert y.dtype == tf.float32
  assert {w.dtype for w in network.weights} == {tf.float32}


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"filters": (64,)}, "two positive widths; got"),
    ({"filters": (64, 0)}, "two positive widths; got"),
    ({"kernels": (9, 5)}, "three odd kernel sizes"),
    ({"kernels": (9, 4, 5)}, "three odd kernel sizes"),
  ],
)
def test_impossible_networks_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    models.SRCNN(**options)


@pytest.fixture
def network():
  made = models.SRCNN(filters=(4, 3), kernels=(3, 1, 3))
  made.build()
  made.set_weights([np.random.random(w.shape) for w in made.get_weights()])
  return made


def test_keras_saves_and_loads_it_without_custom_objects(network, tmp_path):
  x = tf.random.uniform((1, 9, 9, 1))
  expected = network(x)
  network.save(tmp_path / "network.keras")
  loaded = keras.models.load_model(tmp_path / "network.keras")
  np.testing.assert_array_equal(loaded(x), expected)


def test_a_model_folder_gives_the_network_back(network, tmp_path):
  models.save(network, tmp_path / "run" / "model", scale=4)
  x = tf.random.uniform((1, 9, 9, 1))
  for folder in (tmp_path / "run", tmp_path / "run" / "model"):
    loaded, manifest = models.load(folder)
    np.testing.assert_array_equal(loaded(x), network(x))
    assert manifest["scale"] == 4 and manifest["model"] == "srcnn"


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_network_that_is_not_finite_is_not_saved(network, tmp_path, bad):
  network.layers[0].bias.assign([0, bad, 0, 0])
  with pytest.raises(ValueError, match=r"got NaN or infinity in one of shape"):
    models.save(network, tmp_path / "model")


def test_a_weight_too_large_for_half_precision_is_told(network, tmp_path):
  network.layers[0].bias.assign([0, -1e5, 0, 0])
  with pytest.raises(ValueError, match="100000 does not fit float16; use"):
    models.save(network, tmp_path / "model", dtype="float16")


def test_only_a_model_or_nothing_is_replaced(network, tmp_path):
  (tmp_path / "holiday.png").write_bytes(b"x")
  with pytest.raises(ValueError, match=r"not a model, such as holiday\.png"):
    models.save(network, tmp_path)
  assert [path.name for path in tmp_path.iterdir()] == ["holiday.png"]
  (tmp_path / "model").mkdir()
  for _ in range(2):
    models.save(network, tmp_path / "model")
  assert models.load(tmp_path / "model")


def edit(folder, **changes):
  path = folder / "manifest.json"
  path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def npz(folder, *, drop=None, cast=np.float32, scale=1.0, claim=None):
  """The weights of a folder as a file with one thing wrong."""
  with np.load(folder / "weights.npz") as stored:
    arrays = {k: (v * scale).astype(cast) for k, v in stored.items()}
  arrays.pop(drop, None)
  file = io.BytesIO()
  np.savez(file, **arrays)
  if claim is None:
    return file.getvalue()
  header = io.BytesIO()
  np.lib.format.write_array_header_1_0(
    header, {"descr": "<f4", "fortran_order": False, "shape": claim}
  )
  file = io.BytesIO()
  with zipfile.ZipFile(file, "w") as archive:
    archive.writestr("000.npy", header.getvalue())
  return file.getvalue()


def forge(folder, contents):
  """Replaces the weights together with their checksum."""
  (folder / "weights.npz").write_bytes(contents)
  edit(folder, sha256=hashlib.sha256(contents).hexdigest())


@pytest.mark.parametrize(
  ("damage", "message"),
  [
    (lambda f: (f / "manifest.json").unlink(), "no trained model in"),
    (lambda f: (f / "manifest.json").write_text("{"), "not a model manifest"),
    (lambda f: (f / "manifest.json").write_text("[]"), "not a model manifest"),
    (
      lambda f: (f / "manifest.json").write_text("[" * 100_000),
      "not a model manifest",
    ),
    (lambda f: edit(f, format="x"), "its format is 'x'"),
    (lambda f: edit(f, model="srcn"), "Did you mean 'srcnn'"),
    (lambda f: edit(f, config={"depth": 3}), "no option 'depth'"),
    (lambda f: edit(f, weights=[[10**6, 10**6]]), "claims more than"),
    (lambda f: edit(f, weights=[[3]]), "do not fit its config"),
    (lambda f: edit(f, weights=3), "its weights is 3"),
    (lambda f: edit(f, weights=[[-3]]), "a weight of shape"),
    (lambda f: edit(f, config=[]), r"its config is \[\]"),
    (lambda f: edit(f, config={"filters": ["a", 3]}), "impossible config"),
    # 4 TB, were they allocated.
    (lambda f: edit(f, config={"filters": [10**6] * 2}), "do not fit"),
    (lambda f: edit(f, config={"filters": [10**30] * 2}), "impossible config"),
    (lambda f: (f / "weights.npz").unlink(), "weights.npz is missing or"),
    (lambda f: (f / "weights.npz").write_bytes(b"PK"), "is missing or is not"),
    # What follows has the right checksum.
    (lambda f: forge(f, b""), "not what `models.save` writes"),
    (lambda f: forge(f, b"no zip file"), "not what `models.save` writes"),
    (lambda f: forge(f, npz(f, drop="003")), "no item named '003.npy'"),
    (lambda f: forge(f, npz(f, cast=np.float64)), "not float32"),
    (lambda f: forge(f, npz(f, cast=object)), "not float32"),
    (lambda f: forge(f, npz(f, scale=np.nan)), "holds NaN or infinity"),
    (lambda f: forge(f, npz(f, claim=(10**6, 10**6))), "not float32"),
  ],
)
def test_a_damaged_model_folder_is_refused(network, tmp_path, damage, message):
  folder = tmp_path / "model"
  models.save(network, folder)
  damage(folder)
  with pytest.raises(ValueError, match=message):
    models.load(folder)
