"""The trainer of toy codecs from its flags to its table and page."""

import json

import pytest

from tests.smoke import runs
from tfpercept import models


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  """Two runs alike; the second was killed and started again."""
  flags = ["--source=banana", "--method=nonlinear", "--steps=40"]
  return runs.unbroken_and_killed(
    tmp_path_factory.mktemp("toy"), "toy_sources", *flags, "--count=500"
  )


def test_a_killed_comparison_ends_with_the_codecs_of_an_unbroken_one(folders):
  digests = [
    models.load(folder / "banana/nonlinear")[1]["sha256"] for folder in folders
  ]
  assert digests[0] == digests[1]


def test_table_and_page_hold_scores_beside_published_ones(folders):
  found = json.loads((folders[0] / "table.json").read_text())
  banana = found["sources"]["banana"]
  assert banana["methods"]["nonlinear"]["published"] == 5.97
  assert banana["methods"]["nonlinear"]["loss"] > 5.5
  assert found["coding_gains_db"]["KLT"] == pytest.approx(6.76, abs=0.01)
  table = (folders[0] / "table.md").read_text()
  assert "| nonlinear |" in table and "| 5.97 |" in table
  page = (folders[0] / "report.html").read_text()
  assert (
    page.count('src="data:image/png') == 2
  )  # cells, and curves of transforms
  assert "https://" not in page and "<script" not in page


def test_codecs_are_not_trained_twice(folders):
  done = runs.run(
    "toy_sources",
    *("--source=banana", "--method=nonlinear", "--steps=40", "--count=500"),
    f"--out={folders[0]}",
  )
  assert done.returncode == 0, done.stderr
  assert done.stderr.count("trained already") == 1
  assert "Epoch" not in done.stdout


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    (["--source=banana", "--steps=41"], "holds a run with other settings"),
    (["--source=banna"], "--source"),
  ],
)
def test_a_mistake_is_answered_in_a_line(folders, flags, message):
  done = runs.run("toy_sources", *flags, "--count=10", f"--out={folders[0]}")
  assert done.returncode == 1
  assert message in done.stderr
