"""Settings of a training on people's choices."""

import dataclasses

from tfpercept import settings
from tfpercept.tasks import agreement as agreement_task
from trainers import shared_settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(shared_settings.Trainer):
  """Settings of a training on people's choices.

  Attributes:
    data: Folders of forced choices.
    judge_by: Folders of other choices, which agreement is measured on.
    held_out: Contents that are not trained on; a fifth of them if empty.
    head: Way from two distances to a choice, one of `tasks.agreement.HEADS`.
    patch: Side of the crops, in pixels.
    batch: Number of triplets in a batch.
    beta_1: Momentum of Adam.
    epochs: Number of passes over the data, 1 or even; 0 for as many as the
      steps of the run allow.
    by_content: Whether a batch holds contents with all of their images and
      answers, `batch` of them, instead of single triplets.
    tile: Side in pixels of the tiles that crops of contents consist of; 0 for
      crops of one piece.
    whole_pictures: Whether whole pictures are learned from, which takes a
      distance that is linear in what it learns: `lpips`, or a sum, of which the
      weights alone are then trained.
    dropout: Whether the distance drops half of its terms in training, as in
      the published recipes.
    pull: Factor of the squared distance of the parameters from where they
      began, which is added to the loss.
    stop_by: Number of contents that are not learned from, and whose answers
      choose the step that the weights are taken of; 0 takes the last step.
  """

  data: tuple[str, ...] = settings.option(
    settings.REQUIRED,
    "Folder of forced choices; may be repeated.",
    repeated=True,
  )
  judge_by: tuple[str, ...] = settings.option(
    (),
    "Folder of other choices, on which agreement is measured; may be repeated. "
    "No content of --data is held out then.",
    repeated=True,
  )
  held_out: tuple[str, ...] = settings.option(
    (), "Names of held-out contents; by default a fifth of them."
  )
  head: str = settings.option(
    "ratio",
    "Function from two distances to a choice.",
    choices=tuple(agreement_task.HEADS),
  )
  patch: int = settings.option(64, "Side of the crops, in pixels.", least=8)
  batch: int = settings.option(50, "Number of triplets in a batch.", least=1)
  beta_1: float = settings.option(0.5, "Momentum of Adam.", least=0.0, most=1.0)
  epochs: int = settings.option(
    0,
    "Number of passes over the data, 1 or even; 0 uses --steps instead.",
    least=0,
  )
  by_content: bool = settings.option(
    False,
    "Draw contents with all of their images and answers; --batch is their "
    "number.",
    absent=False,
  )
  tile: int = settings.option(
    0,
    "Side in pixels of the tiles that crops of contents consist of, from all "
    "over the picture; 0 for crops of one piece.",
    least=0,
    absent=0,
  )
  whole_pictures: bool = settings.option(
    False,
    "Learn from whole pictures, which are measured once: for lpips, and for "
    "the weights of a sum.",
    absent=False,
  )
  dropout: bool = settings.option(
    True,
    "Drop half of the distance's terms in training, as published.",
    absent=True,
  )
  pull: float = settings.option(
    0.0,
    "Factor of the squared distance of the parameters from where they began, "
    "which is added to the loss; few answers ask for more.",
    least=0.0,
    absent=0.0,
  )
  stop_by: int = settings.option(
    0,
    "Number of contents that are not learned from and choose the step that "
    "the weights are taken of; 0 takes the last step.",
    least=0,
    absent=0,
  )

  def check(self) -> None:
    if self.epochs > 1 and self.epochs % 2:
      raise ValueError(
        "the rate falls in the second half of the passes over the data, so "
        f"their number is 1 or even; got --epochs={self.epochs}. Give one more "
        "or one less, or 0 to use --steps"
      )
    if self.tile and not self.by_content:
      raise ValueError(
        "crops consist of tiles only where whole contents are drawn; add "
        "--by_content, or leave --tile out"
      )
    if self.whole_pictures and (not self.by_content or self.tile):
      raise ValueError(
        "whole pictures are learned from by content; add --by_content, and "
        "leave --tile out"
      )


def drawn(own: Settings) -> str:
  """Returns what a batch holds, in words.

  Args:
    own: Settings of the training.
  """
  if own.whole_pictures:
    return f"{own.batch} contents, whole pictures"
  what = f"crops of {own.patch}x{own.patch}"
  if own.tile:
    what += f" in tiles of {own.tile}x{own.tile}"
  if own.by_content:
    return f"{own.batch} contents, {what}"
  return f"{own.batch} {what}"
