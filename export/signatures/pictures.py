"""Picture files in a graph, which nobody has looked at before."""

import tensorflow as tf

_PNG = b"\x89PNG\r\n\x1a\n"
_BYTE_VALUES = (1 << 24, 1 << 16, 1 << 8, 1)  # PNG is big-endian

MAX_PIXELS = 4_000_000
"""Largest number of pixels of a file; a few kilobytes may claim any size."""
MEANING = (
  f"PNG or JPEG file of at most {MAX_PIXELS} pixels, sizes may differ; "
  "alpha is laid over white, 16 bits are read in full, an EXIF rotation is not "
  "applied"
)


def read(contents: tf.Tensor) -> tf.Tensor:
  """Returns the picture of a file, float32 `[H, W, 1 or 3]` in [0, 1].

  In a graph and eagerly, `tf.errors.InvalidArgumentError` answers what is no
  picture or too large a one; nothing is decoded before its size is known.

  Args:
    contents: A PNG or JPEG file.
  """
  height, width = _claimed_size(contents)
  small = tf.debugging.assert_less_equal(
    tf.cast(height, tf.int64) * tf.cast(width, tf.int64),
    tf.constant(MAX_PIXELS, tf.int64),
    message=f"a picture has more than {MAX_PIXELS} pixels",
  )
  with tf.control_dependencies([small]):
    contents = tf.identity(contents)
  image = tf.io.decode_image(
    contents, dtype=tf.float32, expand_animations=False
  )
  return _over_white(image)


def _claimed_size(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Reads height and width from the header of a PNG or JPEG file."""

  def from_png() -> tuple[tf.Tensor, tf.Tensor]:
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

  def from_jpeg() -> tuple[tf.Tensor, tf.Tensor]:
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
