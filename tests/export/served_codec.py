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
  answer = model.signatures["compress"](
    image_bytes=tf.constant([png(image) for image in images]),
    quality=tf.constant(quality, tf.float32),
  )
  return answer["stream_bytes"].numpy().tolist()


def decompress(model, *streams):
  call = model.signatures["decompress"]
  answer = call(stream_bytes=tf.constant(streams))["image_bytes"].numpy()
  return [pixels(contents) for contents in answer]


def close(one, other):
  """Whether pictures are the same but for roundings the other way."""
  gap = np.abs(one.astype(int) - other)
  return one.shape == other.shape and gap.max() <= 1 and gap.mean() < 0.01
