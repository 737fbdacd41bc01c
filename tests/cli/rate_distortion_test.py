"""`tfpercept rate-distortion`: what it prints, writes and leaves out."""

import csv
import html
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tfpercept import cli, codecs
from tfpercept.cli import rate_distortion
from tfpercept.evaluation.rate_distortion import work_file
from tfpercept.io import files

PAIR = ["--codec=jpeg", "--codec=webp", "--metric=mae"]


@pytest.fixture
def folder(tmp_path, photograph):
  for seed in (1, 2):
    picture = photograph(64, 96, seed=seed)
    files.write_image(tmp_path / "in" / f"p{seed}.png", picture)
  return tmp_path / "in"


def run(folder, *flags):
  return cli.main(["rate-distortion", str(folder), *flags])


def test_it_prints_bd_rates_against_the_anchor(folder, capsys):
  status = run(
    folder,
    "--codec=webp",
    "--codec=jpeg",
    "--metric=psnr",
    "--bpp",
    "0.5",
    "5",
  )
  out, err = capsys.readouterr()
  assert (status, err) == (0, "")
  lines = [line.split() for line in out.splitlines()]
  assert lines[0][:2] == ["BD-rate", "psnr"]
  assert lines[2][0] == "webp"
  assert float(lines[2][1]) < 0
  assert lines[3][:2] == ["jpeg", "+0.0"]
  assert "Against jpeg, from 0.5 to 5 bits per pixel" in out


def test_several_ranges_have_a_second_table(folder, capsys):
  flags = ["--bpp", "0.5", "5", "--bpp", "1", "6"]
  assert run(folder, *PAIR, *flags) == 0
  first, second = capsys.readouterr().out.split("\nBD-rate")
  assert "from 0.5 to 5 bits per pixel" in first
  lines = [re.split("  +", line.strip()) for line in second.splitlines()]
  assert lines[0] == ["mae", "mae"]
  assert lines[1] == ["bits per pixel", "0.5 to 5", "1 to 6"]
  assert [line[0] for line in lines[2:4]] == ["webp", "jpeg"]
  assert "published" not in second


def test_distances_at_a_rate_are_printed_and_written(folder, tmp_path, capsys):
  out = tmp_path / "out"
  rates = ["--at=1.5", "--at=2"]
  assert run(folder, *PAIR, *rates, "--shown=0", f"--out={out}") == 0
  printed = capsys.readouterr().out
  table = printed.split("at 1.5 bits per pixel")[1].split("\n\n")[0]
  jpeg, webp = (re.split("  +", line) for line in table.splitlines()[1:3])
  assert (jpeg[0], webp[0]) == ("jpeg", "webp")
  rows = json.loads((out / "result.json").read_text())["at_rates"]
  assert [(row["bpp"], row["codec"]) for row in rows] == [
    (1.5, "jpeg"), (1.5, "webp"), (2.0, "jpeg"), (2.0, "webp"),
  ]  # fmt: skip
  assert jpeg[1] == f"{rows[0]['value']:.4g}"
  assert webp[1].startswith(f"{rows[1]['value']:.4g} x{rows[1]['ratio']:.2f} [")
  page = (out / "report.html").read_text()
  assert "<h2>At equal rates</h2>" in page
  assert f"{rows[3]['value']:.4g} x" in page


def test_a_rate_of_zero_is_refused_before_anything_is_measured(folder, capsys):
  assert run(folder, *PAIR, "--at=0") == 2
  assert "a rate is above 0 bits per pixel; got 0" in capsys.readouterr().err


def test_it_writes_the_page_and_the_tables(folder, tmp_path, capsys):
  out = tmp_path / "out"
  flags = ["--codec=jpeg", "--codec=webp(method=6)", "--metric=mae"]
  status = run(
    folder, *flags, f"--out={out}", "--shown=1", "--shown_bpp=2", "--repeats=2"
  )
  assert status == 0
  assert str(out / "report.html") in capsys.readouterr().out
  rows = list(csv.DictReader((out / "points.csv").read_text().splitlines()))
  pair = [codecs.get(name) for name in ("jpeg", "webp(method=6)")]
  assert len(rows) == 2 * sum(len(codec.qualities) for codec in pair)
  assert {row["codec"] for row in rows} == {"jpeg", "webp(method=6)"}
  assert (out / "means.csv").read_text().startswith("codec,quality,metric")
  found = json.loads((out / "result.json").read_text())
  assert found["anchor"] == "jpeg"
  assert found["conditions"]["jpeg"].startswith("Pillow")
  assert '<figure class="wipe"' in (out / "report.html").read_text()
  (sheet,) = out.glob("crops_*.png")
  # The whole picture of 64x96 is no larger than a square of crops.
  assert files.read_image(sheet).shape[1] == 3 * (64 + 8) + 8


def test_a_pair_is_measured_and_laid_over_each_other_first(folder, tmp_path):
  out = tmp_path / "out"
  pair = ["webp", "jpeg(subsampling='4:4:4')"]
  flags = ["--codec=jpeg", "--metric=mae", "--shown=1", "--shown_bpp=2"]
  assert run(folder, *flags, "--pair", *pair, f"--out={out}") == 0
  page = (out / "report.html").read_text()
  for side, spec in zip(("left", "right"), pair, strict=True):
    options = re.search(rf'<select class="{side}".*?</select>', page)[0]
    (chosen,) = re.findall(r"selected>(.*?)</option>", options)
    assert html.unescape(chosen) == codecs.get(spec).spec
  rows = json.loads((out / "result.json").read_text())["points"]
  assert {row["codec"] for row in rows} == {
    codecs.get(spec).spec for spec in ("jpeg", *pair)
  }


def test_a_bad_picture_is_named_and_the_rest_goes_on(folder, capsys):
  (folder / "bad.png").write_bytes(b"no picture")
  status = run(folder, "--codec=jpeg", "--metric=mae")
  out, err = capsys.readouterr()
  assert status == 1
  assert "bad: left out: " in err
  assert out.splitlines()[2].split()[-1] == "2"


def test_all_stands_for_the_codecs_at_hand(folder, capsys, monkeypatch):
  found = [codecs.get("jpeg")], {"jxl": "it is not installed"}
  monkeypatch.setattr(codecs, "at_hand", lambda: found)
  status = run(folder, "--metric=mae")
  out, err = capsys.readouterr()
  assert status == 0
  assert "jpeg" in out
  assert err == "jxl: left out: it is not installed\n"


def test_models_stand_for_the_learned_codec_with_each_shipped_model():
  found, missing = rate_distortion._codecs(["jpeg", "models"], [])
  specs = [codec.spec for codec in found]
  assert specs[0] == "jpeg"
  assert {"hyperprior", "hyperprior(model='photo_ms_ssim')"} <= {*specs[1:]}
  assert all(spec.startswith("hyperprior") for spec in specs[1:])
  assert missing == {}


@pytest.mark.parametrize(
  ("flags", "why"),
  [
    (["--codec=jpg"], "Did you mean 'jpeg'?"),
    (["--codec=webp", "--anchor=jpeg"], "--anchor is one of the codecs, webp"),
    (["--codec=jpeg", "--bpp", "2", "1"], "two rates, rising; got 2 and 1"),
    (["--pair", "jpeg", "jpeg()"], "two codecs that differ; got jpeg"),
    (["--codec=jpeg", "--bpp", "0", "1", "--bpp", "3", "3"], "got 3 and 3"),
    (["--codec=jpeg", "--bpp", "0", "inf"], "got 0 and inf"),
    (["--codec=jpeg", "--shown=-1", "--out=OUT"], "0 or more; got -1"),
    (["--codec=jpeg", "--shown_bpp=0", "--out=OUT"], "is above 0; got 0"),
    (["--codec=jpeg", "--shown=2"], "page that --out makes; give --out"),
    (["--codec=jpeg", "--shown_bpp=1"], "page that --out makes; give --out"),
    (["--codec=jpeg", "--fresh"], "give --out"),
    (["--codec=jpeg", "--repeats=0"], "repeats is at least 1; got 0"),
    (["--codec=jpeg", "--metric=psnrr"], "Did you mean 'psnr'?"),
  ],
)
def test_mistakes_are_told_before_the_work(
  folder, tmp_path, capsys, flags, why
):
  flags = [flag.replace("OUT", str(tmp_path)) for flag in flags]
  assert run(folder, *flags) == 2
  assert why in capsys.readouterr().err


def test_pictures_of_one_name_have_sheets_of_their_own(folder, tmp_path):
  other = tmp_path / "other" / "p1.png"
  files.write_image(other, files.read_image(folder / "p2.png"))
  (folder / "p2.png").unlink()
  out = tmp_path / "out"
  flags = ["--codec=jpeg", "--metric=mae", "--shown_bpp=2", f"--out={out}"]
  assert run(folder, str(other.parent), *flags) == 0
  assert len(list(out.glob("crops_*.png"))) == 2


def test_a_folder_without_pictures_is_refused(tmp_path, capsys):
  assert run(tmp_path, "--codec=jpeg") == 2
  assert "no picture in" in capsys.readouterr().err


KILLED = """
import os, signal, sys
from tfpercept import cli
from tfpercept.evaluation.rate_distortion import work_file
add, left = work_file.WorkFile.add, [int(sys.argv[1])]
def killed(self, key, point):
  if not left[0]:
    os.kill(os.getpid(), signal.SIGKILL)
  left[0] -= 1
  add(self, key, point)
work_file.WorkFile.add = killed
cli.main(sys.argv[2:])
"""


def untimed(out):
  """Returns the lines of points.csv without seconds and memory."""
  rows = csv.DictReader((out / "points.csv").read_text().splitlines())
  timed = re.compile("(encode|decode)_")
  return [{k: v for k, v in r.items() if not timed.match(k)} for r in rows]


def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(
  folder, tmp_path, capsys
):
  out, whole = tmp_path / "out", tmp_path / "whole"
  flags = ["rate-distortion", str(folder), *PAIR, "--shown=0", f"--out={out}"]
  for points in (3, 30):
    ended = subprocess.run(
      [sys.executable, "-c", KILLED, str(points), *flags],
      capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
  assert sorted(os.listdir(out)) == ["work.jsonl"]
  assert run(folder, *PAIR, "--shown=0", f"--out={out}") == 0
  captured = capsys.readouterr()
  assert f"33 of 50 points are those of earlier runs, from {out}" in (
    captured.err
  )
  assert run(folder, *PAIR, "--shown=0", f"--out={whole}") == 0
  assert len(untimed(whole)) == 50
  assert untimed(out) == untimed(whole)
  means = [(place / "means.csv").read_text() for place in (out, whole)]
  assert means[0] == means[1]
  facts = json.loads((out / "result.json").read_text())["conditions"]
  assert facts["Points of earlier runs"] == "33"


def test_an_interrupted_run_says_what_is_kept(
  folder, tmp_path, capsys, monkeypatch
):
  add = work_file.WorkFile.add

  def interrupted(self, key, point):
    add(self, key, point)
    if len(self) == 5:
      raise KeyboardInterrupt

  out = tmp_path / "out"
  with monkeypatch.context() as patch:
    patch.setattr(work_file.WorkFile, "add", interrupted)
    assert run(folder, *PAIR, f"--out={out}") == 130
  err = capsys.readouterr().err
  assert f"5 measured points are kept in {out / 'work.jsonl'}" in err
  assert run(folder, *PAIR, "--shown=0", f"--out={out}", "--fresh") == 0
  assert "earlier runs" not in capsys.readouterr().err
