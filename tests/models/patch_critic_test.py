"""Critics give a logit to each patch and have kernels of norm 1."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfpercept import extras, models
from tfpercept.models import patch_critic


def tiny(**options):
  return patch_critic.PatchCritic(
    (4, 6, 8), **{"latents": 5, "condition": 3, **options}
  )


def norms(critic):
  """The largest singular value of each kernel."""
  return [
    np.linalg.svd(v.numpy().reshape(-1, v.shape[-1]), compute_uv=False)[0]
    for v in critic.trainable_variables
    if v.shape.rank == 4
  ]


def pair(height=32, width=48, channels=3):
  random = np.random.default_rng(0)
  x = random.random((2, height, width, channels), np.float32)
  y = random.normal(size=(2, height // 16, width // 16, 5))
  return tf.constant(x), tf.constant(y, tf.float32)


def test_there_is_a_logit_for_each_place_and_size():
  critic = tiny()
  assert critic(*pair()).shape == (2, 8, 12)
  assert critic(*pair(64, 64)).shape == (2, 16, 16)
  assert critic(*pair()).dtype == tf.float32


def test_the_condition_matters_and_may_be_left_out():
  x, y = pair()
  critic = tiny()
  assert np.abs(critic(x, y) - critic(x, 2 * y)).max() > 1e-4
  assert tiny(latents=0)(x).shape == (2, 8, 12)
  with pytest.raises(ValueError, match="condition of 5 channels"):
    critic(x)


def test_kernels_are_brought_to_spectral_norm_1():
  critic = tiny()
  # Power iterations come near from below.
  np.testing.assert_allclose(norms(critic), 1, atol=0.05)
  for variable in critic.trainable_variables:
    variable.assign(3 * variable)
  before = [variable.numpy() for variable in critic.variables]
  critic(*pair())
  for variable, value in zip(critic.variables, before, strict=True):
    np.testing.assert_array_equal(variable, value)
  for _ in range(20):
    critic.normalize()
  np.testing.assert_allclose(norms(critic), 1, atol=0.02)


def test_hidden_layers_run_in_half_precision():
  x, y = pair()
  critic = tiny(dtype="mixed_bfloat16")
  assert critic(x, y).dtype == tf.float32
  assert all(v.dtype == tf.float32 for v in critic.variables)


def test_the_size_of_the_paper_is_that_of_the_specification():
  critic = models.PatchCritic(latents=220)
  count = sum(v.shape.num_elements() for v in critic.trainable_variables)
  assert 2.7e6 < count < 2.9e6


@pytest.mark.parametrize(
  "options", [{"latents": -1}, {"stride": 0}, {"condition": 1.5}]
)
def test_options_out_of_range_are_named(options):
  with pytest.raises(ValueError, match="whole numbers above 0"):
    tiny(**options)


def test_without_the_library_its_extra_is_named(monkeypatch):
  monkeypatch.setitem(sys.modules, "tensorflow_addons", None)
  with pytest.raises(extras.MissingExtra, match=r"tfpercept\[adversarial\]"):
    tiny()
