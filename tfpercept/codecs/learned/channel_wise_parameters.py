"""Entropy parameters of latents whose channels tell of those that follow."""

from collections.abc import Generator

import numpy as np

from tfpercept.codecs.learned import entropy_parameters
from tfpercept.ops import codec_constants

_LIMIT = codec_constants.CONTEXT_LIMIT


@entropy_parameters.PARAMETERS.register("channel_wise")
class SliceParameters(entropy_parameters.HyperParameters):
  """Parameters that follow from side information and from earlier slices.

  Slices are coded one after the other, each over the whole picture, since a
  symbol tells of its neighbours. Of symbols and of the features of side
  information a byte each is held.
  """

  def _parts(
    self, size: tuple[int, int], z: np.ndarray | None, step: int
  ) -> Generator[entropy_parameters.Part, np.ndarray | None, None]:
    offset, scale = self.offsets(step), self.mean_scale(step)
    assert z is not None  # a model without side information has no slices
    hidden = self._features(size, z)
    # Contexts count larger symbols as the limit, so a byte holds what they see.
    known = np.zeros((1, *size, self.slices[-1].start), np.int8)
    for number, channels in enumerate(self.slices):
      for rows in entropy_parameters.spans(size):
        seen, own = entropy_parameters.around(rows, size[0])
        index, mean = self.tell(
          number,
          hidden[:, seen],
          known[:, seen, :, : channels.start],
          offset[channels],
          scale[channels],
        )
        symbols = yield entropy_parameters.Part(
          rows, channels, index[:, own], mean[:, own]
        )
        assert symbols is not None  # which every part is told
        if channels != self.slices[-1]:
          known[:, rows, :, channels] = symbols.clip(-_LIMIT, _LIMIT)

  def _features(self, size: tuple[int, int], z: np.ndarray) -> np.ndarray:
    """Returns the features of hyper-latents, uint8 `[1, 4h, 4w, C]`."""
    found = np.empty((1, *size, self._hyper.width), np.uint8)
    for rows, hidden, own in entropy_parameters.hidden_strips(
      self._hyper.hidden, z
    ):
      found[:, rows] = hidden[:, own]
    return found

  def integers(self, z: np.ndarray) -> dict[str, np.ndarray]:
    """Returns all that must be exact of hyper-latents, for `selftest`.

    Args:
      z: Hyper-latents, int32 `[1, h, w, hyper_latents]`. Contexts see its
        channels in turn as symbols.

    Returns:
      For each slice, by its number, its indexes, not clipped, and its means, in
      their units: those of hyper-latents, `hyper<i>_indexes` and
      `hyper<i>_means`, int32 `[1, 4h, 4w, channels]`, and from the second on
      those of slices, `context<i>_...`, `[1, h, w, channels]`.
    """
    hidden = self._hyper.hidden(z.astype(np.float32))
    found: dict[str, np.ndarray] = {}
    for i, channels in enumerate(self.slices):
      turns = np.arange(channels.start) % z.shape[-1]
      told = self._tellers[i].integers(hidden, z[..., turns])
      found |= {f"{name}{i}_{what}": v for (name, what), v in told.items()}
    return found
