"""Settings of crops of photographs, which codecs and heads are trained on."""

import dataclasses

from tfpercept import settings
from tfpercept.models.compression import hyperprior
from trainers import shared_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crops(shared_settings.Network):
  """Settings of the crops of photographs that parts of codecs are trained on.

  Attributes:
    data: Names of the sources, see `data.sources.load`.
    sides: Lengths in pixels that the longer side of each picture is reduced to,
      see `data.reduced`.
    largest: Largest scale at which a picture is used, as a share of its own
      size, in (0, 1].
    patch: Side of the crops, in pixels.
    batch: Number of crops in a batch.
  """

  data: tuple[str, ...] = settings.option(
    ("packaged",),
    "Photographs: 'packaged', a folder, or a tfds name; may be repeated.",
    repeated=True,
  )
  sides: tuple[int, ...] = settings.option(
    (),
    "Lengths of the longer side, in pixels, that each picture is reduced to; "
    "it is used at each of them. By default pictures keep their size.",
  )
  largest: float = settings.option(
    1.0,
    "Largest scale at which a picture is used, as a share of its own size; "
    "below 1 all pictures are reduced, which removes traces of JPEG.",
    above=0.0,
    most=1.0,
  )
  patch: int = settings.option(
    192,
    f"Side of the crops in pixels, a multiple of {hyperprior.STRIDE}.",
    least=hyperprior.STRIDE,
  )
  batch: int = settings.option(4, "Number of crops in a batch.", least=1)

  def check(self) -> None:
    if self.patch % hyperprior.STRIDE:
      raise ValueError(
        f"--patch is a multiple of {hyperprior.STRIDE}; got {self.patch}"
      )
