"""Writes trained networks as models that code."""

import json
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import manifests, models
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  coding_tables,
  layout,
  learned_codec,
  model_ids,
  selftest,
)
from tfpercept.io import files
from tfpercept.models.compression import (
  entropy_coding,
  integer,
  transform_codec,
)


def save(
  network: keras.Model, folder: files.PathLike, *, dtype: str = "float32",
  **details: Any,
) -> None:  # fmt: skip
  """Writes a trained network and all that codes with it, atomically.

  Args:
    network: Any built `TransformCodec`.
    folder: Folder to write; a model in it is replaced.
    dtype: Type in which weights are kept. For `"float16"` they are rounded
      first, to 8 digits, so that tables and integers are those of the kept
      weights.
    **details: JSON values for the manifest.

  Raises:
    ValueError: if the network cannot be made exact (`arrays`), or the folder
      holds something else than a model.
  """
  manifests.require_replaceable(folder)
  if dtype != "float32":
    network = _rounded_copy(network, dtype)
  kept = {coding_tables.FILE: arrays(network)}
  details[model_ids.BITSTREAM] = network.entropy_model.codec
  with files.atomic(folder) as temporary:
    models.save(network, temporary, dtype=dtype, arrays=kept, **details)
    path = temporary / "manifest.json"
    manifest = json.loads(path.read_text())
    codec = learned_codec.Hyperprior(model=str(temporary), check=False)
    manifest[selftest.FIELD] = selftest.vector(codec)
    files.write_json(path, manifest)


def _rounded_copy(network: keras.Model, dtype: str) -> keras.Model:
  """Returns a copy of a network with weights rounded to `dtype`."""
  rounded = [_short(w).astype(dtype) for w in network.get_weights()]
  copy = type(network).from_config(network.get_config())
  copy.build()
  copy.set_weights([w.astype(np.float32) for w in rounded])
  for layer, _ in copy.entropy_model.integer_layers.values():
    layer.settle()  # few distinct numbers, which take less room
  return copy


def _short(weight: np.ndarray) -> np.ndarray:
  """Rounds to 8 binary digits, which take less room once compressed."""
  mantissa, exponent = np.frexp(weight)
  return np.ldexp(np.round(mantissa * 2**8) / 2**8, exponent)


def arrays(network: transform_codec.TransformCodec) -> dict[str, np.ndarray]:
  """Returns all arrays that a codec keeps of a trained network, by name.

  Args:
    network: Built network.

  Raises:
    ValueError: if a sum of an integer layer might be inexact in float32, or the
      network has more than `coding_tables.MAX_LEVELS`.
  """
  model, levels = network.entropy_model, network.levels
  coding_tables.check_levels(levels)
  made = {}
  for name, tables in model.tables().items():
    made[f"{name}_tables"], made[f"{name}_offsets"] = tables
  for name, (layer, _) in model.integer_layers.items():
    made |= _integers(name, layer)
  if model.has_side_information:
    made["index_offsets"] = _index_offsets(network)
  whole = tf.range(1, levels + 1, dtype=tf.float32)
  ends = [gain.numpy()[:, 0, 0] for gain in network.log_gains(whole)]
  made |= {
    "far_tables": entropy_coding.FAR_LOOKUP,
    "log_gain": ends[0],
    "log_inverse": ends[1],
    "deviation": network.deviation.numpy(),
  }
  coding_tables.check(made, layout.of_arrays(made, model.codec))
  return made


def _index_offsets(network: transform_codec.TransformCodec) -> np.ndarray:
  """Returns what each quality adds to indexes, int16 `[steps, latents]`.

  Scales are equally spaced in logarithms, so a gain moves an index by its own
  logarithm over that spacing. Rounded once here, it is the same everywhere.
  """
  steps = tf.range(
    0, container.STEPS * (network.levels - 1) + 1, dtype=tf.float32
  )
  log_gain, _ = network.log_gains(1.0 + steps / container.STEPS)
  offsets = log_gain.numpy()[:, 0, 0] / entropy_coding.LOG_STEP
  return np.round(offsets).astype(np.int16)


def _integers(
  name: str, layer: integer.IntegerConvolution
) -> dict[str, np.ndarray]:
  """Returns the arrays of an integer layer that a model folder keeps.

  Args:
    name: Name of the layer, with which the names of the arrays begin.
    layer: Built layer.

  Raises:
    ValueError: if its weights are too large.
  """
  kernel, bias, exponents = (value.numpy() for value in layer.integers())
  shift = exponents + layer.input_bits - layer.output_bits
  if shift.min() < 0:
    raise ValueError(
      f"{name} has weights of {np.abs(kernel).max():g} units, which are too "
      "large to be rounded to the units of its output"
    )
  return {
    f"{name}_kernel": kernel.astype(np.int8),
    f"{name}_bias": bias.astype(np.int32),
    f"{name}_shift": shift.astype(np.int8),
  }
