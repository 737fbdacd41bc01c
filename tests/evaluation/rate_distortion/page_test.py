"""The page of rate and distortion: what is on it."""

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.rate_distortion.coarse_codec import Coarse, ramp
from tfpercept import codecs, distances
from tfpercept.evaluation.rate_distortion import (
  charts as rate_distortion_charts,
)
from tfpercept.evaluation.rate_distortion import measure as rate_distortion
from tfpercept.evaluation.rate_distortion import page
from tfpercept.evaluation.rate_distortion import published as kodak_published

METRICS = [distances.get("psnr"), distances.get("ssim")]
OPTIONS = page.Options(span=(0.2, 4.0), bpp=1.0, shown=1)


@pytest.fixture(scope="module")
def made(photograph, tmp_path_factory):
  """The page of two codecs on two pictures that are called as Kodak's."""
  pictures = {f"kodim0{n}": photograph(96, 128, seed=n) for n in (1, 2)}
  pair = [codecs.get("jpeg"), codecs.get("webp")]
  result = rate_distortion.measure(pictures, pair, METRICS)
  path = tmp_path_factory.mktemp("page") / "report.html"
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(kodak_published, "PIXELS", 96 * 128)
    page.write(
      path, result, pictures, pair, METRICS, OPTIONS,
      conditions={"<Bits>": "all"},
    )  # fmt: skip
  return result, path.read_text()


def test_pictures_of_another_size_are_not_kodak_s(made, monkeypatch):
  result, _ = made
  assert not rate_distortion_charts.are_kodak(result)
  monkeypatch.setattr(kodak_published, "PIXELS", 96 * 128)
  assert rate_distortion_charts.are_kodak(result)


def test_it_fetches_nothing(made):
  _, text = made
  assert not re.search(r"(src|href)=\"(?!data:|#)", text)
  assert not re.search(r"url\((?!#)|@import|fetch\(", text)


def test_it_has_every_section_and_the_conditions(made):
  _, text = made
  heads = re.findall(r"<h2>(.*?)</h2>", text)
  assert heads == [
    "BD-rate", "Over several ranges of rates", "Curves",
    "Perception against distortion", "Side by side", "Speed and memory",
    "Conditions",
  ]  # fmt: skip
  assert "<dt>&lt;Bits&gt;</dt>" in text


def test_the_table_has_both_ways_of_interpolation(made):
  result, text = made
  for method in ("pchip", "cubic"):
    found = result.bd_rate(
      "webp", "jpeg", "psnr", span=OPTIONS.span, method=method
    )
    assert str(found) in text


def test_one_picture_is_shown_by_each_codec_near_the_rate(made):
  _, text = made
  assert text.count('<figure class="wipe"') == 1
  rates = re.findall(r"<small>([\d.]+) bpp, (\d+) bytes", text)
  assert len(rates) == 2
  for bpp, size in rates:
    assert float(bpp) == pytest.approx(1.0, rel=0.1)
    assert 8 * int(size) / (96 * 128) == pytest.approx(float(bpp), abs=1e-3)


def test_published_curves_are_behind_those_of_kodak_alone(made, monkeypatch):
  result, text = made
  monkeypatch.setattr(kodak_published, "PIXELS", 96 * 128)
  assert "published bmshj2018_mse" in text
  assert "over all 24 Kodak pictures; ours are over the 2 at hand" in text
  assert "published" in rate_distortion_charts.curves(result, "psnr", far=1.0)
  other = rate_distortion.measure({"coffee": ramp()}, [Coarse()], METRICS)
  chart = rate_distortion_charts.curves(other, "psnr", far=9.0)
  assert "published" not in chart
  assert "coarse" in chart
  assert "currentColor" in chart


def test_a_plane_has_each_codec_at_rates_that_it_reaches(made):
  result, _ = made
  chart = rate_distortion_charts.plane(
    result, "psnr", "ssim", rates=(0.8, 2.0, 99.0)
  )
  assert "all at 0.8 bpp" in chart
  assert "all at 2 bpp" in chart
  assert "99" not in re.findall(r"all at (\d+) bpp", chart)
  assert not rate_distortion_charts.plane(result, "psnr", "ssim", rates=(99.0,))


@pytest.mark.parametrize("other", ["mse", "2*mse"])
def test_a_plane_of_what_says_the_same_is_not_drawn(
  tmp_path, photograph, other
):
  pictures, codec = {"a": photograph(48, 64)}, codecs.get("jpeg")
  metrics = [distances.get(spec) for spec in ("psnr", other, "ssim")]
  result = rate_distortion.measure(pictures, [codec], metrics)
  path = tmp_path / "report.html"
  options = dataclasses.replace(OPTIONS, anchor="jpeg", rates=(2.0, 3.0))
  page.write(path, result, pictures, [codec], metrics, options)
  text = path.read_text()
  assert "against psnr is not drawn: the two say the same" in text
  titles = re.findall(r'aria-label="(\S+) against psnr at equal rates"', text)
  assert titles == ["ssim"]


def test_what_failed_and_what_exceeds_its_estimate_is_on_the_page(tmp_path):
  bad, fat = Coarse("bad", fails=2), Coarse("fat", excess=0.5)
  pictures = {"a": ramp(64, 64)}
  result = rate_distortion.measure(pictures, [fat, bad], METRICS)
  path = tmp_path / "report.html"
  page.write(
    path,
    result,
    pictures,
    [fat, bad],
    METRICS,
    page.Options(anchor="fat", bpp=1.0),
  )
  text = path.read_text()
  assert "Files above their estimates" in text
  assert "the coder gave up" in text
  assert "undefined, as" in text


def test_codecs_far_above_the_rate_are_not_shown(tmp_path, photograph):
  pictures = {"a": photograph(48, 64)}
  pair = [codecs.get("jpeg"), codecs.get("png")]
  result = rate_distortion.measure(pictures, pair, METRICS)
  path = tmp_path / "report.html"
  page.write(path, result, pictures, pair, METRICS, OPTIONS)
  text = path.read_text()
  assert "error map of png" not in text
  assert re.search(r"png is not shown: its smallest file has [\d.]+ bpp", text)


def test_a_codec_that_fails_between_its_qualities_does_not_cost_the_page(
  tmp_path, photograph
):
  class Gap(Coarse):
    def compress(self, image, *, quality=None):
      if quality not in self.qualities:
        raise RuntimeError("no such quality")
      return super().compress(image, quality=quality)

  pictures, pair = {"a": photograph(48, 64)}, [codecs.get("jpeg"), Gap("gap")]
  result = rate_distortion.measure(pictures, pair, METRICS)
  path = tmp_path / "report.html"
  options = page.Options(bpp=0.72, shown=1)
  page.write(path, result, pictures, pair, METRICS, options)
  assert "gap is not shown: no such quality." in path.read_text()


def test_the_anchor_stands_at_the_left_to_begin_with(made):
  _, text = made
  left = re.search(r'<select class="left".*?</select>', text)[0]
  assert re.search(r"<option value=\"\d\" selected>jpeg<", left)


@pytest.mark.parametrize("pair", [("jpeg", "jpeg"), ("jpeg", "png")])
def test_a_pair_is_two_of_the_codecs(tmp_path, pair):
  codec = Coarse("jpeg")
  options = page.Options(pair=pair)
  result = rate_distortion.measure({"a": ramp()}, [codec], METRICS[:1])
  with pytest.raises(ValueError, match="a pair is two of the codecs, jpeg"):
    page.write(tmp_path / "report.html", result, {}, [codec], METRICS, options)


def test_pictures_larger_than_the_window_are_cut_around_the_middle(
  tmp_path, photograph
):
  pictures = {"a": np.tile(photograph(100, 100), (1, 9, 1))}
  pair = [codecs.get("jpeg")]
  result = rate_distortion.measure(
    pictures, pair, METRICS, qualities={"jpeg": [5, 20, 60]}
  )
  path = tmp_path / "report.html"
  page.write(path, result, pictures, pair, METRICS, OPTIONS)
  assert 'width="768" height="100"' in path.read_text()


def images(text):
  """Returns the pictures of a page by their texts."""
  found = re.findall(r'src="data:image/webp;base64,(.*?)" alt="(.*?)"', text)
  return {
    alt: np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    for data, alt in found
  }


def test_shown_pictures_are_the_very_pixels(tmp_path, photograph):
  pictures = {"a": photograph(96, 128, seed=3)}
  codec = codecs.get("jpeg")
  result = rate_distortion.measure(pictures, [codec], METRICS)
  path = tmp_path / "report.html"
  page.write(path, result, pictures, [codec], METRICS, OPTIONS)
  shown = images(path.read_text())
  np.testing.assert_array_equal(shown["original"], pictures["a"])
  (size,) = re.findall(r" bpp, (\d+) bytes", path.read_text())
  made = [codec.compress(pictures["a"], quality=q) for q in range(1, 96)]
  decoded = [codec.decompress(data) for data in made if len(data) == int(size)]
  assert any(np.array_equal(shown["jpeg"], image) for image in decoded)


def test_a_page_of_two_pictures_of_noise_by_many_codecs_is_below_5_mb(tmp_path):
  # Nothing takes more room than noise; nine codecs are all that there are.
  random = np.random.default_rng(0)
  pictures = {n: random.integers(0, 256, (400, 500, 3), "u1") for n in "ab"}
  coders = [Coarse(f"coarse{n}") for n in range(9)]
  result = rate_distortion.measure(
    pictures, coders, METRICS[:1], qualities={c.spec: [1, 5] for c in coders}
  )
  path = tmp_path / "report.html"
  options = dataclasses.replace(OPTIONS, anchor="coarse0", shown=2, bpp=1.0)
  page.write(path, result, pictures, coders, METRICS[:1], options)
  assert path.stat().st_size < 5_000_000
  text = path.read_text()
  places = re.findall(
    r"the (\d+) pixels square .* row (\d+) and column (\d+)", text
  )
  assert len({*places}) == 2  # in titles, and for readers of screens
  side, row, column = map(int, places[-1])
  np.testing.assert_array_equal(
    images(text)["original"],
    pictures["b"][row : row + side, column : column + side],
  )
