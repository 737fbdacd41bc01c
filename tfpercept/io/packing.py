"""Weights in fewer bits than float32, in arrays that any `.npz` can hold.

A packed array `name` of int16 has a companion `name@scale`, the step of each
output channel. With more than 16 bits it also has `name@low`: a byte for each
number, which holds the bits below the 16 of `name`.
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
    dtype: Type of the result: `"float32"`, `"float16"`, `"int16"` or `"int18"`.
      The latter two are integers of that many bits, in steps of 1/32767 or
      1/131071 of the largest weight of each output channel, which is the last
      axis.

  Raises:
    ValueError: if a finite weight is too large for float16, or a weight that
      is not finite is to be an integer.
  """
  made = {}
  for name, array in arrays.items():
    if array.dtype.kind != "f":
      made[name] = array
    elif dtype in _BITS:
      made |= _integers(name, array, _BITS[dtype])
    else:
      made[name] = _rounded(name, array, dtype)
  return made


def _rounded(name: str, array: np.ndarray, dtype: str) -> np.ndarray:
  with np.errstate(over="ignore"):  # told below
    rounded = array.astype(dtype)
  if np.any(np.isinf(rounded) & np.isfinite(array)):
    largest = np.abs(array[np.isfinite(array)]).max()
    raise ValueError(
      f"{name} holds {largest:g}, and the largest {dtype} is "
      f"{np.finfo(dtype).max:g}; pack it as int16 or int18"
    )
  return rounded


def _integers(name: str, array: np.ndarray, bits: int) -> dict[str, np.ndarray]:
  if not np.isfinite(array).all():
    raise ValueError(
      f"{name} holds NaN or infinity, which no integer is; train the weights "
      "anew, or pack them as float32"
    )
  axes = tuple(range(array.ndim - 1))
  scale = np.abs(array).max(axes, initial=1e-30) / (2 ** (bits - 1) - 1)
  whole = np.rint(array / scale).astype(np.int32)
  if bits == 16:
    return {name: whole.astype(np.int16), name + _SCALE: np.float32(scale)}
  spare = 2 ** (24 - bits)  # shifts the number so that zeros fill the low byte
  high, low = np.divmod(whole * spare, _BYTE)
  return {
    name: high.astype(np.int16),
    name + _LOW: low.astype(np.uint8),
    name + _SCALE: np.float32(scale / spare),
  }


def unpacked(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Returns the weights of `packed` as float32.

  Raises:
    ValueError: if arrays do not have the form that `packed` makes.
  """
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
  # The sum has at most 24 bits, so float32 holds it exactly.
  return (array * np.float32(_BYTE) + low) * np.float32(scale)
