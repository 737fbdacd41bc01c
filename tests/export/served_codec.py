"""Calls of the served signatures of a codec, on parts of a photograph."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from tfpercept.data import packaged

QUALITY = 3.3


def picture(*shape):
  """A part of a photograph."""
  height, width, channels = shape
  return packaged.test()["coffee"][50 : 50 + height, 90 : 90 + width, :channels]


def png(image) -> bytes:
  file = io.BytesIO()
  image = image[..., 0] if image.shape[-1] == 1 else image
  Image.fromarray(image).save(file, "PNG")
  return file.getvalue()


def pixels(contents: bytes) -> np.ndarray:
  image = np.asarray(Image.open(io.BytesIO(contents)))
  return image if image.ndim == 3 else image[..., None]


def compress(model, *images, quality=QUALITY):
  """Returns the files of pictures, none of which is refused."""
  files = [png(image) for image in images]
  streams, status = compressed(model, files, [quality] * len(files))
  assert not any(status), status
  return streams


def compressed(model, files, qualities):
  """Returns what `compress` answers to files: streams and status."""
  answer = model.signatures["compress"](
    image_bytes=tf.constant(files, tf.string),
    quality=tf.constant(qualities, tf.float32),
  )
  return (
    answer["stream_bytes"].numpy().tolist(),
    [line.decode() for line in answer["status"].numpy()],
  )


def decompress(model, *streams):
  """Returns the pictures of streams, none of which is refused."""
  files, status = decompressed(model, *streams)
  assert not any(status), status
  return [pixels(contents) for contents in files]


def decompressed(model, *streams, **given):
  """Returns what `decompress` answers to streams: files and status."""
  name = "decompress_realism" if "realism" in given else "decompress"
  answer = model.signatures[name](
    stream_bytes=tf.constant(streams),
    **{key: tf.constant(value, tf.float32) for key, value in given.items()},
  )
  return (
    answer["image_bytes"].numpy().tolist(),
    [line.decode() for line in answer["status"].numpy()],
  )


def refusal(model, stream):
  """Returns why `decompress` refuses a stream, in one line."""
  (file,), (line,) = decompressed(model, stream)
  assert line and not file and "\n" not in line
  assert "assertion failed" not in line
  return line


def close(one, other):
  """Whether pictures are the same but for roundings the other way."""
  gap = np.abs(one.astype(int) - other)
  return one.shape == other.shape and gap.max() <= 1 and gap.mean() < 0.01
