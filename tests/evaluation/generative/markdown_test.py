"""Tables say what they hold, the same in Markdown as on the page."""

import dataclasses

import pytest

from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.generative import loss_cost, markdown
from tfpercept.evaluation.generative import table as generation_table

SHAPE = (8, 32, 32, 1)


@pytest.fixture
def table():
  rows = {
    "MSE": generation_table.Row(
      "mse",
      {"mae": Estimate(1.0, 0.5, 1.5)},
      {"sharpness": Estimate(0.5, 0.4, 0.6)},
    ),
    "SSIM": generation_table.Row(
      "ssim", {"mae": Estimate(2.0)}, {"sharpness": Estimate(0.7)}, 2
    ),
  }
  return generation_table.Table(
    rows,
    {"sharpness": Estimate(1.0, 0.9, 1.1)},
    {"MSE": loss_cost.Cost(2e-3, 1e-3, 2**20, 2**19), "SSIM": None},
  )


def test_markdown_has_every_table_with_its_best_in_bold(table):
  blocks = markdown.blocks(table, ["sharper"], SHAPE)
  text = markdown.markdown(blocks)
  lines = text.splitlines()
  assert "| mae | **1.00 [0.500, 1.50]** | 2.00 |" in lines
  wanted = "1.00 [0.900, 1.10] | 0.500 [0.400, 0.600] | 0.700 |"
  assert f"| sharpness of samples | {wanted}" in lines
  assert "| MSE | 2.00 | 1.00 | 1.00 | 0.500 |" in lines
  not_measured = " | ".join(["not measured"] * 4)
  assert f"| SSIM | {not_measured} |" in lines
  assert "8x32x32x1" in text


def test_the_kl_and_published_samples_stand_beside_what_they_are_compared_with(
  table,
):
  row = dataclasses.replace(
    table.rows["MSE"],
    quality={"trained_kl": Estimate(7.7), "sharpness": Estimate(0.5)},
  )
  found = markdown.blocks(
    dataclasses.replace(table, rows={"MSE": row}),
    [],
    SHAPE,
    published={"MSE": 0.25, "Squeezed": 0.7},
    told_apart="log 2092 = 7.65",
  )
  quality = found[2]
  assert quality.rows[0][0].endswith("nats (log 2092 = 7.65)")
  assert quality.rows[-1][-1] == "0.250"
  assert "no column here: Squeezed 0.700." in quality.note


def test_what_brackets_hold_is_said(table):
  of_pictures = "the 95 % bootstrap interval over pictures"
  single = dataclasses.replace(table, rows={"MSE": table.rows["MSE"]})
  assert (
    f"Brackets hold {of_pictures}."
    in markdown.blocks(single, [], SHAPE)[1].note
  )
  assert "extremes over trainings" in markdown.blocks(table, [], SHAPE)[1].note


def test_the_number_of_trainings_is_said(table):
  def note(of):
    return markdown.blocks(of, [], SHAPE)[0].note

  assert "2 trainings from different seeds" in note(table)
  assert "Of MSE there is one training, and" in note(table)
  single = {"MSE": table.rows["MSE"]}
  one = dataclasses.replace(table, rows=single)
  assert note(one).startswith("One training of each loss")


@pytest.mark.parametrize(("nats", "is_said"), [(12.0, False), (26.0, True)])
def test_losses_whose_latents_carry_unlike_amounts_are_named(
  table, nats, is_said
):
  rows = {
    name: dataclasses.replace(row, quality={"kl": Estimate(value)})
    for (name, row), value in zip(table.rows.items(), (10.0, nats), strict=True)
  }
  unlike = dataclasses.replace(table, rows=rows)
  note = markdown.blocks(unlike, [], SHAPE)[0].note
  assert ("MSE 10.0 nats, SSIM 26.0 nats" in note) == is_said


@pytest.mark.parametrize(("steps", "is_said"), [(9380, False), (938, True)])
def test_trainings_of_unequal_lengths_are_named(table, steps, is_said):
  told = dataclasses.replace(table, steps={"MSE": 9380, "SSIM": steps})
  note = markdown.blocks(told, [], SHAPE)[0].note
  assert ("numbers of steps (MSE 9,380, SSIM 938), so" in note) == is_said


def test_only_a_table_with_a_classifier_explains_its_figures(table):
  def note(of):
    return markdown.blocks(of, [], SHAPE)[2].note

  assert "classifier" not in note(table)
  judged = dataclasses.replace(
    table.rows["MSE"], quality={"frechet": Estimate(3.0)}
  )
  assert "classifier" in note(dataclasses.replace(table, rows={"MSE": judged}))


def test_costs_that_nobody_asked_for_have_no_table(table):
  bare = dataclasses.replace(table, costs={})
  titles = [b.title for b in markdown.blocks(bare, [], SHAPE)]
  assert titles == [
    "What holds here", "Held-out distances", "Samples and reconstructions",
  ]  # fmt: skip
