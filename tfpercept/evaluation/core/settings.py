"""Settings of the commands and their defaults, apart from the work.

A command can therefore list its options without importing TensorFlow or NumPy.
The modules that do the work export each class under their own name too.
"""

import dataclasses
import math

MODES = ("rank", "pairs")
"""Modes of a study: rank all results, or choose the better of two."""
OVER = ("people", "pictures", "both")
"""Units that a bootstrap of rankings can draw."""
RESAMPLES = 1000
"""Default number of bootstrap samples."""
SPAN = (0.1, 0.8)
"""Default range of rates for BD-rates, in bits per pixel."""


@dataclasses.dataclass(frozen=True)
class Agreement:
  """Settings of the agreement between distances and people.

  Attributes:
    max_pairs: Largest number of judgements used of a data set, evenly spread
      over it; 0 uses all.
    downscale: Factor by which pictures are reduced beforehand, at least 1.
    resamples: Number of bootstrap samples.
    seed: Seed of the bootstrap.
    parameters: Number of parameters of the logistic curve, 4 or 5.
  """

  max_pairs: int = 0
  downscale: int = 1
  resamples: int = RESAMPLES
  seed: int = 0
  parameters: int = 4

  def __post_init__(self) -> None:
    for name, least in (("max_pairs", 0), ("downscale", 1), ("resamples", 1)):
      if getattr(self, name) < least:
        raise ValueError(
          f"{name} is at least {least}; got {getattr(self, name)}"
        )
    if self.parameters not in (4, 5):
      raise ValueError(f"parameters is 4 or 5; got {self.parameters}")


@dataclasses.dataclass(frozen=True)
class Blindspots:
  """Settings of blind spots; equal settings make equal pictures.

  Attributes:
    steps: Number of steps of Adam, whose learning rate falls along a cosine.
    learning_rate: Learning rate, about the change of a pixel in the first step;
      pixels are in [0, 1].
    seed: Seed of the noise that the descent starts from.
    held: Spec of the distance that is held constant for the start `"held"`.
    radius: Value at which that distance is held.
  """

  steps: int = 500
  learning_rate: float = 0.02
  seed: int = 0
  held: str = "mse"
  radius: float = 0.01

  def __post_init__(self) -> None:
    if self.steps < 1:
      raise ValueError(f"steps is a number above 0; got {self.steps}")
    for name in ("learning_rate", "radius"):
      value = getattr(self, name)
      if not 0 < value < math.inf:
        raise ValueError(f"{name} is a finite number above 0; got {value}")


@dataclasses.dataclass(frozen=True)
class Study:
  """Settings of a ranking study.

  Attributes:
    mode: `"rank"` to put all results of a picture in order, or `"pairs"` to
      choose the better of two.
    pictures: Number of pictures shown to each person, including the `shared`
      ones; 0 shows all.
    shared: Number of pictures shown to everybody, so that people can be
      compared; the others are dealt out in turn.
    pairs: Number of pairs of each picture shown to a person in mode `"pairs"`;
      0 shows all.
    checks: Number of attention checks: trials with one spoiled picture.
    seed: Seed of every choice and order.

  Raises:
    ValueError: if a number is out of its range.
  """

  mode: str = "rank"
  pictures: int = 0
  shared: int = 0
  pairs: int = 0
  checks: int = 3
  seed: int = 0

  def __post_init__(self) -> None:
    if self.mode not in MODES:
      raise ValueError(f"mode is one of {', '.join(MODES)}; got {self.mode!r}")
    for name in ("pictures", "shared", "pairs", "checks", "seed"):
      if getattr(self, name) < 0:
        raise ValueError(f"{name} is at least 0; got {getattr(self, name)}")
    if self.pictures and self.shared > self.pictures:
      raise ValueError(
        f"of {self.pictures} pictures a person at most so many are shared; "
        f"got {self.shared}"
      )


@dataclasses.dataclass(frozen=True)
class Look:
  """Texts of a study's page, and the size at which it shows pictures.

  Attributes:
    title: Heading of the first screen.
    introduction: Text below the heading.
    question: Question above the pictures; if empty, one of
      `ranking.page.QUESTIONS`.
    contact: Text on the last screen, which says where to send the file.
    upscale: Largest factor by which pictures are enlarged, at least 1.
    is_smooth: Whether enlarged pictures are interpolated; otherwise each of
      their pixels is a square of whole screen pixels.

  Raises:
    ValueError: if `upscale` is not at least 1.
  """

  title: str = "Which pictures look better?"
  introduction: str = "Thank you for lending us your eyes."
  question: str = ""
  contact: str = "Please send the file to the person who gave you this page."
  upscale: float = 4.0
  is_smooth: bool = False

  def __post_init__(self) -> None:
    if not self.upscale >= 1:
      raise ValueError(f"upscale is at least 1; got {self.upscale}")


@dataclasses.dataclass(frozen=True)
class Analysis:
  """Settings of the analysis of people's answers.

  Attributes:
    over: Units that the bootstrap draws: `"people"`, `"pictures"` or `"both"`.
    resamples: Number of bootstrap samples.
    seed: Seed of the bootstrap.
    max_failed: Largest share of failed attention checks, 0 to 1; people above
      it are left out.

  Raises:
    ValueError: if a value is out of its range.
  """

  over: str = "people"
  resamples: int = RESAMPLES
  seed: int = 0
  max_failed: float = 0.25

  def __post_init__(self) -> None:
    if self.over not in OVER:
      raise ValueError(f"over is one of {', '.join(OVER)}; got {self.over!r}")
    if self.resamples < 1:
      raise ValueError(f"resamples is at least 1; got {self.resamples}")
    if not 0 <= self.max_failed <= 1:
      raise ValueError(f"max_failed is a share, 0 to 1; got {self.max_failed}")
