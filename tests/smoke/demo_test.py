"""`make run` in small: all is made once, served, and made no second time.

One short demo serves all tests here; it takes most of a minute, since it loads
TensorFlow in seven processes.
"""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfpercept import files

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 2


def demo(*arguments):
  return subprocess.run(
    [sys.executable, "-m", "trainers.demo", *map(str, arguments)],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
  out = tmp_path_factory.mktemp("demo") / "runs"
  done = demo(f"--out={out}", f"--steps={STEPS}")
  assert done.returncode == 0, done.stderr
  return out, done.stdout


def test_it_trains_scores_reports_exports_and_says_where(made):
  out, printed = made
  for made_here in (
    "mse/model/manifest.json",
    "ms_ssim/model/manifest.json",
    "report.html",
    "exported/srcnn/1/saved_model.pb",
    "exported/srcnn_tflite/manifest.json",
    "chelsea_x4.png",
  ):
    assert (out / made_here).is_file()
  summary = printed.split("\n\n")[-1]
  for place in ("report.html", "exported/srcnn/1", "exported/srcnn_tflite"):
    assert str(out / place) in summary
  assert "reloaded; differs from Keras by" in summary


def test_it_compares_both_losses_with_bicubic(made):
  out, printed = made
  page = (out / "report.html").read_text()
  for method in ("bicubic", "SRCNN mse", "SRCNN ms_ssim"):
    assert method in printed
    assert f"<b>{method}</b>" in page


def test_a_second_call_only_upscales_the_given_picture(made, tmp_path):
  out, _ = made
  picture = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
  files.write_image(tmp_path / "mine.png", picture)
  before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
  done = demo(
    f"--out={out}", f"--steps={STEPS}", f"--image={tmp_path / 'mine.png'}"
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout.count("there already") == 5
  after = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
  assert after.keys() - before.keys() == {out / "mine_x4.png"}
  assert {p: after[p] for p in before} == before
  assert files.read_image(out / "mine_x4.png").shape == (36, 52, 3)


@pytest.mark.parametrize("contents", [None, b"no picture"])
def test_a_bad_picture_is_refused_before_anything_is_made(tmp_path, contents):
  image = tmp_path / "mine.png"
  if contents:
    image.write_bytes(contents)
  done = demo(f"--out={tmp_path / 'runs'}", f"--image={image}")
  assert done.returncode == 1
  assert f"{image}" in done.stderr
  assert not (tmp_path / "runs").exists()
