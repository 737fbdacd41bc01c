"""The learned codec as functions of tensors, for graphs.

What `tfpercept.codecs.learned.learned_codec` does picture by picture and strip
by strip, with the very numbers that the model folder keeps, so that its files
are the same bytes. Entropy parameters are made by the codec's own functions.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from export.signatures import graph_arithmetic, pictures, streams
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  entropy_parameters,
  layout,
  model_ids,
  symbol_coder,
)
from tfpercept.models.compression import (
  entropy_coding,
  hyper_transforms,
  transform_codec,
)
from tfpercept.ops import padding

_LIMIT = hyper_transforms.SYMBOL_LIMIT
# Graphs multiply by the reciprocal instead of dividing, to other last bits.
_PIXELS = np.arange(256, dtype=np.float32) / np.float32(255)
_NO_END = "a string does not end as it should"
_NO_PICTURE = "the latents are no picture's: the synthesis gave NaN or infinity"

Finish = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""Function from latents that are not scaled, faithful pictures that are not
clipped, and qualities `[N]` to other pictures that are not clipped."""


class Latents(NamedTuple):
  """The symbols of pictures.

  Attributes:
    z: Hyper-latents, int32 `[N, h, w, hyper_latents]`; None without side
      information.
    y: Latents less their means, int32 `[N, ratio h, ratio w, latents]`.
    index: Numbers of the coding tables of `y`, int32 of the same shape.
  """

  z: tf.Tensor | None
  y: tf.Tensor
  index: tf.Tensor


class CodecGraph:
  """A trained codec; functions are for graphs, and run eagerly too.

  Args:
    network: Network of the codec, in float32.
    manifest: Manifest of its model folder.
    kept: Arrays of that folder, as `coding_tables.load` returns them.

  Attributes:
    network: Network of the codec.
    model: Entropy model of the network.
    kept: Arrays of the model folder, by name.
    identity: The 8 bytes that name the model in files.
    steps: Least and largest quality, in sixteenths.
  """

  def __init__(
    self,
    network: transform_codec.TransformCodec,
    manifest: Mapping[str, Any],
    kept: Mapping[str, np.ndarray],
  ):
    self.network, self.model = network, network.entropy_model
    self.kept = kept
    self.identity = model_ids.identity(manifest)
    self.steps = (container.STEPS, container.STEPS * network.levels)
    self._codec = container.CODEC_IDS[self.model.codec]
    self._laid = layout.of_arrays(kept, self.model.codec)
    self._parameters = entropy_parameters.of_layout(
      self._laid, kept, graph_arithmetic.Variables()
    )
    every = range(self.steps[0], self.steps[1] + 1)
    # NumPy computes them for the codec, and its exponentials are its own.
    gains, inverses = zip(
      *(entropy_parameters.gains(kept, step) for step in every), strict=True
    )
    offsets, scales = (
      [of_step(step) for step in every]
      for of_step in (self._parameters.offsets, self._parameters.mean_scale)
    )
    self._gain, self._inverse, self._offset, self._scale = (
      tf.Variable(np.stack(rows), trainable=False)
      for rows in (gains, inverses, offsets, scales)
    )

  def step(self, quality: tf.Tensor) -> tf.Tensor:
    """Returns qualities in sixteenths, int32; refuses any out of range."""
    levels = self.network.levels
    allowed = tf.debugging.Assert(
      tf.reduce_all(self._is_quality(quality)),
      [f"quality is 1 to {levels}; got", quality],
    )
    with tf.control_dependencies([allowed]):
      return tf.cast(tf.round(quality * container.STEPS), tf.int32)

  def judged_step(self, quality: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a quality in sixteenths, and why it is refused or empty."""
    allowed = self._is_quality(quality)
    reason = pictures.first(
      (
        tf.logical_not(allowed),
        [f"quality is 1 to {self.network.levels}; got ", quality],
      )
    )
    return self.step(tf.where(allowed, quality, 1.0)), reason

  def _is_quality(self, quality: tf.Tensor) -> tf.Tensor:
    return (quality >= 1.0) & (quality <= float(self.network.levels))

  def encode(self, image: tf.Tensor, step: tf.Tensor) -> Latents:
    """Returns the latents of pictures.

    Args:
      image: Pictures of any size, uint8 `[N, H, W, 3]`.
      step: Qualities in sixteenths, int32 `[N]`.
    """
    stride = self.network.stride
    for axis in (1, 2):
      size = tf.shape(image)[axis]
      whole = -(-size // stride) * stride
      index = padding.mirror_index(tf.range(whole), size)
      image = tf.gather(image, index, axis=axis)
    x = tf.gather(_PIXELS, tf.cast(image, tf.int32))
    quality = _quality(step)
    y = self.network.analysis(x, quality)
    z = None
    if self.model.has_side_information:
      z = self.network.hyper_latents(y, quality)
      z = tf.cast(tf.clip_by_value(tf.round(z), -_LIMIT, _LIMIT), tf.int32)
    hidden = self._parameters.hidden(z, tf.unstack(tf.shape(y)[:3]))
    scaled = y * self._of_step(self._gain, step)
    known: list[tf.Tensor] = []
    indexes: list[tf.Tensor] = []
    for number, channels in enumerate(self._parameters.slices):
      index, mean = self._told(number, hidden, known, step)
      symbols = tf.round(scaled[..., channels] - mean)
      known.append(tf.cast(symbols, tf.int32))
      indexes.append(index)
    return Latents(z, tf.concat(known, -1), tf.concat(indexes, -1))

  def parameters(
    self, z: tf.Tensor | None, y: tf.Tensor, step: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the entropy parameters of latents: indexes and means.

    Args:
      z: Hyper-latents, as in `Latents`.
      y: Symbols, as in `Latents`. Those of a slice tell of later slices only,
        so parameters of a slice are right once the symbols before it are.
      step: Qualities in sixteenths, int32 `[N]`.

    Returns:
      Int32 and float32, of the shape of `y`.
    """
    hidden = self._parameters.hidden(z, tf.unstack(tf.shape(y)[:3]))
    known: list[tf.Tensor] = []
    told: list[tuple[tf.Tensor, tf.Tensor]] = []
    for number, channels in enumerate(self._parameters.slices):
      told.append(self._told(number, hidden, known, step))
      known.append(y[..., channels])
    indexes, means = zip(*told, strict=True)
    return tf.concat(indexes, -1), tf.concat(means, -1)

  def _told(
    self,
    number: int,
    hidden: tf.Tensor,
    known: list[tf.Tensor],
    step: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the parameters of a slice, by the symbols of those before it."""
    channels = self._parameters.slices[number]
    return self._parameters.tell(
      number,
      hidden,
      tf.concat(known, axis=-1) if known else None,
      self._of_step(self._offset, step)[..., channels],
      self._of_step(self._scale, step)[..., channels],
    )

  def decode(
    self, z: tf.Tensor | None, y: tf.Tensor, step: tf.Tensor
  ) -> tf.Tensor:
    """Returns uint8 `[N, 16 h, 16 w, 3]` of `Latents.z` and `Latents.y`.

    Args:
      z: Hyper-latents, as in `Latents`.
      y: Symbols, as in `Latents`.
      step: Qualities in sixteenths, int32 `[N]`.
    """
    _, mean = self.parameters(z, y, step)
    x_hat = self._synthesis(self._latents(y, mean, step), step)
    finite = tf.debugging.Assert(_is_finite(x_hat), [_NO_PICTURE])
    with tf.control_dependencies([finite]):
      return _eight_bits(x_hat)

  def _latents(
    self, y: tf.Tensor, mean: tf.Tensor, step: tf.Tensor
  ) -> tf.Tensor:
    """Returns decoded latents that are not scaled."""
    y_hat = tf.cast(y, tf.float32) + mean
    return y_hat * self._of_step(self._inverse, step)

  def _synthesis(self, y_hat: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    return self.network.reconstruct(y_hat, _quality(step))

  def compress(self, image: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the file of a picture.

    Args:
      image: Picture, uint8 `[H, W, 1 or 3]`.
      step: Quality in sixteenths.
    """
    shape = tf.shape(image)
    color = tf.broadcast_to(image, [shape[0], shape[1], 3])[None]
    latents = self.encode(color, step[None])
    strings = []
    if latents.z is not None:
      side = entropy_coding.Encoder(self._tables("z"))
      side.write(_channels(tf.shape(latents.z)), latents.z)
      strings.append(side.finish())
    encoder = entropy_coding.FarEncoder(
      self._tables("y"), self.kept["far_tables"]
    )
    for channels in self._parameters.slices:
      encoder.write(latents.index[..., channels], latents.y[..., channels])
    strings += encoder.finish()
    said = step if self.network.levels > 1 else tf.zeros_like(step)
    stream = streams.Stream(
      shape[0], shape[1], said, shape[2] == 1, tuple(strings)
    )
    return streams.pack(
      stream,
      codec=self._codec,
      model=self.identity,
      integer=self.model.has_side_information,
    )

  def decompress(
    self, data: tf.Tensor, finish: Finish | None = None
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the picture of a file, or why there is none.

    It raises nothing, so that a bad file spoils no other of its batch.

    Args:
      data: Whole file.
      finish: Function that changes the picture, or None.

    Returns:
      Picture, uint8 `[H, W, 3]`; whether it is grey; and a line that says why
      the file is refused, empty if it is good.
    """
    has_rates = self.network.levels > 1
    stream, reason = streams.unpack(
      data,
      codec=self._codec,
      model=self.identity,
      symbols=functools.partial(symbol_coder.symbol_counts, self._laid),
      qualities=self.steps if has_rates else (0, 0),
      max_pixels=pictures.MAX_PIXELS,
      integer=self.model.has_side_information,
    )
    step = stream.quality if has_rates else tf.constant(self.steps[0])
    nothing = tf.zeros([1, 1, 3], tf.uint8)
    picture, reason = pictures.if_good(
      reason,
      lambda: self._decoded(stream, step[None], finish),
      (nothing, reason),
    )
    return picture, stream.grey, reason

  def _decoded(
    self, stream: streams.Stream, step: tf.Tensor, finish: Finish | None
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the picture of a stream, and why there is none or empty."""
    rows, columns = symbol_coder.latent_size(
      self._laid, stream.height, stream.width
    )
    z, z_reason = self._read_z(stream.strings, rows, columns)
    y, mean, ended = self._read_y(z, stream.strings[-2:], (rows, columns), step)
    reason = pictures.first(
      (z_reason != "", [z_reason]), (tf.logical_not(ended), [_NO_END])
    )

    def synthesized() -> tf.Tensor:
      y_hat = self._latents(y, mean, step)
      x_hat = self._synthesis(y_hat, step)
      if finish is not None:
        x_hat = finish(y_hat, x_hat, _quality(step))
      return x_hat[0, : stream.height, : stream.width]

    x_hat = pictures.if_good(reason, synthesized, tf.zeros([1, 1, 3]))
    bad = tf.logical_not(_is_finite(x_hat))
    reason = pictures.first((reason != "", [reason]), (bad, [_NO_PICTURE]))
    return _eight_bits(x_hat), reason

  def _read_z(
    self, strings: tuple[tf.Tensor, ...], rows: tf.Tensor, columns: tf.Tensor
  ) -> tuple[tf.Tensor | None, tf.Tensor]:
    """Returns the hyper-latents of a file, and why they are none or empty.

    The first is None without side information.
    """
    if not self.model.has_side_information:
      return None, tf.constant("")
    ratio = self.model.ratio
    shape = [1, rows // ratio, columns // ratio, self.model.hyper_latents]
    decoder = entropy_coding.Decoder(self._tables("z"), strings[0])
    z = decoder.read(_channels(tf.stack(shape)))
    reason = pictures.first(
      (tf.logical_not(decoder.finish()), [_NO_END]),
      (
        tf.reduce_any((z < -_LIMIT) | (z > _LIMIT)),
        [f"a hyper-latent is beyond {_LIMIT}"],
      ),
    )
    return z, reason

  def _read_y(
    self,
    z: tf.Tensor | None,
    strings: tuple[tf.Tensor, ...],
    size: tuple[tf.Tensor, tf.Tensor],
    step: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns symbols of latents, means, and whether the strings end well."""
    hidden = self._parameters.hidden(z, (1, *size))
    far = self.kept["far_tables"]
    decoder = entropy_coding.FarDecoder(self._tables("y"), far, *strings)
    known: list[tf.Tensor] = []
    means: list[tf.Tensor] = []
    for number, _ in enumerate(self._parameters.slices):
      index, mean = self._told(number, hidden, known, step)
      # What is read has no static shape, which layers of contexts need.
      known.append(tf.ensure_shape(decoder.read(index), index.shape))
      means.append(mean)
    ended = decoder.finish()
    return tf.concat(known, -1), tf.concat(means, -1), ended

  def _tables(self, name: str) -> entropy_coding.Tables:
    return entropy_coding.Tables(
      self.kept[f"{name}_tables"], self.kept[f"{name}_offsets"]
    )

  def _of_step(self, table: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the rows of qualities `[N]`, `[N, 1, 1, C]`."""
    return tf.gather(table, step - self.steps[0])[:, None, None, :]


def _quality(step: tf.Tensor) -> tf.Tensor:
  return tf.cast(step, tf.float32) / float(container.STEPS)


def _is_finite(x_hat: tf.Tensor) -> tf.Tensor:
  return tf.reduce_all(tf.math.is_finite(x_hat))


def _eight_bits(x_hat: tf.Tensor) -> tf.Tensor:
  x_hat = tf.clip_by_value(x_hat, 0.0, 1.0)
  return tf.cast(tf.round(x_hat * 255.0), tf.uint8)


def _channels(shape: tf.Tensor) -> tf.Tensor:
  """Returns the number of the channel of each position."""
  return tf.broadcast_to(tf.range(shape[-1]), shape)
