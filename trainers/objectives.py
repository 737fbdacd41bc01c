"""The distance that a training makes smaller, once it suits the pictures."""

from absl import logging

from tfpercept import distances

UNSEEN = 0.1
"""Largest share of a picture that a loss may ignore in silence."""


def of(spec: str, *, side: int) -> distances.Distance:
  """Returns a distance, and tells if it ignores over a tenth of each picture.

  Networks leave junk along the borders that a loss does not see, and no
  held-out loss shows it.

  Args:
    spec: Spec of the distance.
    side: Height and width of the pictures or crops of the training, in pixels.

  Raises:
    ValueError: if there is no such distance, or such pictures are too small.
  """
  objective = distances.get(spec)
  objective.validate(side, side)
  share = objective.unseen_share(side, side)
  if share > UNSEEN:
    logging.warning(
      "%s hardly sees the borders of the pictures, which are %.0f %% of %dx%d "
      'pixels; border="mirror" makes them count',
      objective.spec, 100 * share, side, side,
    )  # fmt: skip
  return objective
