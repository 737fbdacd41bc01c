"""The page of toy sources shows each codec in the way that suits its source."""

import json

import pytest

from tfpercept import models
from tfpercept.data import toy
from tfpercept.evaluation.toy_sources import page as toy_page
from tfpercept.evaluation.toy_sources import theory as toy_sources


def result(spec, lmbda=8.0):
  source = toy.get(spec)
  codec = models.ToyVectorQuantizer(
    dimensions=source.dimensions, entries=5, weight=source.weight(lmbda)
  )
  codec.start(source.test_set(5, 1).numpy())
  score = toy_sources.score(codec, source, lmbda=lmbda, count=50)
  return toy_sources.Result(
    spec, lmbda, {"<vq>": codec, "nonlinear": codec},
    {"<vq>": score, "nonlinear": score},
  )  # fmt: skip


@pytest.fixture(scope="module")
def results():
  return [result(s) for s in ("banana", "laplace", "ramp(points=16)")]


def test_a_page_has_cells_curves_functions_and_transforms(results, tmp_path):
  toy_page.write(tmp_path / "p.html", results, conditions={"Steps": "none"})
  page = (tmp_path / "p.html").read_text()
  # Two of cells, one of transfer curves, two of functions, one of transforms.
  assert page.count('src="data:image/png') == 2 + 1 + 2 + 1
  for text in ("banana, λ = 8", "5.97", "6.76", "rate-distortion function"):
    assert text in page
  assert "&lt;vq&gt;" in page and "<vq>" not in page
  assert "<script" not in page and "http" not in page.replace("http-equiv", "")


def test_markdown_has_a_table_for_each_source_and_for_transforms(results):
  text = toy_page.markdown(results)
  assert text.count("\n| --- |") == len(results) + 1
  assert "| KLT | 6.76 |" in text


def test_json_holds_scores_theory_and_what_is_published(results):
  found = json.loads(json.dumps(toy_page.to_json(results)))
  banana = found["sources"]["banana"]
  score = results[0].scores["nonlinear"]
  assert banana["methods"]["nonlinear"]["loss"] == score.loss
  assert banana["methods"]["nonlinear"]["published"] == 5.97
  assert banana["methods"]["<vq>"]["published"] is None
  assert banana["theory"]["Shannon lower bound"] == pytest.approx(5.5, abs=0.01)
  assert found["coding_gains_db"]["identity"] == pytest.approx(0, abs=1e-12)
