"""Pairs of enlarged and original luma for super-resolution."""

from collections.abc import Iterable, Sequence

import numpy as np

from tfpercept.data import degradations
from tfpercept.ops import resize


def luma_pairs(
  pictures: Iterable[np.ndarray],
  *,
  scale: int,
  rescale: Sequence[float] = (1.0,),
) -> list[tuple[np.ndarray, np.ndarray]]:
  """Returns `(enlarged, target)` luma of each picture at each size.

  Args:
    pictures: Pictures, uint8 `[H, W, 1 or 3]`.
    scale: Factor of super-resolution, a whole number of at least 2.
    rescale: Factors in (0, 1] by which each picture is first reduced,
      bicubically; a cheap augmentation that also removes traces of JPEG.

  Returns:
    Pairs of float32 `[H', W', 1]`, studio luma in [0, 1]. Sizes below
    8 * `scale` are left out.

  Raises:
    ValueError: if a factor is not in (0, 1] or `scale` is below 2.
  """
  if scale < 2:
    raise ValueError(
      f"super-resolution needs a scale of 2 or more; got {scale}"
    )
  if any(not 0 < factor <= 1 for factor in rescale):
    raise ValueError(f"rescale needs factors in (0, 1]; got {tuple(rescale)}")
  pairs = []
  for picture in pictures:
    luma = degradations.luma(picture)
    for factor in rescale:
      image = luma
      if factor < 1:
        small = resize.imresize(luma[None], factor)[0].numpy()
        image = np.round(small.clip(0, 1) * 255) / np.float32(255)
      if min(image.shape[:2]) >= 8 * scale:
        pairs.append(degradations.bicubic_pair(image, scale))
  return pairs
