"""`make run` in small: all is made once, served, and made no second time.

One short demo serves all tests here; it takes most of a minute, since each
check of what it exports loads TensorFlow anew.
"""

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import codecs
from tfpercept.data import packaged
from tfpercept.io import files

STEPS = 2


def demo(*arguments):
  return runs.run("demo", *map(str, arguments))


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


def test_the_page_can_be_mailed(made):
  assert (made[0] / "report.html").stat().st_size < 3_000_000


def test_it_compares_both_losses_with_bicubic(made):
  out, printed = made
  page = (out / "report.html").read_text()
  for method in ("bicubic", "SRCNN mse", "SRCNN ms_ssim"):
    assert method in printed
    assert f"<b>{method}</b>" in page


def test_it_shows_files_of_the_shipped_codec_beside_jpeg_of_like_size(made):
  out, _ = made
  page = (out / "report.html").read_text()
  learned, jpeg = codecs.get("hyperprior"), codecs.get("jpeg")
  for name, picture in packaged.test().items():
    sizes = []
    for codec, suffix in ((learned, "tfp"), (jpeg, "jpg")):
      data = (out / "compressed" / f"{name}.{suffix}").read_bytes()
      assert codec.decompress(data).shape == picture.shape
      bpp = 8 * len(data) / (picture.shape[0] * picture.shape[1])
      assert f"{bpp:.3f} bpp, {len(data)} bytes, psnr " in page
      sizes.append(len(data))
    # JPEG has whole qualities only.
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)
  assert page.count('<figure class="wipe"') == len(packaged.test())


def test_a_second_call_only_upscales_the_given_picture(made, tmp_path):
  out, _ = made
  picture = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
  files.write_image(tmp_path / "mine.png", picture)
  before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
  done = demo(
    f"--out={out}", f"--steps={STEPS}", f"--image={tmp_path / 'mine.png'}"
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout.count("there already") == 6
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
