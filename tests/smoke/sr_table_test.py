"""The table of super-resolution is printed from trained networks."""

import itertools
import pathlib

import pytest

from tests.smoke import runs
from tfpercept import models
from tfpercept.data import packaged
from tfpercept.io import files
from trainers import processes, sr_table

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
  folder = tmp_path_factory.mktemp("table")
  for name in (sr_table.MODELS | sr_table.FORMS).values():
    network = models.SRCNN(filters=(4, 3), kernels=(5, 3, 3))
    network.build()
    models.save(network, folder / name, scale=sr_table.SCALE)
  for name, picture in packaged.test().items():
    files.write_image(folder / "some" / f"{name}.png", picture[:80, :90])
  sets = ",".join(f"{n}={folder / 'some'}" for n in ("Set5", "B100_half"))
  done = runs.run(
    "sr_table", f"--models={folder}", f"--sets={sets}",
    f"--csv={folder / 'a.csv'}", "--turns",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  return done.stdout, (folder / "a.csv").read_text()


def test_our_scores_stand_beside_the_published_ones(printed):
  lines = printed[0].splitlines()
  assert lines[2].startswith("| Set5 | bicubic | ")
  assert lines[2].endswith(" | 28.44 | 0.8097 |")
  assert lines[5].startswith("| Set5 | MS-SSIM | ")
  assert lines[5].endswith(" | 30.35 | 0.8681 |")


def test_the_table_in_the_documents_is_what_the_shipped_networks_give(shared):
  done = runs.run(
    "sr_table", "--models=tfpercept/pretrained",
    f"--sets=Set5={shared / 'data/sr/Set5'}",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  page = (ROOT / "docs/results/super_resolution.md").read_text().splitlines()
  shown = _scores(page)
  printed = _scores(done.stdout.splitlines())
  assert printed.keys() == {"bicubic", *sr_table.MODELS, *sr_table.FORMS}
  for method, (psnr, ssim) in printed.items():
    # One unit of the last digit: processors round sums differently.
    assert shown[method][0] == pytest.approx(psnr, abs=0.011)
    assert shown[method][1] == pytest.approx(ssim, abs=0.00011)
  assert printed["MSE"][0] >= 30.4
  assert printed["MS-SSIM"][1] > printed["MSE"][1]


def _scores(lines):
  """PSNR and SSIM of each method on Set5, from the first table in lines."""
  rows = [line.strip("| ").split(" | ") for line in _first_table(lines)]
  rows = [row for row in rows if row[0] == "Set5"]
  return {row[1]: (float(row[2]), float(row[3])) for row in rows}


def _first_table(lines):
  start = next(i for i, line in enumerate(lines) if line.startswith("|"))
  return itertools.takewhile(lambda line: line.startswith("|"), lines[start:])


def test_a_set_printed_in_place_of_another_says_so(printed):
  assert "| B100_half (published: BSD200) | MSE |" in printed[0]
  assert "| 26.87 | 0.7378 |" in printed[0]


def test_the_answer_has_a_paired_difference_and_an_interval(printed):
  answers = [x for x in printed[0].splitlines() if x.startswith("- ")]
  assert len(answers) == 2 * 2 * 2 + 2 * 2
  assert answers[0].startswith("- Set5: MS-SSIM against MSE on SSIM: ")
  assert "95 % bootstrap interval" in answers[0]
  assert "3 pictures" in answers[0]
  mirrored = "- Set5: MS-SSIM, mirrored borders against"
  assert answers[4].startswith(f"{mirrored} MSE")
  assert answers[8].startswith(f"{mirrored} MS-SSIM on PSNR: ")
  assert " dB a picture (95 %" in answers[8]
  assert answers[9].startswith(f"{mirrored} MS-SSIM on SSIM: ")


def test_scores_of_each_picture_are_written(printed):
  rows = printed[1].splitlines()
  assert rows[0] == "group,picture,method,psnr,ssim"
  assert len(rows) == 1 + 2 * 3 * (1 + 2 * 4)
  assert {row.split(",")[2] for row in rows if "eight" in row} > {'"MSE'}


def test_presets_differ_in_the_loss_alone():
  presets = {
    name: (processes.PRESETS / f"{name}.flags").read_text().splitlines()
    for name in (sr_table.MODELS | sr_table.FORMS).values()
  }
  losses = {
    name: [x for x in lines if x.startswith("--loss=")]
    for name, lines in presets.items()
  }
  rest = [
    [x for x in lines if not x.startswith("--loss=")]
    for lines in presets.values()
  ]
  assert all(lines == rest[0] for lines in rest)
  assert losses["srcnn_x4_mse"] == ["--loss=mse"]
  assert losses["srcnn_x4_mae"] == ["--loss=mae"]
  assert losses["srcnn_x4_ms_ssim"][0].startswith("--loss=ms_ssim")
  assert 'border="mirror"' in losses["srcnn_x4_ms_ssim_mirror"][0]
