"""Weights in fewer bits than float32 has, in arrays that any `.npz` can hold.

An array of integers `name` goes with `name@scale`, the step of each of its
output channels, and with `name@low`, if it has more than 16 bits: a byte for
each number, which comes below the 16 bits of `name` itself.
"""

from collections.abc import Mapping

import numpy as np

_SCALE, _LOW = "@scale", "@low"
_BITS = {"int16": 16, "int18": 18}
_BYTE = 256


def packed(
  arrays: Mapping[str, np.ndarray], dtype: str
) -> dict[str, np.ndarray]:
  """Returns weights in a smaller form, which `unpacked` turns back to float32.

  Args:
    arrays: Weights by name. Integers stay as they are.
    dtype: `"float32"`, `"float16"`, or `"int16"` and `"int18"`: integers of
      that many bits, in steps of 1/32767 or 1/131071 of the largest weight of
      each output channel, the last axis.
  """
  made = {}
  for name, array in arrays.items():
    if array.dtype.kind != "f":
      made[name] = array
    elif dtype in _BITS:
      made |= _integers(name, array, _BITS[dtype])
    else:
      made[name] = array.astype(dtype)
  return made


def _integers(name: str, array: np.ndarray, bits: int) -> dict[str, np.ndarray]:
  axes = tuple(range(array.ndim - 1))
  scale = np.abs(array).max(axes, initial=1e-30) / (2 ** (bits - 1) - 1)
  whole = np.rint(array / scale).astype(np.int32)
  if bits == 16:
    return {name: whole.astype(np.int16), name + _SCALE: np.float32(scale)}
  spare = 2 ** (24 - bits)  # of the low byte, which zeros fill
  high, low = np.divmod(whole * spare, _BYTE)
  return {
    name: high.astype(np.int16),
    name + _LOW: low.astype(np.uint8),
    name + _SCALE: np.float32(scale / spare),
  }


def unpacked(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Undoes `packed`; ValueError if it was not `packed` that made them."""
  made = {}
  for name, array in arrays.items():
    if name.endswith((_SCALE, _LOW)):
      continue
    if name + _SCALE in arrays:
      array = _numbers(name, array, arrays)
    is_half = array.dtype == np.float16
    made[name] = array.astype(np.float32) if is_half else array
  return made


def _numbers(
  name: str, array: np.ndarray, arrays: Mapping[str, np.ndarray]
) -> np.ndarray:
  scale, low = arrays[name + _SCALE], arrays.get(name + _LOW)
  if array.dtype != np.int16 or scale.shape != array.shape[-1:]:
    raise ValueError(
      f"{name} should be int16, with a step for each of its last axis; got "
      f"{array.dtype} of shape {array.shape}, steps of shape {scale.shape}"
    )
  if low is None:
    return array.astype(np.float32) * np.float32(scale)
  if low.dtype != np.uint8 or low.shape != array.shape:
    raise ValueError(
      f"{name}{_LOW} should be uint8 of shape {array.shape}; got {low.dtype} "
      f"of shape {low.shape}"
    )
  # 24 bits are exact in float32.
  return (array * np.float32(_BYTE) + low) * np.float32(scale)
