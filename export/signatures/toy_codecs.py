"""Codecs of short vectors from outside: vectors to symbols and back."""

from typing import Any

import numpy as np
import tensorflow as tf

from export.signatures import base

_TOLERANCE = 1e-5


class ToyCodecSignatures(base.Signatures):
  """Signatures of a codec of short vectors.

  Served and on a device: `code`, which is `serving_default` too, answers
  symbols, the bits that they cost, and the vectors that they stand for.
  """

  def served(self) -> dict[str, base.Signature]:
    code = self._code()
    return {"serving_default": code, "code": code}

  def on_device(self) -> dict[str, base.Signature]:
    return {"code": self._code()}

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    return {"normal noise": ({"x": self._noise(100)}, None)}

  def _code(self) -> base.Signature:
    def code(x: tf.Tensor) -> dict[str, tf.Tensor]:
      coded: Any = self.network.code(x)
      return {
        "x_hat": coded.x_hat,
        "bits": coded.bits,
        "symbols": coded.symbols,
      }

    symbols = code(tf.constant(self._noise(1)))["symbols"].shape[-1]
    vectors = (None, self._length)
    return base.Signature(
      function=code,
      inputs={"x": base.Tensor("float32", vectors, "vectors")},
      outputs={
        "x_hat": base.Tensor("float32", vectors, "decoded vectors"),
        "bits": base.Tensor("float32", (None,), "bits of each vector"),
        "symbols": base.Tensor("int32", (None, symbols), "what is sent"),
      },
      example={"x": self._noise(3)},
      tolerance=_TOLERANCE,
      is_relative=True,
      precisions=("float32",),
    )

  @property
  def _length(self) -> int:
    return self.manifest["config"]["dimensions"]

  def _noise(self, count: int) -> np.ndarray:
    noise = np.random.RandomState(0).normal(size=(count, self._length))
    return noise.astype(np.float32)


for _name in ("toy_transform_codec", "toy_vector_quantizer"):
  base.SIGNATURES.register(_name)(ToyCodecSignatures)
