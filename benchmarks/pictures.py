"""Pictures on which the distances are timed."""

import numpy as np

from tfpercept.data import packaged

NOISE = 0.03


def photographs(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
  """Returns pictures `[N, H, W, 3]` in [0, 1], and the same with noise."""
  random = np.random.default_rng(0)
  count, height, width, _ = shape
  pictures = packaged.train() + list(packaged.test().values())
  colour = [p for p in pictures if p.ndim == 3 and p.shape[-1] == 3]
  crops = []
  for n in range(count):
    picture = colour[n % len(colour)]
    tall, wide = (
      -(-s // p)
      for s, p in zip((height, width), picture.shape[:2], strict=True)
    )
    crops.append(np.tile(picture, (tall, wide, 1))[:height, :width] / 255)
  reference = np.stack(crops).astype(np.float32)
  noise = random.normal(0, NOISE, shape).astype(np.float32)
  return reference, np.clip(reference + noise, 0, 1)
