"""Tables of agreement: rows, what is left out and why, formats."""

import csv
import dataclasses
import math

import numpy as np
import pytest

from tfpercept import distances, weights
from tfpercept.data import judgements
from tfpercept.evaluation.agreement import published as agreement_published
from tfpercept.evaluation.agreement import table


def noisy(key, strength, size=16):
  """A picture with noise: distances grow with its strength."""

  def read():
    base = np.random.default_rng(key).integers(60, 200, (size, size, 3))
    noise = np.random.default_rng(9).normal(size=base.shape)
    return np.rint(base + strength * noise).clip(0, 255).astype(np.uint8)

  return judgements.Picture(f"{key}/{strength}", read)


def choices(subsets=("",), contents=2, published=None):
  items = tuple(
    judgements.Judgement(
      f"{subset}/{c}/{first}", f"{subset}{c}", noisy(c, 0),
      (noisy(c, first), noisy(c, 8)), float(first > 8), subset,
    )
    for subset in subsets
    for c in range(contents)
    for first in (2, 5, 20)
  )  # fmt: skip
  return judgements.Judgements(
    "choices", "2afc", items, published=published or {}, note="made up"
  )


def metrics(*specs):
  return table.load(specs)[0]


def test_a_block_has_rows_of_distances_people_and_what_is_published():
  published = {
    "better": {f"{c}/{s}": s for c in range(2) for s in (2, 5, 8, 20)},
    "elsewhere": {"other": 1.0},
  }
  data = choices(published=published)
  block = table.block(data, metrics("mse", "mae"))
  assert [row.measure for row in block.rows] == [
    "mse", "mae", "people, majority", "people, one another",
    "published values: better",
  ]  # fmt: skip
  assert [row.scores["2afc"].value for row in block.rows] == [1.0] * 5
  assert block.rows[0].seconds > 0
  assert math.isnan(block.rows[-1].seconds)
  assert "n = 6 judgements on 2 contents; 95 % bootstrap" in block.conditions
  assert block.failures == {}


def test_judgements_can_be_thinned_evenly():
  options = table.Options(max_pairs=3, downscale=2, resamples=10)
  block = table.block(choices(), metrics("mse"), options)
  assert block.rows[0].items == 3
  assert block.rows[0].note == "reduced 2x"
  assert "n = 3 judgements on 2 contents (of 6, evenly" in block.conditions
  assert "pictures reduced 2x" in block.conditions


def test_a_distance_without_weights_is_left_out(monkeypatch):
  real = distances.get

  def get(spec):
    if spec == "ssim":
      raise weights.MissingWeights("fetch them")
    return real(spec)

  monkeypatch.setattr(distances, "get", get)
  found, failures = table.load(["ssim", "mse"])
  assert list(found) == ["mse"]
  assert failures == {"ssim": "fetch them"}


def test_a_distance_that_fails_is_left_out_and_the_rest_measured():
  block = table.block(choices(), metrics("ms_ssim", "mse"))
  assert block.rows[0].measure == "mse"
  (name,) = block.failures
  assert name == "ms_ssim on choices"
  assert "at least 161x161" in block.failures[name]


def test_pairs_that_fail_cost_their_judgements_only():
  data = choices()
  broken = judgements.Picture("broken", lambda: np.zeros((4, 4, 3), np.uint8))
  first = data.items[0]
  item = judgements.Judgement(
    "broken", "0", first.reference, (broken, first.images[1]), 0.0
  )
  data = judgements.Judgements("choices", "2afc", (item, *data.items))
  block = table.block(data, metrics("mse"))
  assert list(block.failures) == ["broken"]
  row = block.rows[0]
  assert row.items == 6
  assert row.note.startswith("on 6 of 7; reference and image differ in shape")


def test_a_malformed_spec_is_an_error():
  with pytest.raises(ValueError, match="unknown distance 'msee'"):
    table.load(["msee"])


@pytest.mark.parametrize(
  ("option", "message"),
  [
    ({"max_pairs": -1}, "max_pairs is at least 0"),
    ({"downscale": 0}, "downscale is at least 1"),
    ({"resamples": 0}, "resamples is at least 1"),
    ({"parameters": 3}, "parameters is 4 or 5"),
  ],
)
def test_wrong_options_are_refused(option, message):
  with pytest.raises(ValueError, match=message):
    table.Options(**option)


def test_formats_hold_the_same_scores():
  data = dataclasses.replace(choices(subsets=("cnn", "color")), origin="BAPPS")
  block = table.block(data, metrics("mse"))
  text = table.to_text([block])
  lines = text.splitlines()
  assert lines[0].startswith("choices (2afc): n = 12 judgements on 4 contents")
  assert lines[1] == "made up"
  assert lines[2].split() == ["cnn", "color", "2afc", "s/pair"]
  # Of two contents in each that agree: 0.025 ** (1 / 2).
  assert lines[3].split()[:4] == ["mse", "1.000", "[0.158,", "1.000]"]
  rows = list(csv.DictReader(table.to_csv([block]).splitlines()))
  assert [(r["measure"], r["score"], r["value"]) for r in rows[:3]] == [
    ("mse", "cnn", "1.0"), ("mse", "color", "1.0"), ("mse", "2afc", "1.0"),
  ]  # fmt: skip
  (value,) = table.to_json([block])
  assert value["data"] == "choices"
  human = next(r for r in value["scores"] if "Human" in r["measure"])
  assert (human["score"], human["value"]) == ("cnn", pytest.approx(0.8435))
  assert (human["low"], human["seconds"]) == (None, None)


def test_published_means_stand_beside_the_whole_of_bapps_only():
  names = agreement_published.SUBSETS_2AFC
  rows = agreement_published.rows("2afc", names)
  # The tables themselves have two digits.
  assert rows["Watson repository: Human"]["2afc"] == pytest.approx(
    0.7372, abs=6e-5
  )
  assert rows["Watson repository: Watson-DFT"]["2afc"] == pytest.approx(
    0.6594, abs=6e-5
  )
  assert rows["PIM paper: PIM"] == {"2afc": pytest.approx(0.6909)}
  part = agreement_published.rows("2afc", names[:2])
  assert part["Watson repository: L2"] == {
    "traditional": pytest.approx(0.5538), "cnn": pytest.approx(0.7949),
  }  # fmt: skip
  assert not any(name.startswith("PIM") for name in part)
  jnd = agreement_published.rows("jnd", agreement_published.SUBSETS_JND)
  assert jnd["PIM paper: PIM"] == {"jnd": pytest.approx(0.6438)}
  assert agreement_published.rows("2afc", ("",)) == {}
  assert agreement_published.rows("mos", ("",)) == {}


def test_every_dash_has_its_reason():
  data = choices()
  opinions = judgements.Judgements(
    "opinions",
    "mos",
    tuple(
      judgements.Judgement(i.name, i.content, i.reference, i.images[:1], 3.0)
      for i in data.items
    ),
  )
  block = table.block(opinions, metrics("mse"))
  text = table.to_text([block])
  assert "- (1)  - (1)  - (2)" in text
  assert "\n- (1) people gave all pictures the same score\n" in text
  assert "\n- (2) it takes 12 judgements; there are" in text
  for row in csv.DictReader(table.to_csv([block]).splitlines()):
    assert (row["value"] == "") == (row["why"] != "")
  (value,) = table.to_json([block])
  assert all(score["why"] for score in value["scores"])


def test_too_few_contents_are_warned_of_in_every_format():
  block = table.block(choices(), metrics("mse"))
  words = "2 contents are too few for the interval"
  assert words in table.to_text([block]).splitlines()[-1]
  rows = list(csv.DictReader(table.to_csv([block]).splitlines()))
  assert words in rows[0]["warning"]
  assert words in table.to_json([block])[0]["warning"]


def test_scores_published_for_bapps_stand_beside_bapps_alone():
  """Other data may have subsets of the same names."""
  data = choices(subsets=("cnn", "color"))
  bapps = dataclasses.replace(data, origin="BAPPS")
  rows = [
    [row.measure for row in table.block(d, metrics("mse")).rows]
    for d in (data, bapps)
  ]
  assert not any("Watson repository" in name for name in rows[0])
  assert "Watson repository: Human" in rows[1]
