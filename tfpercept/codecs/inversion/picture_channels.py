"""Channels and levels of the pictures that a generator makes."""

import numpy as np


def levels(picture: np.ndarray) -> np.ndarray:
  """Returns a picture of [0, 1] in whole levels, uint8, cut to that range."""
  return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def of_levels(picture: np.ndarray, channels: int) -> np.ndarray:
  """Returns a picture of one or three channels, grey as their rounded mean.

  Args:
    picture: uint8 `[H, W, 1 or 3]`.
    channels: Number of channels, 1 or 3.
  """
  if picture.shape[-1] == channels:
    return picture
  if channels == 3:
    return np.repeat(picture, 3, axis=-1)
  total = picture.sum(axis=-1, keepdims=True, dtype=np.uint16)
  return ((total + 1) // 3).astype(np.uint8)


def predicted(picture: np.ndarray, channels: int) -> np.ndarray:
  """Returns what a residual is added to, float32 in levels of 255.

  Args:
    picture: Float32 `[H, W, 1 or 3]` in [0, 1]; what is beyond is cut.
    channels: Number of channels, 1 or as many as the picture has.
  """
  cut = 255 * np.clip(picture, 0, 1)
  return cut if cut.shape[-1] == channels else cut.mean(-1, keepdims=True)
