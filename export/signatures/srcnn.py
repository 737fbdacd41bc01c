"""SRCNN from outside: small pictures in, enlarged pictures out."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.signatures import base
from tfpercept.data import packaged, super_resolution
from tfpercept.ops import color, resize, tiling

# Pixels that the network works on at once: 64 features of a million float32
# pixels are 270 MB, whatever the size of the picture.
_STRIP_PIXELS = 1 << 20

# Two programs may sum a convolution of some thousand products in another order;
# measured differences are below 1e-6.
_TOLERANCE = 1e-5

# As above, but a value on the edge between two 8-bit steps may fall either way.
_STEPS = 1.0

_PNG = b"\x89PNG\r\n\x1a\n"
_BYTE_VALUES = (1 << 24, 1 << 16, 1 << 8, 1)  # PNG is big-endian

_UNIT = (0.0, 1.0)

# A file of a few kilobytes may claim any size, and is answered with the square
# of the scale times as many pixels, in float32.
_FILE_PIXELS = 4_000_000


@base.SIGNATURES.register("srcnn")
class SRCNNSignatures(base.Signatures):
  """Signatures of a super-resolution network on luma.

  Served: `serving_default` takes RGB, `luma` one channel, `png` encoded files.
  Y goes bicubically to its new size and through the network, Cb and Cr
  bicubically only. One channel counts as luma, as in training.

  On a device: `sharpen_luma` takes luma that is enlarged already, since bicubic
  resizing is no TFLite builtin.
  """

  def __init__(self, network: keras.Model, manifest: dict[str, Any]):
    super().__init__(network, manifest)
    scale = manifest.get("scale")
    if not isinstance(scale, int) or not 2 <= scale <= 16:
      raise ValueError(
        "the manifest of an srcnn to export needs a whole 'scale' from 2 to"
        f" 16; it has {scale!r}. Train it with trainers.srcnn"
      )
    self.scale = scale

  def served(self) -> dict[str, base.Signature]:
    return {
      "serving_default": self._pixels(self._enlarge_rgb, 3, "RGB picture"),
      "luma": self._pixels(self._enlarge_luma, 1, "luma or grey picture"),
      "png": self._files(),
    }

  def on_device(self) -> dict[str, base.Signature]:
    before = f"luma, enlarged {self.scale} times bicubically"
    shape = (None, None, None, 1)
    sharpen = base.Signature(
      function=lambda enlarged_luma: {"luma": self._sharpen(enlarged_luma)},
      inputs={"enlarged_luma": base.Tensor("float32", shape, before, _UNIT)},
      outputs={"luma": base.Tensor("float32", shape, "luma", _UNIT)},
      example={"enlarged_luma": _noise(1)},
      tolerance=_TOLERANCE,
    )
    return {"sharpen_luma": sharpen}

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    trials = {}
    for name, picture in packaged.test().items():
      pairs = super_resolution.luma_pairs([picture], scale=self.scale)
      for enlarged, target in pairs:
        trials[name] = {"enlarged_luma": enlarged[None]}, target[None]
    return trials

  def _pixels(
    self, enlarge: Callable[[tf.Tensor], tf.Tensor], channels: int, what: str
  ) -> base.Signature:
    shape = (None, None, None, channels)
    enlarged = f"{what}, sides {self.scale} times as long"
    return base.Signature(
      function=lambda image: {"image": enlarge(image)},
      inputs={"image": base.Tensor("float32", shape, what, _UNIT)},
      outputs={"image": base.Tensor("float32", shape, enlarged, _UNIT)},
      example={"image": _noise(channels)},
      tolerance=_TOLERANCE,
    )

  def _files(self) -> base.Signature:
    meaning = (
      f"PNG or JPEG file of at most {_FILE_PIXELS} pixels, sizes may differ; "
      "alpha is laid over white, 16 bits are read in full, an EXIF rotation is "
      "not applied"
    )
    answer = (
      f"8-bit PNG file, grey or RGB as the input, sides {self.scale} times as"
      " long"
    )
    return base.Signature(
      function=lambda image_bytes: {
        "image_bytes": tf.map_fn(
          self._enlarge_file,
          image_bytes,
          parallel_iterations=1,  # one picture's memory at a time
        )
      },
      inputs={"image_bytes": base.Tensor("string", (None,), meaning)},
      outputs={"image_bytes": base.Tensor("string", (None,), answer)},
      example={"image_bytes": _noise_files()},
      tolerance=_STEPS,
    )

  def _sharpen(self, enlarged: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(self.network(enlarged), 0.0, 1.0)

  def _sharpen_strips(self, enlarged: tf.Tensor) -> tf.Tensor:
    return tiling.map_strips(
      self._sharpen,
      enlarged,
      radius=self.network.radius,
      pixels=_STRIP_PIXELS,
    )

  def _enlarge_luma(self, luma: tf.Tensor) -> tf.Tensor:
    sharp = self._sharpen_strips(resize.imresize(luma, self.scale))
    return tf.ensure_shape(sharp, [None, None, None, 1])

  def _enlarge_rgb(self, rgb: tf.Tensor) -> tf.Tensor:
    ycbcr = resize.imresize(color.rgb_to_ycbcr(rgb), self.scale)
    luma = self._sharpen_strips(ycbcr[..., :1])
    rgb = color.ycbcr_to_rgb(tf.concat([luma, ycbcr[..., 1:]], axis=-1))
    return tf.clip_by_value(rgb, 0.0, 1.0)

  def _enlarge_file(self, contents: tf.Tensor) -> tf.Tensor:
    height, width = _claimed_size(contents)
    small = tf.debugging.assert_less_equal(
      tf.cast(height, tf.int64) * tf.cast(width, tf.int64),
      tf.constant(_FILE_PIXELS, tf.int64),
      message=f"a picture has more than {_FILE_PIXELS} pixels",
    )
    with tf.control_dependencies([small]):
      contents = tf.identity(contents)
    image = tf.io.decode_image(
      contents, dtype=tf.float32, expand_animations=False
    )
    image = _over_white(image)[None]

    def encode(enlarge, channels):
      enlarged = enlarge(tf.ensure_shape(image, [1, None, None, channels]))
      steps = color.round_to_8_bit(enlarged[0]) * 255.0
      return tf.io.encode_png(tf.cast(tf.round(steps), tf.uint8))

    return tf.cond(
      tf.shape(image)[-1] == 1,
      lambda: encode(self._enlarge_luma, 1),
      lambda: encode(self._enlarge_rgb, 3),
    )


def _claimed_size(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Reads height and width from the header of a PNG or JPEG file."""

  def from_png():
    signed = tf.debugging.Assert(
      tf.equal(tf.strings.substr(contents, 0, len(_PNG)), _PNG),
      ["a file is no image in PNG or JPEG"],
    )
    with tf.control_dependencies([signed]):
      # The first chunk comes next: its length, its name, then what is wanted.
      header = tf.strings.substr(contents, len(_PNG) + 8, 8)
    size = tf.io.decode_raw(header, tf.uint8)
    size = tf.cast(tf.reshape(size, [2, 4]), tf.int64)
    width, height = tf.unstack(tf.reduce_sum(size * _BYTE_VALUES, axis=1))
    return height, width

  def from_jpeg():
    shape = tf.io.extract_jpeg_shape(contents, tf.int64)
    return shape[0], shape[1]

  return tf.cond(tf.io.is_jpeg(contents), from_jpeg, from_png)


def _over_white(image: tf.Tensor) -> tf.Tensor:
  """Lays `[H, W, 1 to 4]` over white; 2 and 4 channels end in alpha."""
  channels = tf.shape(image)[-1]
  has_alpha = 1 - channels % 2
  alpha = tf.cond(
    has_alpha > 0,
    lambda: image[..., channels - 1 :],
    lambda: tf.ones_like(image[..., :1]),
  )
  return image[..., : channels - has_alpha] * alpha + (1.0 - alpha)


def _noise(channels: int) -> np.ndarray:
  """A batch of three with odd sides."""
  noise = np.random.RandomState(0).uniform(size=(3, 37, 53, channels))
  return noise.astype(np.float32)


def _noise_files() -> list[bytes]:
  """Three PNG files of unlike sizes: RGB, grey and 16-bit RGB with alpha."""
  noise = np.random.RandomState(0)
  pictures = (
    noise.randint(256, size=(37, 53, 3), dtype=np.uint8),
    noise.randint(256, size=(53, 37, 1), dtype=np.uint8),
    noise.randint(65536, size=(21, 35, 4), dtype=np.uint16),
  )
  with tf.device("CPU"):
    return [tf.io.encode_png(picture).numpy() for picture in pictures]
