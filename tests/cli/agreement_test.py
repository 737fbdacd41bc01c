"""`tfpercept agreement`: output, what is left out, exit status."""

import csv
import json

import numpy as np
import pytest

from tfpercept import cli, distances
from tfpercept.data import judgement_layouts
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
