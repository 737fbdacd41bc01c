"""Small studies, and people made up for them, whose preferences are known."""

import itertools
import json
import pathlib
from collections.abc import Mapping

import numpy as np

from tfpercept.evaluation.ranking import page as ranking_page
from tfpercept.evaluation.ranking import study as ranking_study
from tfpercept.evaluation.ranking import study_config
from tfpercept.io import files

METHODS = ("fine_net", "middling_net", "poor_net")
NOISE = dict(zip(METHODS, (4.0, 16.0, 48.0), strict=True))  # of 255


def write_folders(root: pathlib.Path, *, count: int = 10) -> dict:
  """Writes originals and results with noise; returns arguments of `find`."""
  random = np.random.default_rng(0)
  for number in range(count):
    smooth = random.integers(40, 216, (3, 3, 3)).repeat(8, 0).repeat(8, 1)
    name = f"picture_{number}.png"
    files.write_image(root / "originals" / name, smooth.astype(np.uint8))
    for method in METHODS:
      noisy = smooth + random.normal(0, NOISE[method], smooth.shape)
      image = np.rint(noisy).clip(0, 255).astype(np.uint8)
      files.write_image(root / method / name, image)
  return {
    "methods": {method: root / method for method in METHODS},
    "originals": root / "originals",
  }


def write_study(
  root: pathlib.Path, *, count: int = 10, **settings
) -> tuple[pathlib.Path, dict]:
  """Writes folders, a page and its key; returns the page and the key."""
  groups = study_config.find(**write_folders(root, count=count))
  study = ranking_study.make(groups, study_config.Settings(**settings))
  page = root / "study.html"
  ranking_page.write(page, study, ranking_page.Look())
  files.write_json(root / "study.key.json", study.key)
  return page, study.key


def results(
  key: Mapping,
  person: str,
  strengths: Mapping[str, float],
  random: np.random.Generator,
  *,
  most: int | None = None,
  is_careless: bool = False,
) -> dict:
  """Answers as a person would whose utilities are strengths and Gumbel noise.

  That is the model of Plackett and Luce (Yellott, 1977).
  """
  answers = []
  for name, trial in key["trials"].items():
    items = list(trial["items"])
    shown = [items]
    if key["mode"] == "pairs":
      shown = list(itertools.combinations(items, 2))
    for some in shown:
      utility = {
        item: -np.inf
        if item == trial["spoiled"]
        else strengths.get(trial["items"][item], 0.0) + random.gumbel()
        for item in some
      }
      order = sorted(some, key=utility.get, reverse=not is_careless)
      answers.append(
        {"trial": name, "shown": list(some), "order": order, "seconds": 2.5}
      )
  return {
    "format": study_config.RESULTS_FORMAT,
    "page": key["page"],
    "mode": key["mode"],
    "person": person,
    "trials": len(answers),
    "answers": answers[:most],
  }


def write_results(path: pathlib.Path, value: Mapping) -> pathlib.Path:
  path.write_text(json.dumps(value))
  return path
