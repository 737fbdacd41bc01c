"""Settings that several trainers share."""

import dataclasses

from tfpercept import settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trainer(settings.Settings):
  """Settings of trainers that read pictures.

  Attributes:
    skip_damaged: Whether pictures that cannot be read are left out.
  """

  skip_damaged: bool = settings.option(
    False,
    "Leave out pictures that cannot be read, instead of refusing the run.",
    absent=False,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network(Trainer):
  """Settings of trainers of networks that may start from trained weights.

  Attributes:
    initial: SHA-256 of the model that training starts from; None for random
      weights.
  """

  initial: str | None = settings.option(None, absent=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sources(settings.Settings):
  """The data among the settings of any trainer; not all have some.

  Attributes:
    data: Names of the sources, or paths.
  """

  data: tuple[str, ...] = settings.option((), absent=())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start(settings.Settings):
  """The model that a training starts from; its digest is what a run keeps.

  Attributes:
    initial: Folder of a run, or name of a model; None for random weights.
  """

  initial: str | None = settings.option(
    None,
    "Finished run with the same network, whose weights training starts from.",
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Access(settings.Settings):
  """Access of a training to its data.

  Attributes:
    download: Whether tfds may download.
  """

  download: bool = settings.option(False, "Allow tfds to download data.")
