"""SRCNN from outside: small pictures in, enlarged pictures out."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.signatures import base, pictures
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

_UNIT = (0.0, 1.0)


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
    trials: dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]] = {}
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
    answer = (
      f"8-bit PNG file, grey or RGB as the input, sides {self.scale} times as"
      " long"
    )
    return base.Signature(
      function=lambda image_bytes: pictures.bytes_and_status(
        self._enlarge_file, image_bytes, "image_bytes"
      ),
      inputs={"image_bytes": base.Tensor("string", (None,), pictures.MEANING)},
      outputs={
        "image_bytes": base.Tensor("string", (None,), answer),
        "status": pictures.STATUS,
      },
      example={"image_bytes": _noise_files()},
      tolerance=_STEPS,
      limits=pictures.LIMITS,
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

  def _enlarge_file(self, contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the file of the enlarged picture, and why there is none."""
    given = pictures.read(contents)
    image = given.image[None]

    def encode(
      enlarge: Callable[[tf.Tensor], tf.Tensor], channels: int
    ) -> tf.Tensor:
      enlarged = enlarge(tf.ensure_shape(image, [1, None, None, channels]))
      steps = color.round_to_8_bit(enlarged[0]) * 255.0
      return tf.io.encode_png(tf.cast(tf.round(steps), tf.uint8))

    def enlarged() -> tf.Tensor:
      return tf.cond(
        tf.shape(image)[-1] == 1,
        lambda: encode(self._enlarge_luma, 1),
        lambda: encode(self._enlarge_rgb, 3),
      )

    return pictures.if_good(given.reason, enlarged, ""), given.reason


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
