"""The hyperprior codec as functions of tensors, for graphs.

What `tfpercept.codecs.learned.learned_codec` does picture by picture, with the
very numbers that the model folder keeps, so that its files are the same bytes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from export.signatures import pictures, streams
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import entropy_parameters as parameters
from tfpercept.codecs.learned import hyper_synthesis, learned_codec
from tfpercept.models.compression import entropy_coding, hyper_transforms
from tfpercept.models.compression import hyperprior as networks
from tfpercept.ops import padding

_CODEC = container.CODEC_IDS["hyperprior"]
_LIMIT = hyper_transforms.SYMBOL_LIMIT
# Graphs multiply by the reciprocal instead of dividing, to other last bits.
_PIXELS = np.arange(256, dtype=np.float32) / np.float32(255)


class Latents(NamedTuple):
  """What a picture is coded as.

  Attributes:
    z: Hyper-latents, int32 `[N, h, w, hyper_latents]`.
    y: Latents less their means, int32 `[N, 4h, 4w, latents]`.
    index: Numbers of the tables of `y`, likewise.
  """

  z: tf.Tensor
  y: tf.Tensor
  index: tf.Tensor


class CodecGraph:
  """A trained codec; functions are for graphs, and run eagerly too.

  Args:
    network: A `MeanScaleHyperprior`, in float32.
    manifest: Of its model folder.
    kept: What `coding.load` returns of that folder.
  """

  def __init__(
    self,
    network: keras.Model,
    manifest: Mapping[str, Any],
    kept: Mapping[str, np.ndarray],
  ):
    self.network = network
    self.kept = kept
    self.identity = learned_codec.identity(manifest)
    self.steps = (container.STEPS, container.STEPS * network.levels)
    # NumPy computes them for the codec, and its exponentials are its own.
    gains, inverses = zip(
      *(
        parameters.gains(kept, step)
        for step in range(self.steps[0], self.steps[1] + 1)
      ),
      strict=True,
    )
    self._gain, self._inverse = np.stack(gains), np.stack(inverses)
    self._scale = kept["deviation"] * self._gain

  def step(self, quality: tf.Tensor) -> tf.Tensor:
    """Returns a quality in sixteenths, int32; refuses one out of range."""
    levels = self.network.levels
    allowed = tf.debugging.Assert(
      (quality >= 1.0) & (quality <= float(levels)),
      [f"quality is 1 to {levels}; got", quality],
    )
    with tf.control_dependencies([allowed]):
      return tf.cast(tf.round(quality * container.STEPS), tf.int32)

  def encode(self, image: tf.Tensor, step: tf.Tensor) -> Latents:
    """Returns the latents of pictures.

    Args:
      image: uint8 `[N, H, W, 3]`, any size.
      step: The quality in sixteenths.
    """
    for axis in (1, 2):
      size = tf.shape(image)[axis]
      whole = -(-size // networks.STRIDE) * networks.STRIDE
      index = padding.mirror_index(tf.range(whole), size)
      image = tf.gather(image, index, axis=axis)
    x = tf.gather(_PIXELS, tf.cast(image, tf.int32))
    quality = self._quality(image, step)
    y = self.network.analysis(x, quality)
    z = self.network.hyper_latents(y, quality)
    z = tf.cast(tf.clip_by_value(tf.round(z), -_LIMIT, _LIMIT), tf.int32)
    index, mean = self.parameters(z, step)
    symbols = tf.round(y * self._of_step(self._gain, step) - mean)
    return Latents(z, tf.cast(symbols, tf.int32), index)

  def parameters(
    self, z: tf.Tensor, step: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns indexes, int32, and means of `Latents.y`, float32."""
    synthesis = hyper_synthesis.HyperSynthesis(self.kept)
    hidden = synthesis.hidden(tf.cast(z, tf.float32))
    offset = self._of_step(self.kept["index_offsets"].astype(np.int32), step)
    index = tf.cast(synthesis.indexes(hidden), tf.int32) + offset
    mean = synthesis.means(hidden) * self._of_step(self._scale, step)
    return tf.clip_by_value(index, 0, entropy_coding.SCALES - 1), mean

  def decode(self, z: tf.Tensor, y: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns uint8 `[N, 16 h, 16 w, 3]` of `Latents.z` and `Latents.y`."""
    _, mean = self.parameters(z, step)
    return self._picture(y, mean, step)

  def _picture(
    self, y: tf.Tensor, mean: tf.Tensor, step: tf.Tensor
  ) -> tf.Tensor:
    y_hat = tf.cast(y, tf.float32) + mean
    x_hat = self.network.reconstruct(
      y_hat * self._of_step(self._inverse, step), self._quality(y, step)
    )
    finite = tf.debugging.Assert(
      tf.reduce_all(tf.math.is_finite(x_hat)),
      ["the latents are no picture's: the synthesis gave NaN or infinity"],
    )
    with tf.control_dependencies([finite]):
      x_hat = tf.clip_by_value(x_hat, 0.0, 1.0)
    return tf.cast(tf.round(x_hat * 255.0), tf.uint8)

  def compress(self, image: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the file of a picture, uint8 `[H, W, 1 or 3]`."""
    shape = tf.shape(image)
    colour = tf.broadcast_to(image, [shape[0], shape[1], 3])[None]
    latents = self.encode(colour, step)
    z_coder = entropy_coding.Encoder(self._tables("z"))
    z_coder.write(_channels(tf.shape(latents.z)), latents.z)
    y_coder = entropy_coding.FarEncoder(
      self._tables("y"), self.kept["far_tables"]
    )
    y_coder.write(latents.index, latents.y)
    strings = (z_coder.finish(), *y_coder.finish())
    said = step if self.network.levels > 1 else tf.zeros_like(step)
    stream = streams.Stream(shape[0], shape[1], said, shape[2] == 1, strings)
    return streams.pack(stream, codec=_CODEC, model=self.identity)

  def decompress(self, data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns uint8 `[H, W, 3]` of a file, and whether the picture is grey.

    `tf.errors.InvalidArgumentError` answers what is no file of the model.
    """
    has_rates = self.network.levels > 1
    stream = streams.unpack(
      data,
      codec=_CODEC,
      model=self.identity,
      symbols=self._symbols,
      qualities=self.steps if has_rates else (0, 0),
      max_pixels=pictures.MAX_PIXELS,
    )
    step = stream.quality if has_rates else tf.constant(self.steps[0])
    shape = tf.stack([1, *_sizes(stream.height, stream.width), self.ends[0]])
    z_string, *y_strings = stream.strings
    z_coder = entropy_coding.Decoder(self._tables("z"), z_string)
    z = _read(z_coder, _channels(shape))
    within = tf.debugging.Assert(
      tf.reduce_all((z >= -_LIMIT) & (z <= _LIMIT)),
      [f"a hyper-latent is beyond {_LIMIT}"],
    )
    with tf.control_dependencies([within]):
      index, mean = self.parameters(z, step)
    far = self.kept["far_tables"]
    y_coder = entropy_coding.FarDecoder(self._tables("y"), far, *y_strings)
    y = _read(y_coder, index)
    picture = self._picture(y, mean, step)
    return picture[0, : stream.height, : stream.width], stream.grey

  def _tables(self, name: str) -> entropy_coding.Tables:
    return entropy_coding.Tables(
      self.kept[f"{name}_tables"], self.kept[f"{name}_offsets"]
    )

  @property
  def ends(self) -> tuple[int, int]:
    """Channels of hyper-latents and of latents."""
    config = self.network.get_config()
    return config["hyper_latents"], config["latents"]

  def _symbols(
    self, height: tf.Tensor, width: tf.Tensor
  ) -> tuple[tf.Tensor, ...]:
    """Returns the most symbols of z, of y, and of y beyond the tables."""
    h, w = _sizes(height, width)
    latents = h * w * hyper_transforms.STRIDE**2 * self.ends[1]
    return h * w * self.ends[0], latents, latents

  def _of_step(self, table: np.ndarray, step: tf.Tensor) -> tf.Tensor:
    """Returns the row of a quality."""
    return tf.gather(tf.constant(table), step - self.steps[0])

  def _quality(self, batch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    quality = tf.cast(step, tf.float32) / float(container.STEPS)
    return tf.fill(tf.shape(batch)[:1], quality)


def _read(
  coder: entropy_coding.Decoder | entropy_coding.FarDecoder, index: tf.Tensor
) -> tf.Tensor:
  """Returns all symbols of a decoder, once its strings are at their end."""
  symbols = coder.read(index)
  ended = tf.debugging.Assert(
    coder.finish(), ["a string does not end as it should"]
  )
  with tf.control_dependencies([ended]):
    return tf.identity(symbols)


def _sizes(height: tf.Tensor, width: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns rows and columns of hyper-latents."""
  return -(-height // networks.STRIDE), -(-width // networks.STRIDE)


def _channels(shape: tf.Tensor) -> tf.Tensor:
  """Returns the number of the channel of each position."""
  return tf.broadcast_to(tf.range(shape[-1]), shape)
