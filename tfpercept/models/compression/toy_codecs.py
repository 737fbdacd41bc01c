"""Codecs of short vectors: transform coding and vector quantization."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfpercept.models import base
from tfpercept.models.compression import densities
from tfpercept.ops import dct, quantization

_LARGEST = 4.0  # sharpness of soft rounding that can be learned
_LN2 = math.log(2)


class Coded(NamedTuple):
  """The symbols and reconstructions of N vectors.

  Attributes:
    x_hat: Reconstructions, float32 `[N, D]`.
    bits: Bits of each vector under the codec's own probabilities, float32
      `[N]`.
    symbols: Symbols that are sent, int32 `[N, L]`.
  """

  x_hat: tf.Tensor
  bits: tf.Tensor
  symbols: tf.Tensor


@base.register("toy_transform_codec")
class ToyTransformCodec(keras.Model):
  """Rounds the outputs of a transform and codes each on its own.

  Both transforms are dense layers with softplus between them; without hidden
  layers they are linear. Called, it returns reconstructions from hard rounding.

  Args:
    dimensions: Length D of the vectors.
    latents: Number L of latents.
    widths: Widths of the hidden layers of each transform, from the vector to
      the latents and in the same order back.
    seed: Seed of the initial weights.
    dtype: Keras dtype, float32 or None.
    name: Keras model name.

  Raises:
    ValueError: if a width is not positive.

  Source: Balle et al., "Nonlinear transform coding", 2021, sections II and III.
  """

  def __init__(
    self,
    *,
    dimensions: int,
    latents: int,
    widths: Sequence[int] = (100, 100),
    seed: int = 0,
    dtype: str | None = None,
    name: str = "toy_transform_codec",
  ):
    if min(dimensions, latents, *widths) < 1:
      raise ValueError(
        "a transform codec needs positive widths; got "
        f"dimensions={dimensions}, latents={latents}, widths={tuple(widths)}"
      )
    super().__init__(name=name, dtype=_float32(dtype))
    self._config = {
      "dimensions": dimensions,
      "latents": latents,
      "widths": list(widths),
      "seed": seed,
      "name": name,
    }
    self.analysis = _dense(dimensions, [*widths, latents], seed, "analysis")
    self.synthesis = _dense(
      latents, [*widths, dimensions], seed + 100, "synthesis"
    )
    self.density = densities.FactorizedDensity(latents)
    self._sharpness = self.add_weight(
      name="sharpness",
      shape=(),
      initializer=keras.initializers.Constant(math.log(3.0)),  # gives 3
    )
    self.built = True

  def build(self, input_shape: Any = None) -> None:
    self.built = True  # its parts were when they were made

  @property
  def is_linear(self) -> bool:
    """Whether both transforms are."""
    return not self._config["widths"]

  def sharpness(self) -> tf.Tensor:
    """Returns the learned sharpness of soft rounding, between 0 and 4."""
    return _LARGEST * tf.sigmoid(self._sharpness)

  def noisy(
    self, x: tf.Tensor, *, sharpness: tf.Tensor, seed: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns reconstructions and bits that can be trained on.

    Latents are rounded softly and get uniform noise of width 1. What the noise
    leaves to be expected is decoded, and the unit interval around it is what
    the noisy value says of the latent: its probability gives the bits.

    Args:
      x: Vectors, float32 `[N, D]`.
      sharpness: Sharpness of soft rounding.
      seed: Int32 `[2]`, of the noise.

    Returns:
      float32 `[N, D]` and `[N]`.
    """
    y = quantization.soft_round(self.analysis(x), sharpness)
    noise = tf.random.stateless_uniform(tf.shape(y), seed, -0.5, 0.5)
    y_hat = quantization.soft_round_conditional_mean(y + noise, sharpness)
    bits = tf.reduce_sum(self.density.bits(y_hat), axis=-1)
    return self.synthesis(y_hat), bits

  def code(self, x: tf.Tensor) -> Coded:
    """Codes vectors `[N, D]` with hard rounding."""
    y_hat = tf.round(self.analysis(x))
    bits = tf.reduce_sum(self.density.bits(y_hat), axis=-1)
    return Coded(self.synthesis(y_hat), bits, tf.cast(y_hat, tf.int32))

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.code(x).x_hat

  def start(
    self, samples: np.ndarray, *, weight: float, mixed: bool = False
  ) -> None:
    """Sets linear transforms to the KLT, with the step that high rates ask for.

    Args:
      samples: Samples of the source, `[N, D]`.
      weight: Cost of a summed squared error of 1, in bits.
      mixed: Whether a DCT across the latents follows, so that each of them
        depends on all. The KLT is a local optimum for some sources that are not
        normal, and training from there does not leave it.

    Raises:
      ValueError: if the transforms are not linear.
    """
    if not self.is_linear:
      raise ValueError(
        f"only linear transforms start at the KLT; these have hidden widths "
        f"{self._config['widths']}"
      )
    latents = self._config["latents"]
    mean = samples.mean(axis=0)
    _, basis = np.linalg.eigh(np.cov(samples.T).reshape([len(mean)] * 2))
    basis = basis[:, ::-1][:, :latents]  # [D, L], largest variance first
    if mixed:
      basis = basis @ dct.dct_matrix(latents).T
    # d/ds of s^2 / 12 * weight - log2(s) is 0 here.
    step = math.sqrt(6 / (weight * _LN2))
    self.analysis.layers[-1].set_weights([basis / step, -mean @ basis / step])
    self.synthesis.layers[-1].set_weights([basis.T * step, mean])

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)


@base.register("toy_vector_quantizer")
class ToyVectorQuantizer(keras.Model):
  """A codebook whose entries have probabilities.

  A vector takes the entry with the least sum of bits and weighted squared
  error. Called, it returns those entries.

  Args:
    dimensions: Length D of the vectors.
    entries: Number K of entries of the codebook.
    weight: Cost of a summed squared error of 1, in bits.
    dtype: Keras dtype, float32 or None.
    name: Keras model name.

  Raises:
    ValueError: if an argument is not positive.

  Source: Chou, Lookabaugh, Gray, "Entropy-constrained vector quantization",
  1989, section II; trained by gradients as in Balle et al., "Nonlinear
  transform coding", 2021, section III.
  """

  def __init__(
    self,
    *,
    dimensions: int,
    entries: int = 256,
    weight: float,
    dtype: str | None = None,
    name: str = "toy_vector_quantizer",
  ):
    if dimensions < 1 or entries < 1 or not weight > 0:
      raise ValueError(
        "a vector quantizer needs positive arguments; got "
        f"dimensions={dimensions}, entries={entries}, weight={weight}"
      )
    super().__init__(name=name, dtype=_float32(dtype))
    self._config = {
      "dimensions": dimensions,
      "entries": entries,
      "weight": float(weight),
      "name": name,
    }
    self.codebook = self.add_weight(
      name="codebook", shape=(entries, dimensions), initializer="zeros"
    )
    self.logits = self.add_weight(
      name="logits", shape=(entries,), initializer="zeros"
    )
    self.built = True

  def build(self, input_shape: Any = None) -> None:
    self.built = True

  def start(self, samples: np.ndarray) -> None:
    """Sets the entries to the first of these samples, `[N, D]`."""
    self.codebook.assign(samples[: self._config["entries"]])

  def entry_bits(self) -> tf.Tensor:
    """Returns what each entry costs, `[K]`."""
    return -tf.nn.log_softmax(self.logits) / _LN2

  def costs(self, x: tf.Tensor) -> tf.Tensor:
    """Returns bits plus weighted error of each vector and entry, `[N, K]`.

    Errors are those of `|x|^2 - 2 x c + |c|^2`, good to about 1e-6 of `|x|^2`.
    """
    squares = [tf.reduce_sum(v**2, axis=-1) for v in (x, self.codebook)]
    products = tf.matmul(x, self.codebook, transpose_b=True)
    errors = squares[0][:, None] - 2 * products + squares[1]
    return self.entry_bits() + self._config["weight"] * errors

  def code(self, x: tf.Tensor) -> Coded:
    """Codes vectors `[N, D]`."""
    index = tf.argmin(self.costs(x), axis=-1, output_type=tf.int32)
    return Coded(
      tf.gather(self.codebook, index),
      tf.gather(self.entry_bits(), index),
      index[:, None],
    )

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return self.code(x).x_hat

  def get_config(self) -> dict[str, Any]:
    return dict(self._config)


def _dense(
  fan_in: int, widths: Sequence[int], seed: int, name: str
) -> keras.Sequential:
  layers = [
    keras.layers.Dense(
      width,
      activation="softplus" if place < len(widths) - 1 else None,
      kernel_initializer=keras.initializers.GlorotUniform(seed + place),
      dtype="float32",
    )
    for place, width in enumerate(widths)
  ]
  return keras.Sequential([keras.Input([fan_in]), *layers], name=name)


def _float32(dtype: str | None) -> str:
  if dtype not in (None, "float32"):
    raise ValueError(f"toy codecs compute in float32; got {dtype!r}")
  return "float32"
