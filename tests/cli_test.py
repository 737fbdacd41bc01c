"""The command line: output, files, exit status."""

import csv
import json

import pytest

import tfpercept
from tfpercept import cli, distances, models
from tfpercept.data import packaged
from tfpercept.io import files


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
  folder = tmp_path_factory.mktemp("cli") / "photos"
  for name, picture in packaged.test().items():
    files.write_image(folder / f"{name}.png", picture[:80, :90])
  return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  folder = tmp_path_factory.mktemp("cli") / "sharp"
  network = models.SRCNN(filters=(4, 3), kernels=(5, 3, 3))
  network.build()
  models.save(network, folder / "model", scale=4)
  return folder


def test_evaluate_prints_scores_of_each_picture_and_their_mean(
  photos, run, capsys
):
  status = cli.main(["evaluate", "--model", str(run), str(photos)])
  out, err = capsys.readouterr()
  assert (status, err) == (0, "")
  lines = out.splitlines()
  assert lines[0].split() == ["photos", "bicubic", "sharp"]
  assert lines[1].split() == ["psnr", "ssim"] * 2
  assert lines[2].split() == ["better"] + ["larger"] * 4
  assert [line.split()[0] for line in lines[3:8]] == [
    "chelsea.png", "coffee.png", "flower.png", "mean", "95",
  ]  # fmt: skip
  assert lines[8:] == [
    "3 pictures are too few for the interval, which is narrower than it should "
    "be below 10"
  ]


def test_evaluate_without_models_scores_bicubic(photos, capsys):
  assert cli.main(["evaluate", "--scale=3", str(photos)]) == 0
  assert capsys.readouterr().out.split()[:2] == ["photos", "bicubic"]


def test_evaluate_writes_csv(photos, tmp_path, capsys):
  path = tmp_path / "new" / "scores.csv"
  cli.main(["evaluate", "--format=csv", f"--out={path}", str(photos)])
  assert capsys.readouterr().out == ""
  rows = list(csv.DictReader(path.read_text().splitlines()))
  assert [row["picture"] for row in rows] == [
    "chelsea.png", "coffee.png", "flower.png",
  ]  # fmt: skip
  assert 20 < float(rows[0]["psnr"]) < 40


def test_evaluate_prints_json(photos, capsys):
  cli.main(["evaluate", "--format=json", str(photos)])
  value = json.loads(capsys.readouterr().out)
  (mean,) = value["means"]
  psnrs = [row["psnr"] for row in value["rows"]]
  assert mean["psnr"] == pytest.approx(sum(psnrs) / 3)


def test_a_broken_picture_is_named_and_the_status_says_so(tmp_path, capsys):
  picture = packaged.test()["chelsea"][:80, :90]
  files.write_image(tmp_path / "good.png", picture)
  (tmp_path / "broken.png").write_bytes(b"\x89PNG")
  status = cli.main(["evaluate", str(tmp_path)])
  out, err = capsys.readouterr()
  assert status == 1
  assert "good.png" in out
  assert err.startswith(f"{tmp_path.name}/broken.png: not scored: ")


def test_a_folder_of_broken_pictures_alone_is_status_two(tmp_path, capsys):
  (tmp_path / "a.png").write_bytes(b"no picture")
  assert cli.main(["evaluate", str(tmp_path)]) == 2
  assert "a.png" in capsys.readouterr().err


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["absent"], "expected a folder of pictures; absent is none"),
    (["--scale=1", "{photos}"], "needs a scale of 2 or more; got 1"),
    (["--model=absent", "{photos}"], "expected the folder of a trained model"),
    (["--scale=3", "--model={run}", "{photos}"], "not for scale 3"),
    (["{photos}", "{photos}"], "given twice"),
  ],
)
def test_mistakes_are_one_line_and_status_two(
  arguments, message, photos, run, capsys, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  filled = [a.format(photos=photos, run=run) for a in arguments]
  assert cli.main(["evaluate", *filled]) == 2
  err = capsys.readouterr().err
  assert err.startswith("error: ")
  assert message in err
  assert err.count("\n") == 1


def test_list_names_every_distance_with_its_summary(capsys):
  assert cli.main(["list"]) == 0
  lines = capsys.readouterr().out.splitlines()
  assert [line.split()[0] for line in lines] == list(distances.names())
  (line,) = (line for line in lines if line.startswith("ms_ssim "))
  assert line.endswith("One minus multi-scale structural similarity (MS-SSIM).")


def test_version_is_that_of_the_package(capsys):
  with pytest.raises(SystemExit) as stop:
    cli.main(["--version"])
  assert stop.value.code == 0
  assert capsys.readouterr().out.strip() == tfpercept.__version__


@pytest.mark.parametrize("arguments", [[], ["evaluate"], ["unheard-of"]])
def test_wrong_usage_is_status_two(arguments, capsys):
  with pytest.raises(SystemExit) as stop:
    cli.main(arguments)
  assert stop.value.code == 2
  assert "usage: tfpercept" in capsys.readouterr().err
