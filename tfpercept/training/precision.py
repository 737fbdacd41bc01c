"""Which arithmetic a training uses."""

import pathlib

import tensorflow as tf

PRECISIONS = ("auto", "float32", "bfloat16")


def resolve(precision: str) -> str:
  """Returns `"float32"` or `"bfloat16"`.

  `"auto"` takes bfloat16 where the processor multiplies it natively (AVX-512
  BF16 or AMX; GPUs of compute capability 8 or newer): elsewhere it is emulated
  and slower than float32. Distances compute in float32 either way.

  Raises:
    ValueError: if `precision` is unknown.
  """
  if precision not in PRECISIONS:
    raise ValueError(
      f"precision is one of {', '.join(PRECISIONS)}; got {precision!r}"
    )
  if precision == "auto":
    return "bfloat16" if _has_native_bfloat16() else "float32"
  return precision


def policy(precision: str) -> str:
  """Returns the Keras dtype policy of what `resolve` makes of a precision."""
  return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[
    resolve(precision)
  ]


def _has_native_bfloat16() -> bool:
  gpus = tf.config.list_physical_devices("GPU")
  if gpus:
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("compute_capability", (0, 0)) >= (8, 0)
  cpuinfo = pathlib.Path("/proc/cpuinfo")
  if not cpuinfo.exists():
    return False
  flags = cpuinfo.read_text()
  return "avx512_bf16" in flags or "amx_bf16" in flags
