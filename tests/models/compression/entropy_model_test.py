"""Entropy models state what codecs need, and keep the keys of checkpoints."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import models
from tfpercept.models.compression import transform_codec

SMALL = {
  "widths": (4, 4, 4), "latents": 8, "hyper_width": 4, "hyper_latents": 4,
  "slices": (2, 2, 4), "context_width": 4, "base": 2,
}  # fmt: skip
# SHA-256 of the sorted keys and shapes of a checkpoint, and of the names and
# shapes of weights in order, as commit b65c8fe wrote them; there networks
# inherited from one another what are parts of entropy models now.
KEYS = {
  "factorized_prior": (
    "e3f30a31e95e985ba9aec3ea4b66e4998022722236f1245b6ee0ffa0e8b9fd05",
    "8dd88070e608943d0d09dc59a8982149dc66408728c07dd75c2f5cae19872abf",
  ),
  "scale_hyperprior": (
    "5215ac520c44951271c3eabf6f85646ccbe2d22591d1eca722605f8d0ef0fe2f",
    "847ce071ae32debb301da7fe2600e20040160afd103e5ee9df8e007fdfb9023a",
  ),
  "mean_scale_hyperprior": (
    "5b6553430ba3376b409f009a1ed6338f80317738c3180be22f681cfa31ae11bc",
    "602febcc7dc75588abbe976e93ab3f4ed9e6cbee4c0bba37861f46411ccc21bf",
  ),
  "channel_wise_hyperprior": (
    "3f6481d478e03d08a9123f78dd97e23ff82964fc58ebae35a0f708fe97153737",
    "8131c9e063e236dd24104000ad8d4d4f0dd702c6b08d437d85ab830e41227b85",
  ),
  # As it was when it came.
  "hific": (
    "288f262860be0d5b01a43595402722e5bd0f8d63341897dda9e879ec906368ef",
    "57453f53cf5a3b30b5c7f339f8fe439a3f7b96f5d80a0f9a1a3300a7bdab587a",
  ),
}


def build(name):
  known = models.MODELS.options(name)
  network = models.MODELS.create(
    name, {k: v for k, v in SMALL.items() if k in known}
  )
  network.build()
  return network


@pytest.fixture(params=KEYS)
def name(request):
  return request.param


def digest(lines):
  return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_all_codec_networks_are_known():
  assert transform_codec.names() == tuple(sorted(KEYS))


def test_checkpoints_and_weights_have_the_keys_of_the_first_networks(
  name, tmp_path
):
  network = build(name)
  prefix = tf.train.Checkpoint(network=network).write(str(tmp_path / "c"))
  keys = [
    f"{key} {shape}"
    for key, shape in tf.train.list_variables(prefix)
    if "OBJECT_GRAPH" not in key and "save_counter" not in key
  ]
  weights = [f"{w.name} {tuple(w.shape)}" for w in network.weights]
  assert (digest(sorted(keys)), digest(weights)) == KEYS[name]


def test_the_network_tracks_the_layers_of_its_entropy_model(name):
  network = build(name)
  for key, layer in network.entropy_model.layers.items():
    tracked = getattr(network, key)
    assert tracked is layer or list(tracked) == list(layer)


def test_a_built_entropy_model_states_what_coding_needs(name):
  model = build(name).entropy_model
  assert [c.start for c in model.slices[1:]] == [
    c.stop for c in model.slices[:-1]
  ]
  assert model.slices[-1].stop == model.latents == 8
  assert set(model.tables()) == ({"y", "z"} if model.hyper_latents else {"y"})
  assert len(model.tables()["y"].offsets) == model.table_count
  assert bool(model.integer_layers) == model.has_side_information
  assert (model.ratio > 1) == model.has_side_information


def test_only_single_symbols_of_normal_densities_are_refined():
  can = {name for name in KEYS if build(name).entropy_model.can_refine}
  assert can == {"scale_hyperprior", "mean_scale_hyperprior"}


def test_a_model_without_side_information_says_so():
  network = build("factorized_prior")
  y = tf.zeros([1, 2, 2, 8])
  with pytest.raises(ValueError, match="factorized has no side information"):
    network.hyper_latents(y, tf.ones([1]))


@pytest.mark.parametrize("offset", [0, 1])
def test_a_hyper_latent_sees_no_further_than_the_halo(offset):
  """Rows in the halo tell of it; beyond, not one bit depends on them."""
  network = build("mean_scale_hyperprior")
  model, quality = network.entropy_model, tf.constant([3.0])
  halo, ratio, place = model.analysis_halo, model.ratio, 8
  y = tf.random.stateless_normal([1, 4 * 16, 4, 8], [0, 1])
  start, stop = ratio * place - halo - offset, ratio * (place + 1) + halo
  rows = np.arange(y.shape[1])
  for outside in (rows < start, rows >= stop + offset):
    other = tf.where(outside[None, :, None, None], -y, y)
    one, two = (
      network.hyper_latents(given, quality)[:, place] for given in (y, other)
    )
    assert np.array_equal(one, two)


def test_codecs_know_the_bitstream_of_every_network(name):
  """Models are below codecs, so only a test can compare the two."""
  from tfpercept.codecs.bitstream import header
  from tfpercept.codecs.learned import entropy_parameters, learned_codec

  assert learned_codec  # which registers all entropy parameters
  codec = build(name).entropy_model.codec
  assert codec in header.CODEC_IDS
  assert codec in entropy_parameters.PARAMETERS.names()
