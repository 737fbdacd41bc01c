"""Quantizers of latents for the training of codecs.

A quantizer is called with latents, less their means, and a number that tells
its calls apart. It returns two tensors like the latents: the one whose bits are
counted, and the one that is decoded. Noise follows from the seed and that
number alone.
"""

from collections.abc import Callable

import tensorflow as tf

from tfpercept.ops import numerics, quantization

Pair = tuple[tf.Tensor, tf.Tensor]


def _noise(latents: tf.Tensor, seed: tf.Tensor, call: int) -> tf.Tensor:
  own = tf.random.experimental.stateless_fold_in(seed, call)
  return tf.random.stateless_uniform(tf.shape(latents), own, -0.5, 0.5)


class Noise:
  """Noise of unit width in place of rounding, for both.

  Args:
    seed: Seed of the noise, int32 `[2]`.

  Source: Ballé, Laparra, Simoncelli, "End-to-end optimized image compression",
  2017, section 2.2.
  """

  def __init__(self, seed: tf.Tensor):
    self._seed = seed

  def __call__(self, latents: tf.Tensor, call: int) -> Pair:
    noisy = latents + _noise(latents, self._seed, call)
    return noisy, noisy


class StraightThrough:
  """Rounded for both, with the gradient of what was rounded.

  Args:
    seed: Seed, int32 `[2]`, which is not used.

  Source: Theis, Shi, Cunningham, Huszár, "Lossy image compression with
  compressive autoencoders", 2017, section 2.1.
  """

  def __init__(self, seed: tf.Tensor):
    del seed

  def __call__(self, latents: tf.Tensor, call: int) -> Pair:
    whole = numerics.rounded(latents)
    return whole, whole


class Mixed:
  """Counts bits of latents with noise, decodes rounded ones.

  Args:
    seed: Seed of the noise, int32 `[2]`.

  Source: Minnen, Singh, "Channel-wise autoregressive entropy models for learned
  image compression", 2020, section 3.2.
  """

  def __init__(self, seed: tf.Tensor):
    self._seed = seed

  def __call__(self, latents: tf.Tensor, call: int) -> Pair:
    noisy = latents + _noise(latents, self._seed, call)
    return noisy, numerics.rounded(latents)


class SoftRounding:
  """Rounds softly, adds noise, and takes the mean of what that may have been.

  The unit interval around that mean is what the noisy value says of the latent,
  so the bits are counted there, too.

  Args:
    seed: Seed of the noise, int32 `[2]`.
    sharpness: Near 0 it is noise alone, at infinity rounding.

  Source: Agustsson, Theis, "Universally quantized neural compression", 2020,
  section 4.
  """

  def __init__(self, seed: tf.Tensor, sharpness: float = 4.0):
    self._seed, self._sharpness = seed, sharpness

  def __call__(self, latents: tf.Tensor, call: int) -> Pair:
    soft = quantization.soft_round(latents, self._sharpness)
    noisy = soft + _noise(latents, self._seed, call)
    mean = quantization.soft_round_conditional_mean(noisy, self._sharpness)
    return mean, mean


class Dithered:
  """Dithered rounding: an encoder that shares its noise with the decoder.

  `round(y - u) + u` is distributed as `y + u`, so the training sees just what
  such an encoder makes. Gradients pass straight through.

  Args:
    seed: Seed of the noise, int32 `[2]`.

  Source: Agustsson, Theis, 2020, section 3.1.
  """

  def __init__(self, seed: tf.Tensor):
    self._seed = seed

  def __call__(self, latents: tf.Tensor, call: int) -> Pair:
    noise = _noise(latents, self._seed, call)
    dithered = numerics.rounded(latents - noise) + noise
    return dithered, dithered


class Rounding:
  """Rounds for both, as a file does; has no gradient."""

  def __call__(self, latents: tf.Tensor, call: int) -> Pair:
    whole = tf.round(latents)
    return whole, whole


QUANTIZERS: dict[str, Callable[[tf.Tensor], Callable[..., Pair]]] = {
  "mixed": Mixed,
  "noise": Noise,
  "straight_through": StraightThrough,
  "soft": SoftRounding,
  "dithered": Dithered,
}
"""Quantizers by the names of the flag `--quantizer`."""


def get(name: str) -> Callable[[tf.Tensor], Callable[..., Pair]]:
  """Returns a quantizer by its name.

  Raises:
    ValueError: if there is none of that name.
  """
  if name not in QUANTIZERS:
    raise ValueError(
      f"a quantizer is one of {', '.join(QUANTIZERS)}; got {name!r}"
    )
  return QUANTIZERS[name]
