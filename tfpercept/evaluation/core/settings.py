"""Settings of the commands and their defaults, apart from the work.

A command can therefore list its options without importing TensorFlow or NumPy.
The modules that do the work export each class under their own name too.
"""

import dataclasses
import math

from tfpercept import settings

MODES = ("rank", "pairs")
"""Modes of a study: rank all results, or choose the better of two."""
OVER = ("people", "pictures", "both")
"""Units that a bootstrap of rankings can draw."""
RESAMPLES = 1000
"""Default number of bootstrap samples."""
SPAN = (0.1, 0.8)
"""Default range of rates for BD-rates, in bits per pixel."""


@dataclasses.dataclass(frozen=True)
class Agreement(settings.Settings):
  """Settings of the agreement between distances and people.

  Attributes:
    max_pairs: Largest number of judgements used of a data set, evenly spread
      over it; 0 uses all.
    downscale: Factor by which pictures are reduced beforehand, at least 1.
    resamples: Number of bootstrap samples.
    seed: Seed of the bootstrap.
    parameters: Number of parameters of the logistic curve, 4 or 5.
  """

  max_pairs: int = settings.option(
    0,
    "largest number of judgements of a data set, evenly spread; 0 uses all "
    "(default: %(default)s)",
    least=0,
  )
  downscale: int = settings.option(
    1,
    "factor by which pictures are first reduced by averaging, a whole number "
    "(default: %(default)s, full size)",
    least=1,
  )
  resamples: int = settings.option(
    RESAMPLES,
    "number of bootstrap samples (default: %(default)s)",
    least=1,
  )
  seed: int = settings.option(
    0, "seed of the bootstrap (default: %(default)s)", least=0
  )
  parameters: int = settings.option(
    4,
    "number of parameters of the logistic curve that is fitted before the "
    "linear correlation (default: %(default)s)",
    choices=(4, 5),
  )

  def check(self) -> None:
    if self.parameters not in (4, 5):
      raise ValueError(f"parameters is 4 or 5; got {self.parameters}")


@dataclasses.dataclass(frozen=True)
class Blindspots(settings.Settings):
  """Settings of blind spots; equal settings make equal pictures.

  Attributes:
    steps: Number of steps of Adam, whose learning rate falls along a cosine.
    learning_rate: Learning rate, about the change of a pixel in the first step;
      pixels are in [0, 1].
    seed: Seed of the noise that the descent starts from.
    held: Spec of the distance that is held constant for the start `"held"`.
    radius: Value at which that distance is held.
  """

  steps: int = settings.option(
    500,
    "number of steps of each descent (default: %(default)s)",
    least=1,
  )
  learning_rate: float = settings.option(
    0.02,
    "learning rate of Adam, for pixels in [0, 1] (default: %(default)s)",
  )
  seed: int = settings.option(0, "seed of the noise (default: %(default)s)")
  held: str = settings.option(
    "mse",
    "spec of the distance that is held constant where pictures start from "
    "the reference (default: %(default)s)",
  )
  radius: float = settings.option(
    0.01,
    "value at which that distance is held (default: %(default)s)",
  )

  def check(self) -> None:
    if self.steps < 1:
      raise ValueError(f"steps is a number above 0; got {self.steps}")
    for name in ("learning_rate", "radius"):
      value = getattr(self, name)
      if not 0 < value < math.inf:
        raise ValueError(f"{name} is a finite number above 0; got {value}")


@dataclasses.dataclass(frozen=True)
class Study(settings.Settings):
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

  mode: str = settings.option(
    "rank",
    "rank: put all results of a picture in order; pairs: choose the better "
    "of two (default: %(default)s)",
    choices=MODES,
  )
  pictures: int = settings.option(
    0,
    "number of pictures shown to each person; 0 shows all (default: "
    "%(default)s)",
    least=0,
  )
  shared: int = settings.option(
    0,
    "number of these that everybody sees (default: %(default)s)",
    least=0,
  )
  pairs: int = settings.option(
    0,
    "number of pairs of each picture shown to a person in mode pairs; 0 "
    "shows all (default: %(default)s)",
    least=0,
  )
  checks: int = settings.option(
    3,
    "number of attention checks, with one spoiled picture each (default: "
    "%(default)s)",
    least=0,
  )
  seed: int = settings.option(
    0,
    "seed of every choice and order (default: %(default)s)",
    least=0,
  )

  def check(self) -> None:
    if self.pictures and self.shared > self.pictures:
      raise ValueError(
        f"of {self.pictures} pictures a person at most so many are shared; "
        f"got {self.shared}"
      )


@dataclasses.dataclass(frozen=True)
class Look(settings.Settings):
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

  title: str = settings.option(
    "Which pictures look better?",
    "title of the page",
  )
  introduction: str = settings.option(
    "Thank you for lending us your eyes.",
    "text below the title",
  )
  question: str = settings.option("", "question above the pictures")
  contact: str = settings.option(
    "Please send the file to the person who gave you this page.",
    "text on the last screen, which says where to send the file",
  )
  upscale: float = settings.option(
    4.0,
    "largest factor by which pictures are enlarged, 1 or more (default: "
    "%(default)s)",
    least=1,
  )
  is_smooth: bool = False


@dataclasses.dataclass(frozen=True)
class Analysis(settings.Settings):
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

  over: str = settings.option("people", choices=OVER)
  resamples: int = settings.option(
    RESAMPLES,
    "number of bootstrap samples (default: %(default)s)",
    least=1,
  )
  seed: int = settings.option(
    0, "seed of the bootstrap (default: %(default)s)", least=0
  )
  max_failed: float = settings.option(
    0.25,
    "largest share of failed checks, 0 to 1; people above it are left out "
    "(default: %(default)s)",
  )

  def check(self) -> None:
    if not 0 <= self.max_failed <= 1:
      raise ValueError(f"max_failed is a share, 0 to 1; got {self.max_failed}")
