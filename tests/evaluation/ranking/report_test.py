"""Findings as text, JSON and a page, and how distances agree with them."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tests.evaluation.ranking import people as ranking_people
from tfpercept import distances
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.ranking import agreement as ranking_agreement
from tfpercept.evaluation.ranking import analysis as ranking_analysis
from tfpercept.evaluation.ranking import charts as ranking_charts
from tfpercept.evaluation.ranking import report, study_config
from tfpercept.evaluation.ranking import results as ranking_results

STRENGTHS = dict(zip(ranking_people.METHODS, (2.0, 0.0, -2.0), strict=True))


def people_of(root, key, count=4, **options):
  random = np.random.default_rng(0)
  paths = [
    ranking_people.write_results(
      root / f"{number}.json",
      ranking_people.results(key, f"N<{number}>", STRENGTHS, random, **options),
    )
    for number in range(count)
  ]
  known = ranking_results.read_key(root / "study.key.json")
  return ranking_results.read(paths, known)[0], known


@pytest.fixture(scope="module")
def study(tmp_path_factory):
  root = tmp_path_factory.mktemp("study")
  _, key = ranking_people.write_study(root, count=5, checks=2)
  people, known = people_of(root, key)
  analysis = ranking_analysis.analyse(
    people, known, ranking_analysis.Options(resamples=30)
  )
  return root, analysis


@pytest.fixture(scope="module")
def groups(study):
  root, _ = study
  return study_config.find(
    {method: root / method for method in ranking_people.METHODS},
    root / "originals",
  )


@pytest.fixture(scope="module")
def measured(study, groups):
  metrics = {name: distances.get(name) for name in ("mse", "ms_ssim")}
  return ranking_agreement.measure(study[1], groups, metrics)


def findings(analysis, block=None, **failures):
  return report.Findings(analysis, block, failures)


def test_a_distance_agrees_in_the_share_of_choices_it_would_make(
  study, measured
):
  _, analysis = study
  # MSE orders the results as their noise does, which is the order of METHODS.
  agreed = [
    answer.order.index(first) < answer.order.index(second)
    for person in analysis.people
    for answer in person.answers
    for first, second in zip(
      ranking_people.METHODS, ranking_people.METHODS[1:], strict=False
    )
  ] + [
    answer.order.index("fine_net") < answer.order.index("poor_net")
    for person in analysis.people
    for answer in person.answers
  ]
  (row,) = measured.rows
  assert row.measure == "mse"
  # Each pair was judged by all four, so pairs and people weigh the same.
  assert row.scores["2afc"].value == pytest.approx(np.mean(agreed))
  assert row.items == 15
  assert "at least 161x161" in next(iter(measured.failures.values()))


def test_answers_of_several_people_are_one_judgement(study, groups):
  _, analysis = study
  judged = ranking_agreement.judged(analysis, groups)
  item = judged.items[0]
  assert item.name == "picture_0: fine_net, middling_net"
  assert [image.key.split("/")[-2] for image in item.images] == [
    "fine_net", "middling_net",
  ]  # fmt: skip
  orders = [a.order for p in analysis.people for a in p.answers
            if a.picture == "picture_0"]  # fmt: skip
  behind = [o.index("fine_net") > o.index("middling_net") for o in orders]
  assert item.answer == np.mean(behind)


def test_folders_of_another_study_are_errors(study, groups):
  _, analysis = study
  with pytest.raises(ValueError, match="have no picture 'picture_0'"):
    ranking_agreement.judged(analysis, groups[1:])
  root = study[0]
  renamed = study_config.find(
    {"first": root / "fine_net", "second": root / "poor_net"},
    root / "originals",
  )
  with pytest.raises(ValueError, match="as in fine_net=FOLDER"):
    ranking_agreement.judged(analysis, renamed)
  alone = study_config.find({m: root / m for m in ranking_people.METHODS})
  with pytest.raises(ValueError, match="needs the originals"):
    ranking_agreement.judged(analysis, alone)


def test_the_text_says_what_it_rests_on(study, measured):
  text = report.to_text(findings(study[1], measured))
  assert "20 rankings of 3 methods by 4 people on 5 pictures." in text
  assert "bootstrap over people, 30 samples, seed 0" in text
  assert "Krippendorff's alpha of the ranks (interval): 0." in text
  assert "the mean over 5 pictures" in text
  assert "0 of 2" in text  # checks
  lines = text.splitlines()
  starts = [line.split()[0] for line in lines if " [" in line][:3]
  assert starts == list(ranking_people.METHODS)
  assert any(line.startswith("mse") for line in lines)


def test_json_has_no_nan(study, measured, tmp_path):
  value = report.to_json(findings(study[1], measured, lost="why"))
  text = json.dumps(value, allow_nan=False)
  back = json.loads(text)
  assert [m["method"] for m in back["methods"]] == list(ranking_people.METHODS)
  assert sum(back["methods"][0]["ranks"]) == 20
  assert back["left_out"] == {"lost": "why"}
  assert back["distances"]["scores"][0]["measure"] == "mse"
  assert back["people"][0]["median_seconds"] == 2.5


def test_what_is_undefined_is_said(tmp_path):
  _, key = ranking_people.write_study(tmp_path, count=4, checks=0)
  people, known = people_of(tmp_path, key, count=1, most=2)
  analysis = ranking_analysis.analyse(
    people, known, ranking_analysis.Options(resamples=5)
  )
  text = report.to_text(findings(analysis))
  assert "Agreement between people: undefined" in text
  assert "bootstrap over pictures" in text
  assert "one person, so nothing is said of other people" in text
  assert "Not finished, but used: N<0>." in text
  value = report.to_json(findings(analysis))
  assert value["raters"]["alpha"] is None
  assert value["distances"] is None


def test_the_page_is_whole_escaped_and_without_script(
  study, measured, tmp_path
):
  path = tmp_path / "report.html"
  found = findings(study[1], measured, **{"<i>": "<b>"})
  report.write_page(path, found, title="A & B")
  text = path.read_text()
  assert "<h1>A &amp; B</h1>" in text
  assert "N&lt;0&gt;" in text
  assert "<script" not in text
  assert "<dd>&lt;b&gt;</dd>" in text
  for head in ("Ranks", "Strengths", "One against another", "Distances"):
    assert f"<h2>{head}</h2>" in text


def test_bars_are_as_wide_as_shares():
  text = ranking_charts.ranks(["<a>", "b"], np.array([[3, 1], [1, 3]]))
  root = ElementTree.fromstring(text)
  bars = [
    float(rect.get("width"))
    for rect in root.iter("rect")
    if rect.find("title") is not None
  ]
  assert bars[0] == 3 * bars[1]
  assert bars[0] + bars[1] == bars[2] + bars[3]


def test_intervals_are_drawn_where_they_are():
  text = ranking_charts.intervals(
    ["a", "b"], [Estimate(1.0, 0.5, 1.5), Estimate(-1.0)]
  )
  root = ElementTree.fromstring(text)
  dots = [float(c.get("cx")) for c in root.iter("circle")]
  zero, line = root.iter("line")
  assert (dots[0] + dots[1]) / 2 == pytest.approx(
    float(zero.get("x1")), abs=0.2
  )
  middle = (float(line.get("x1")) + float(line.get("x2"))) / 2
  assert middle == pytest.approx(dots[0], abs=0.2)  # printed to a tenth


def test_estimates_are_printed_with_what_is_known():
  assert ranking_charts.interval(Estimate(1.0, 0.5, 1.5), 1) == "1.0 [0.5, 1.5]"
  assert ranking_charts.interval(Estimate(1.0), 1) == "1.0"
  assert ranking_charts.interval(Estimate(float("nan")), 1) == "-"
