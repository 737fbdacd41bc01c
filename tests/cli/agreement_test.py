"""`tfpercept agreement`: output, what is left out, exit status."""

import csv
import json

import numpy as np
import pytest

from tfpercept import cli, distances
from tfpercept.data import judgement_layouts
from tfpercept.evaluation.core import kept_lines, runner
from tfpercept.io import files


@pytest.fixture
def data(tmp_path):
  """Six choices on two contents, decided by the strength of noise."""
  random = np.random.default_rng(0)
  lines = ["reference,first,second,share"]
  for name in "ab":
    base = random.integers(60, 200, (16, 16, 3))
    noise = random.normal(size=base.shape)
    for strength in (0, 2, 5, 8, 20):
      image = np.rint(base + strength * noise).clip(0, 255).astype(np.uint8)
      files.write_image(tmp_path / f"{name}{strength}.png", image)
    lines += [
      f"{name}0.png,{name}{first}.png,{name}8.png,{share}"
      for first, share in ((2, 0.1), (5, 0.4), (20, 0.8))
    ]
  (tmp_path / judgement_layouts.CHOICES).write_text("\n".join(lines))
  return tmp_path


def test_it_prints_a_row_for_each_metric_and_for_people(data, capsys):
  status = cli.main(
    ["agreement", f"--data={data}", "--metric=mse", "--metric=mae"]
  )
  out, err = capsys.readouterr()
  assert (status, err) == (0, "")
  lines = out.splitlines()
  assert lines[0].startswith("choices (2afc): n = 6 judgements on 2 contents")
  # (0.9 + 0.6 + 0.8) / 3, whichever distance.
  assert [line.split()[:2] for line in lines[2:4]] == [
    ["mse", "0.767"], ["mae", "0.767"],
  ]  # fmt: skip
  assert "people, majority" in lines[4]


def test_all_stands_for_every_registered_distance(data, capsys, monkeypatch):
  names = ("mae", "ms_ssim", "mse")  # all of them would take a minute
  monkeypatch.setattr(distances, "names", lambda: names)
  status = cli.main(
    ["agreement", f"--data={data}", "--metric=all", "--format=csv"]
  )
  out, err = capsys.readouterr()
  rows = list(csv.DictReader(out.splitlines()))
  measured = [row["measure"] for row in rows]
  assert measured[:3] == ["mae", "mse", "people, majority"]
  # The pictures are too small for some, which is said and is no end.
  assert status == 1
  assert "ms_ssim on choices: left out: ms_ssim needs images of at" in err


def test_it_writes_json_to_a_file(data, tmp_path, capsys):
  path = tmp_path / "new" / "agreement.json"
  cli.main(
    ["agreement", f"--data={data}", "--metric=mse", "--format=json",
     "--max_pairs=4", "--resamples=10", f"--out={path}"]
  )  # fmt: skip
  assert capsys.readouterr().out == ""
  (value,) = json.loads(path.read_text())
  assert value["scores"][0]["items"] == 4
  assert "10 samples" in value["conditions"]


def test_nothing_measured_is_status_two(data, capsys):
  arguments = ["agreement", f"--data={data}", "--metric=ms_ssim"]
  assert cli.main(arguments) == 2
  assert "at least 161x161" in capsys.readouterr().err


def test_a_broken_picture_is_named_and_the_status_says_so(data, capsys):
  (data / "a2.png").write_bytes(b"\x89PNG")
  assert cli.main(["agreement", f"--data={data}", "--metric=mse"]) == 1
  out, err = capsys.readouterr()
  assert "on 5 of 6" in out
  assert "a2.png" in err
  assert "is not a readable picture" in err


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--data=no/such"], "expected a folder of human judgements"),
    (["--data={data}", "--layout=gan2afc"], "judgements.csv does not exist"),
    (["--data={data}", "--metric=msee"], "unknown distance 'msee'"),
    (["--data={data}", "--max_pairs=-1"], "max_pairs is at least 0"),
  ],
)
def test_mistakes_are_one_line_and_status_two(data, arguments, message, capsys):
  filled = [a.format(data=data) for a in arguments]
  assert cli.main(["agreement", *filled]) == 2
  err = capsys.readouterr().err
  assert err.startswith("error: ")
  assert message in err
  assert err.count("\n") == 1


def test_values_are_kept_and_not_measured_again(
  data, tmp_path, capsys, monkeypatch
):
  kept = tmp_path / "kept" / "values.jsonl"
  flags = ["agreement", f"--data={data}", "--metric=mse", f"--keep={kept}"]
  assert cli.main(flags) == 0
  first = capsys.readouterr()
  assert first.err == ""
  lines = kept.read_text().splitlines()
  assert len(lines) == 8  # pairs of four images with two references
  # A process that was killed leaves half of a line, and some are missing.
  kept.write_text("\n".join([*lines[:4], lines[4][:20]]))

  seen = []
  call = runner.Compiled.__call__

  def counted(self, reference, image):
    seen.append(len(image))
    return call(self, reference, image)

  monkeypatch.setattr(runner.Compiled, "__call__", counted)
  assert cli.main([*flags, "--metric=mae"]) == 0
  second = capsys.readouterr()
  assert f"4 values are those of {kept}" in second.err
  head = second.out.splitlines()[0]
  assert head.endswith("; 4 values, and their times, are of earlier runs")
  assert sum(seen) == 4 + 8
  assert (
    second.out.splitlines()[2].split()[:2]
    == (first.out.splitlines()[2].split()[:2])
  )
  assert len(kept.read_text().splitlines()) == 16

  # Other pixels are other pairs.
  picture = files.read_image(data / "a0.png")
  files.write_image(data / "a0.png", 255 - picture, replace=True)
  seen.clear()
  assert cli.main(flags) == 0
  assert sum(seen) == 4


def test_a_value_that_can_not_be_kept_ends_the_command(
  data, tmp_path, capsys, monkeypatch
):
  def full(path, line):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(kept_lines, "_append", full)
  kept = tmp_path / "values.jsonl"
  flags = [f"--data={data}", "--metric=mse", f"--keep={kept}"]
  assert cli.main(["agreement", *flags]) != 0
  said = capsys.readouterr().err.strip().splitlines()[-1]
  assert said.startswith(f"error: {kept} cannot be written: ")
  assert said.endswith("it goes on from what was measured before.")


def test_a_sheet_needs_a_picture_and_a_question(data, tmp_path, capsys):
  flags = ["agreement", f"--data={data}", "--metric=mse"]
  assert cli.main([*flags, "--sheet=sheet.txt"]) == 2
  out, err = capsys.readouterr()
  assert not out and "the name of a picture ends in" in err
  sheet = tmp_path / "sheet.png"
  # The noise decides, so that people and the distance agree.
  assert cli.main([*flags, f"--sheet={sheet}"]) == 1
  out, err = capsys.readouterr()
  assert "mse" in out and "there is no sheet" in err and not sheet.exists()
