"""Networks that start where a trained one stands, and can do more.

wider = warm_start.with_rates(network, (0.0002, 0.4))
wider = warm_start.with_widths(wider, (64, 96, 160))
wider = warm_start.with_latents(wider, 320, pictures)
warm_start.take_over(channel_wise, wider)
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models.compression import (
  linear_path,
  modulation,
  transform_codec,
  transforms,
)

_SEED = 0  # of the weights of new channels
_AT_ONCE = 16  # pictures, which bounds the memory that features take
_HEIR = ("channel_wise_hyperprior", "mean_scale_hyperprior")


def with_rates(network: keras.Model, lmbda: Sequence[float]) -> keras.Model:
  """Returns a copy of a network whose qualities span other lambdas.

  A quality of the copy stands for another lambda than before. Its gains and
  modulations are those that the network has at that lambda, so that within the
  old range the copy codes as the network does, but for interpolation between
  whole qualities. Beyond the old range gains follow lambda and modulations stay
  at those of the nearer end: a start for training, not a codec to use.

  Args:
    network: A built `TransformCodec` of two levels or more.
    lmbda: Weight of the squared errors of 8-bit values at the smallest and the
      largest quality of the copy, two numbers above 0.

  Returns:
    A built network of the same class, in float32.

  Raises:
    ValueError: if `lmbda` is not two rising numbers above 0, or the network has
      a single level.
  """
  levels = network.levels
  if levels < 2:
    raise ValueError(
      f"a {network.registered_name} of one level has no range of rates; train "
      "it with the lambda that it shall have"
    )
  config = {**network.get_config(), "lmbda": [float(end) for end in lmbda]}
  copy = type(network).from_config(config)
  copy.build()
  copy.set_weights(network.get_weights())
  low, high = network.ends
  wanted = transform_codec.lambda_of(
    tf.range(1, levels + 1, dtype=tf.float32), copy.ends, levels
  )
  quality = 1.0 + (levels - 1) * np.log(wanted / low) / np.log(high / low)
  for layer in copy.submodules:
    if isinstance(layer, modulation.Modulation):
      for table in layer.weights:
        table.assign(modulation.between(table, quality)[:, 0, 0])
  # Gains are kept relative to the middle of the range, which moves.
  moved = 0.5 * np.log(copy.reference_lmbda / network.reference_lmbda)
  for table, sign in zip(copy.gains, (1.0, -1.0), strict=True):
    table.assign(modulation.between(table, quality)[:, 0, 0] + sign * moved)
  return copy


def with_widths(network: keras.Model, widths: Sequence[int]) -> keras.Model:
  """Returns a copy of a network whose transforms have more hidden channels.

  The copy codes just as the network does: nothing of the old channels depends
  on a new one before training. The new channels see all others, by weights
  drawn from a fixed seed, so that training makes use of each in its own way.

  Args:
    network: A built `TransformCodec`.
    widths: Numbers of hidden channels of the copy, as many as the network has
      and none smaller.

  Returns:
    A built network of the same class, in float32.

  Raises:
    ValueError: if `widths` is not as long as those of the network, one of
      them is smaller, or the network has no `widths`.
  """
  config, wanted = network.get_config(), [int(width) for width in widths]
  if "widths" not in config:
    raise ValueError(
      f"a {network.registered_name} has no widths, so it cannot get more "
      "hidden channels; start from a network that has them, or drop the widths"
    )
  old = config["widths"]
  if len(wanted) != len(old) or any(
    new < width for new, width in zip(wanted, old, strict=True)
  ):
    raise ValueError(
      f"the network has {old} hidden channels, and a copy can have more of "
      f"each; got {wanted}"
    )
  copy = type(network).from_config({**config, "widths": wanted})
  copy.build()
  inputs = {
    id(layer.kernel): 3 if _is_transposed(layer) else 2
    for layer in copy.submodules
    if isinstance(layer, keras.layers.Conv2D)
  }
  generator = np.random.default_rng(_SEED)
  for before, after in zip(network.weights, copy.weights, strict=True):
    value = after.numpy()
    known = tuple(slice(side) for side in before.shape)
    if id(after) in inputs and before.shape != after.shape:
      # The old outputs see nothing of the new inputs.
      axis = inputs[id(after)]
      deviation = (np.prod(value.shape[:2]) * value.shape[axis]) ** -0.5
      value = generator.normal(0, deviation, value.shape).astype(np.float32)
      old_outputs = (*known[:axis], slice(None), *known[axis + 1 :])
      value[old_outputs] = 0
    value[known] = before.numpy()
    after.assign(value)
  return copy


def _is_transposed(layer: keras.layers.Layer) -> bool:
  return isinstance(layer, keras.layers.Conv2DTranspose)


def take_over(network: keras.Model, initial: keras.Model) -> None:
  """Gives a network the weights of one of the same kind, or of a simpler one.

  A channel-wise hyperprior can start from a mean-scale hyperprior of the same
  channels. Before training its contexts add nothing, so that it codes just as
  that does.

  Args:
    network: A built network; its weights are replaced.
    initial: A built network.

  Raises:
    ValueError: if the network cannot start from the other.
  """
  require_heir(network.registered_name, initial.registered_name)
  ours, theirs = (_parts(one) for one in (network, initial))
  for name, weights in theirs.items():
    shapes = [[w.shape for w in part] for part in (ours[name], weights)]
    if shapes[0] != shapes[1]:
      raise ValueError(
        f"{name} of the network to start from has weights of shapes "
        f"{shapes[1]}; those of the other have {shapes[0]}"
      )
    for ours_here, weight in zip(ours[name], weights, strict=True):
      ours_here.assign(weight)


def require_heir(name: str, initial: str) -> None:
  """Raises ValueError unless a network can take over another's weights.

  Args:
    name: Registered name of the network.
    initial: Registered name of the network that has the weights.
  """
  if name != initial and (name, initial) != _HEIR:
    raise ValueError(
      f"a {name} cannot start from a {initial}; start it from its own kind, "
      f"or a {_HEIR[0]} from a {_HEIR[1]}"
    )


def _parts(network: keras.Model) -> dict[str, list[tf.Variable]]:
  """Returns the weights of a network by its parts."""
  layers = {
    "analysis": network.analysis,
    "synthesis": network.synthesis,
    **network.entropy_model.layers,
  }
  found = {
    name: [w for each in tf.nest.flatten(layer) for w in each.weights]
    for name, layer in layers.items()
  }
  return {**found, "scaling": [*network.gains, network.deviation]}


def with_latents(
  network: keras.Model,
  latents: int,
  pictures: np.ndarray,
  quantizer: transform_codec.Quantizer,
) -> keras.Model:
  """Returns a copy of a network with more channels of latents.

  What the network has stays as it is: hyper-latents, the bits of its latents
  and what its synthesis makes of them. The new channels are linear at first.
  The analysis takes from blocks of 16x16 pixels what is orthogonal to its own
  linear path and is missing most in what the network makes of `pictures` at
  its largest quality; the synthesis adds the least-squares estimate of what is
  missing.

  Args:
    network: A built scale or mean-scale hyperprior.
    latents: Number of channels of the copy, more than the network has, at most
      768.
    pictures: Float32 `[N, H, W, 3]` in [0, 1], sides multiples of 64, some
      thousands of blocks of 16x16 in all.
    quantizer: Function that rounds latents as a file does.

  Returns:
    A built network of the same class, in float32.

  Raises:
    ValueError: if there would not be more channels, or the entropy model can
      not be widened.
  """
  config = network.get_config()
  count = latents - config["latents"]
  if count <= 0 or latents > transforms.VALUES:
    raise ValueError(
      f"the network has {config['latents']} channels of latents and can get up "
      f"to {transforms.VALUES}; got {latents}"
    )
  if not network.entropy_model.can_widen:
    raise ValueError(
      f"a {network.registered_name} cannot get more latents; start from a "
      "scale or a mean-scale hyperprior"
    )
  copy = _with_room(network, latents)
  seen, missing, deviations = _missing(network, pictures, quantizer, count)
  unit = copy.starting_step
  linear_path.extend(copy.analysis, copy.synthesis, seen, missing, unit)
  copy.deviation[-count:].assign(deviations / unit)
  copy.entropy_model.start(deviations / unit)
  return copy


def _with_room(network: keras.Model, latents: int) -> keras.Model:
  """Returns a copy of a network with more latents, whose weights are 0."""
  config = {**network.get_config(), "latents": latents}
  copy = type(network).from_config(config)
  copy.build()
  for old, new in zip(network.weights, copy.weights, strict=True):
    value = np.zeros(new.shape, np.float32)
    value[tuple(slice(side) for side in old.shape)] = old.numpy()
    new.assign(value)
  return copy


def _missing(
  network: keras.Model,
  pictures: np.ndarray,
  quantizer: transform_codec.Quantizer,
  count: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Finds the parts of blocks that a network's reconstructions miss most.

  Returns:
    Orthonormal vectors `[768, count]`; the values `[count, 768]` that a block
    misses for each unit along one of them; and the deviations of blocks along
    each, `[count]`.
  """
  seen: list[np.ndarray] = []
  missed: list[np.ndarray] = []
  for start in range(0, len(pictures), _AT_ONCE):
    x = tf.constant(pictures[start : start + _AT_ONCE])
    quality = tf.fill([len(x)], float(network.levels))
    error = x - network(x, quality, quantizer).x_hat
    for kept, image in ((seen, x), (missed, error)):
      values = tf.nn.space_to_depth(image, transforms.STRIDE)
      kept.append(tf.reshape(values, [-1, transforms.VALUES]).numpy())
  blocks = np.concatenate(seen).astype(np.float64)
  errors = np.concatenate(missed).astype(np.float64)
  known, _ = np.linalg.qr(network.analysis.linear.kernel.numpy()[0, 0])
  apart = errors - errors @ known @ known.T
  _, vectors = np.linalg.eigh(apart.T @ apart)
  vectors = vectors[:, ::-1][:, :count]
  along = (blocks - blocks.mean(axis=0)) @ vectors
  missing, *_ = np.linalg.lstsq(along, errors, rcond=None)
  deviations = np.maximum(along.std(axis=0), 1e-6)
  return (
    vectors.astype(np.float32),
    missing.astype(np.float32),
    deviations.astype(np.float32),
  )
