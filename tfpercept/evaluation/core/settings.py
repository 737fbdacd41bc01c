"""Settings of what commands do, and their defaults, apart from the work.

So a command says what it takes without importing TensorFlow or NumPy. The
modules that do the work have each under their own name too.
"""

import dataclasses
import math

MODES = ("rank", "pairs")
"""Of a study."""
OVER = ("people", "pictures", "both")
"""What a bootstrap of rankings draws."""
RESAMPLES = 1000
"""Of a bootstrap."""
SPAN = (0.1, 0.8)
"""Bits per pixel between which rates are compared, if nothing else is said."""


@dataclasses.dataclass(frozen=True)
class Agreement:
  """How agreement is measured.

  Attributes:
    max_pairs: At most so many judgements of a set, evenly spread over it; 0
      for all.
    downscale: Factor by which pictures are reduced beforehand.
    resamples: Bootstrap samples.
    seed: Of the bootstrap.
    parameters: Of the logistic curve, 4 or 5.
  """

  max_pairs: int = 0
  downscale: int = 1
  resamples: int = RESAMPLES
  seed: int = 0
  parameters: int = 4

  def __post_init__(self):
    for name, least in (("max_pairs", 0), ("downscale", 1), ("resamples", 1)):
      if getattr(self, name) < least:
        raise ValueError(
          f"{name} is at least {least}; got {getattr(self, name)}"
        )
    if self.parameters not in (4, 5):
      raise ValueError(f"parameters is 4 or 5; got {self.parameters}")


@dataclasses.dataclass(frozen=True)
class Blindspots:
  """How pictures are made; the same settings make the same pictures.

  Attributes:
    steps: Of Adam, whose learning rate falls along a cosine.
    learning_rate: About how far a pixel moves in the first step.
    seed: Of the noise that pictures start from.
    held: Spec of the measure that stays where the start is `"held"`.
    radius: Its value there.
  """

  steps: int = 500
  learning_rate: float = 0.02
  seed: int = 0
  held: str = "mse"
  radius: float = 0.01

  def __post_init__(self):
    if self.steps < 1:
      raise ValueError(f"steps is a number above 0; got {self.steps}")
    for name in ("learning_rate", "radius"):
      value = getattr(self, name)
      if not 0 < value < math.inf:
        raise ValueError(f"{name} is a finite number above 0; got {value}")


@dataclasses.dataclass(frozen=True)
class Study:
  """How a study is laid out.

  Attributes:
    mode: `"rank"`: all results of a picture are put in order; `"pairs"`: the
      better of two is chosen.
    pictures: That a person judges, `shared` ones among them; 0 for all.
    shared: Pictures that everybody judges, so that people can be compared; the
      others are dealt out in turn.
    pairs: Of one picture that a person judges in mode `"pairs"`; 0 for all.
    checks: Trials with a known answer: one picture in them is spoiled.
    seed: Of every choice and order.

  Raises:
    ValueError: if a number is out of its range.
  """

  mode: str = "rank"
  pictures: int = 0
  shared: int = 0
  pairs: int = 0
  checks: int = 3
  seed: int = 0

  def __post_init__(self):
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
  """What people read, and how large they see pictures.

  Attributes:
    title: Heading of the first screen.
    introduction: Below it.
    question: Above the pictures; by default one of
      `ranking_page.QUESTIONS`.
    contact: On the last screen: where to send the file.
    upscale: Pictures are at most this many times their size.
    is_smooth: Whether enlarged pictures are interpolated; else each of their
      pixels is a square of whole screen pixels.

  Raises:
    ValueError: if `upscale` is not at least 1.
  """

  title: str = "Which pictures look better?"
  introduction: str = "Thank you for lending us your eyes."
  question: str = ""
  contact: str = "Please send the file to the person who gave you this page."
  upscale: float = 4.0
  is_smooth: bool = False

  def __post_init__(self):
    if not self.upscale >= 1:
      raise ValueError(f"upscale is at least 1; got {self.upscale}")


@dataclasses.dataclass(frozen=True)
class Analysis:
  """How answers are analysed.

  Attributes:
    over: What the bootstrap draws: people, pictures, or both at once.
    resamples: How often.
    seed: Of the bootstrap.
    max_failed: Who fails a larger share of the checks is left out.

  Raises:
    ValueError: if a value is out of its range.
  """

  over: str = "people"
  resamples: int = RESAMPLES
  seed: int = 0
  max_failed: float = 0.25

  def __post_init__(self):
    if self.over not in OVER:
      raise ValueError(f"over is one of {', '.join(OVER)}; got {self.over!r}")
    if self.resamples < 1:
      raise ValueError(f"resamples is at least 1; got {self.resamples}")
    if not 0 <= self.max_failed <= 1:
      raise ValueError(f"max_failed is a share, 0 to 1; got {self.max_failed}")
