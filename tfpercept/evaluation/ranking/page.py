"""The page of a ranking study: one file that needs no server and no network.

Its sources lie in `assets`; the scripts are joined to one.
"""

import json
import pathlib
import re

from tfpercept.evaluation.core.settings import Look
from tfpercept.evaluation.ranking.study import Study
from tfpercept.io import files
from tfpercept.reports import markup

_SCRIPTS = (
  "plan", "session", "screens", "trial", "layout", "zoom", "keys", "words",
  "start",
)  # fmt: skip
QUESTIONS = {
  True: "Which picture is most like the original?",
  False: "Which picture looks best?",
}
"""Default question, by whether the page shows originals."""


def write(path: files.PathLike, study: Study, look: Look) -> None:
  """Writes the page whole or not at all."""
  files.write_text(path, to_html(study, look))


def to_html(study: Study, look: Look) -> str:
  """Returns the page."""
  has_original = study.page["trials"][0]["reference"] is not None
  data = {
    **study.page,
    "upscale": look.upscale,
    "pixelated": not look.is_smooth,
  }
  parts = {
    "title": markup.escape(look.title),
    "introduction": markup.escape(look.introduction),
    "question": markup.escape(look.question or QUESTIONS[has_original]),
    "contact": markup.escape(look.contact),
    "style": _source("page.css"),
    "script": "\n".join(_source(f"{name}.js") for name in _SCRIPTS),
    "study": _inert(data),
    "images": _inert(study.images),
  }
  # In one pass, so that no text can stand for another part.
  return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], _source("page.html"))


def _source(name: str) -> str:
  path = pathlib.Path(__file__).with_name("assets") / name
  return path.read_text(encoding="utf-8")


def _inert(value: object) -> str:
  """JSON that cannot end the script element it stands in."""
  return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
