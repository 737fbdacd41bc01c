"""The page of a ranking study: one file that needs no server and no network.

Its sources lie in `ranking_assets`; the scripts are joined to one.
"""

import dataclasses
import html
import json
import pathlib
import re

from tfpercept import files
from tfpercept.evaluation import ranking_study

_SCRIPTS = (
  "plan", "session", "screens", "trial", "layout", "zoom", "keys", "words",
  "start",
)  # fmt: skip
QUESTIONS = {
  True: "Which picture is most like the original?",
  False: "Which picture looks best?",
}
"""By whether there is an original."""


@dataclasses.dataclass(frozen=True)
class Look:
  """What people read, and how large they see pictures.

  Attributes:
    title: Heading of the first screen.
    introduction: Below it.
    question: Above the pictures; by default one of `QUESTIONS`.
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


def write(path: files.PathLike, study: ranking_study.Study, look: Look) -> None:
  """Writes the page whole or not at all."""
  files.write_text(path, to_html(study, look))


def to_html(study: ranking_study.Study, look: Look) -> str:
  """Returns the page."""
  has_original = study.page["trials"][0]["reference"] is not None
  data = {
    **study.page,
    "upscale": look.upscale,
    "pixelated": not look.is_smooth,
  }
  parts = {
    "title": html.escape(look.title),
    "introduction": html.escape(look.introduction),
    "question": html.escape(look.question or QUESTIONS[has_original]),
    "contact": html.escape(look.contact),
    "style": _source("page.css"),
    "script": "\n".join(_source(f"{name}.js") for name in _SCRIPTS),
    "study": _inert(data),
    "images": _inert(study.images),
  }
  # In one pass, so that no text can stand for another part.
  return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], _source("page.html"))


def _source(name: str) -> str:
  path = pathlib.Path(__file__).with_name("ranking_assets") / name
  return path.read_text(encoding="utf-8")


def _inert(value: object) -> str:
  """JSON that can not end the script element it stands in."""
  return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
