"""`tfpercept score`: output, status, and memory."""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tfpercept import cli
from tfpercept.io import files


@pytest.fixture
def folders(tmp_path, photograph):
  for seed, name in enumerate(("a", "b", "c")):
    picture = photograph(170, 180, seed)
    files.write_image(tmp_path / "true" / f"{name}.png", picture)
    files.write_image(tmp_path / "coded" / f"{name}.jpg", picture)
  return str(tmp_path / "true"), str(tmp_path / "coded")


def test_folders_give_a_table_with_means(folders, capsys):
  assert cli.main(["score", *folders]) == 0
  out, err = capsys.readouterr()
  assert err == ""
  lines = out.splitlines()
  assert lines[0].split() == ["psnr", "ssim", "ms_ssim"]
  assert [line.split()[0] for line in lines[2:8]] == [
    "better", "a.jpg", "b.jpg", "c.jpg", "mean", "95",
  ]  # fmt: skip


def test_two_files_and_one_metric(folders, capsys):
  true, coded = folders
  arguments = [f"{true}/b.png", f"{coded}/b.jpg", "--metric=psnr"]
  assert cli.main(["score", *arguments]) == 0
  value, score = map(float, capsys.readouterr().out.split()[-2:])
  assert score == pytest.approx(-10 * np.log10(value), abs=0.01)  # printed


def test_csv_goes_to_a_file(folders, tmp_path, capsys):
  path = tmp_path / "new" / "scores.csv"
  metrics = ["--metric=mse", "--metric=mae", "--metric=mse"]
  status = cli.main(
    ["score", *folders, *metrics, "--format=csv", f"--out={path}"]
  )
  assert (status, capsys.readouterr().out) == (0, "")
  assert len(list(csv.DictReader(path.read_text().splitlines()))) == 6


def test_maps_go_to_a_folder(folders, tmp_path, capsys):
  pytest.importorskip("matplotlib")
  maps = tmp_path / "maps"
  assert cli.main(["score", *folders, "--metric=mse", f"--maps={maps}"]) == 0
  assert sorted(p.name for p in maps.iterdir()) == [
    "a.mse.png", "b.mse.png", "c.mse.png", "maps.csv",
  ]  # fmt: skip


@pytest.mark.parametrize(
  ("pictures", "maps"),
  [
    (["a/x.png", "b/x.png"], ["a_x.png.mse.png", "b_x.png.mse.png"]),
    (["x.png", "X.bmp"], ["X.bmp.mse.png", "x.png.mse.png"]),
    (["x.png", "y.png"], ["x.mse.png", "y.mse.png"]),
  ],
)
def test_each_picture_has_a_map_of_its_own(
  pictures, maps, folders, tmp_path, monkeypatch
):
  pytest.importorskip("matplotlib")
  monkeypatch.chdir(tmp_path)
  picture = files.read_image("true/a.png")
  for name in pictures:
    files.write_image(name, picture)
  out = tmp_path / "maps"
  arguments = ["true/a.png", *pictures, "--metric=mse", "--maps=maps"]
  assert cli.main(["score", *arguments]) == 0
  found = sorted(path.name for path in out.glob("*.png"))
  assert found == maps
  lines = csv.DictReader((out / "maps.csv").read_text().splitlines())
  assert sorted(line["file"] for line in lines) == found


def test_a_map_that_can_not_be_written_leaves_the_score(
  folders, tmp_path, capsys
):
  pytest.importorskip("matplotlib")
  maps = tmp_path / "maps"
  (maps / "b.mse.png").mkdir(parents=True)
  (maps / "maps.csv").mkdir()
  arguments = [*folders, "--metric=mse", f"--maps={maps}"]
  for shape in ("table", "csv"):
    assert cli.main(["score", *arguments, f"--format={shape}"]) == 1
    out, err = capsys.readouterr()
    assert out.count("b.jpg") == 1
    assert "map" not in out
    lines = err.splitlines()
    assert lines[0].startswith("b.jpg: map of mse: not made: a file cannot be")
    assert lines[1].startswith("maps.csv: not made: ")
    assert len(lines) == 2
  assert (maps / "c.mse.png").is_file()


def test_several_folders_stand_in_one_table(folders, tmp_path, capsys):
  pytest.importorskip("matplotlib")
  true, coded = folders
  maps = tmp_path / "maps"
  arguments = ["--metric=mse", f"--maps={maps}"]
  assert cli.main(["score", true, coded, true, *arguments]) == 0
  lines = capsys.readouterr().out.splitlines()
  assert [line.split()[:2] for line in lines[3:5]] == [
    ["a.jpg", "coded"], ["a.png", "true"],
  ]  # fmt: skip
  assert sorted(p.parent.name for p in maps.glob("*/a.mse.png")) == [
    "coded", "true",
  ]  # fmt: skip


def test_json_is_json(folders, capsys):
  cli.main(["score", *folders, "--metric=mse", "--format=json"])
  value = json.loads(capsys.readouterr().out)
  assert [mean["metric"] for mean in value["means"]] == ["mse"]


def test_what_can_not_be_scored_is_named_and_is_status_one(
  folders, tmp_path, capsys
):
  (tmp_path / "coded" / "c.jpg").write_bytes(b"no picture")
  files.write_image(tmp_path / "true" / "alone.png", np.zeros((2, 2), np.uint8))
  assert cli.main(["score", *folders]) == 1
  out, err = capsys.readouterr()
  assert "b.jpg" in out
  assert "c.jpg: not scored: " in err
  assert "alone.png: not scored: no picture of that name in" in err


def test_what_can_not_be_written_is_printed(
  folders, tmp_path, capsys, monkeypatch
):
  def full(path, text):
    raise OSError("disk full")

  monkeypatch.setattr(files, "write_text", full)
  assert cli.main(["score", *folders, f"--out={tmp_path / 'a'}"]) == 2
  out, err = capsys.readouterr()
  assert "b.jpg" in out
  assert "disk full" in err


def test_a_name_that_is_not_unicode_is_escaped(folders, tmp_path, capsys):
  name = os.fsdecode(b"\xff.jpg")
  for folder in folders:
    (path,) = pathlib.Path(folder).glob("c.*")
    path.rename(path.with_name(name))
  assert cli.main(["score", *folders, "--metric=mse", "--format=csv"]) == 0
  assert "\\udcff.jpg,mse" in capsys.readouterr().out


def test_nothing_scored_is_status_two(tmp_path, capsys):
  for name in ("a.png", "b.png"):
    (tmp_path / name).write_bytes(b"no picture")
  assert (
    cli.main(["score", *(str(tmp_path / n) for n in ("a.png", "b.png"))]) == 2
  )
  assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (
      ["absent", "{coded}"],
      "expected a picture or a folder; absent is neither",
    ),
    (["{true}", "{coded}/b.jpg"], "b.jpg is no folder"),
    (["{true}", "{coded}", "--metric=msse"], "Did you mean 'mse'?"),
  ],
)
def test_mistakes_are_one_line_and_status_two(
  arguments, message, folders, capsys
):
  true, coded = folders
  filled = [a.format(true=true, coded=coded) for a in arguments]
  assert cli.main(["score", *filled]) == 2
  err = capsys.readouterr().err
  assert err.startswith("error: ")
  assert message in err
  assert err.count("\n") == 1


_PEAK = """
import pathlib, re, sys
from tfpercept import cli
def peak():  # getrusage would count the process that started this one
  status = pathlib.Path("/proc/self/status").read_text()
  return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024
small, large = sys.argv[1:3], sys.argv[3:]
assert cli.main(["score", *small, "--metric=ms_ssim", "--format=csv"]) == 0
before = peak()
assert cli.main(["score", *large, "--metric=ms_ssim", "--format=csv"]) == 0
print(peak() - before)
"""


def test_a_large_pair_is_never_in_memory_as_floats(tmp_path):
  random = np.random.default_rng(0)
  names = {}
  for side in (2100, 3000):
    for kind in ("true", "coded"):
      names[side, kind] = tmp_path / f"{kind}{side}.bmp"
      noise = random.integers(0, 256, (side, side, 3), np.uint8)
      files.write_image(names[side, kind], noise)
  run = subprocess.run(
    [sys.executable, "-c", _PEAK, *map(str, names.values())],
    check=True, capture_output=True, text=True,
  )  # fmt: skip
  grown = float(run.stdout.splitlines()[-1])
  # As floats the pair alone would take 206 MB, and MS-SSIM much more. Both
  # pairs are in tiles, so one needs about as much for a tile as the other, and
  # 3 to 4 bytes a pixel for each picture. Measured: 117 MB.
  assert grown < 9e6 * 3 * 4 * 2 / 2**20


def test_folders_below_are_scored_and_what_is_passed_over_is_named(
  folders, capsys
):
  pytest.importorskip("matplotlib")
  true, coded = map(pathlib.Path, folders)
  picture = files.read_image(true / "a.png")
  files.write_image(true / "x" / "a.png", picture)
  files.write_image(coded / "x" / "a.png", picture)
  (coded / "readme.md").touch()
  arguments = ["score", *folders, "--metric=psnr", "--format=csv"]
  assert cli.main(arguments) == 0
  below = f"{true / 'x'}, {coded / 'x'}"
  assert capsys.readouterr().err.splitlines() == [
    f"folders passed over, which --recursive takes: {below}",
    f"passed over, since of another kind: {coded / 'readme.md'}",
  ]
  maps = coded.parent / "maps"
  assert cli.main([*arguments, "--recursive", f"--maps={maps}"]) == 0
  rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
  named = [row["picture"] for row in rows]
  assert named == ["a.jpg", "b.jpg", "c.jpg", "x/a.png"]
  assert len(list(maps.glob("*.png"))) == 4
  again = shutil.copytree(coded, coded.parent / "again")
  both = ["score", *folders, str(again), *arguments[3:]]
  assert cli.main([*both, "--recursive"]) == 0
  rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
  assert sum(row["picture"] == "x/a.png" for row in rows) == 2
