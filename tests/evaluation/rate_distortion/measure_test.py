"""Codecs on pictures: what is measured, averaged and left out."""

import math

import numpy as np
import pytest

from tests.evaluation.rate_distortion.coarse_codec import Coarse, ramp
from tfpercept import codecs, distances
from tfpercept.evaluation.core import peak_memory
from tfpercept.evaluation.rate_distortion import measure
from tfpercept.evaluation.rate_distortion.result import Point, Run
from tfpercept.io import files

PSNR, MAE = distances.get("psnr"), distances.get("mae")


def psnr(a, b):
  return 10 * math.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_a_point_has_the_bytes_the_distance_and_the_seconds():
  picture = ramp()
  (codec,) = (Coarse(),)
  found = measure.measure({"a": picture}, [codec], [PSNR, MAE])
  assert [p.quality for p in found.points] == [1, 2, 3, 4, 5]
  point = found.points[1]
  assert (point.codec, point.picture, point.pixels) == ("coarse", "a", 2048)
  assert point.size == 2048 * 2 // 40
  assert point.bpp == 8 * point.size / 2048
  expected = picture // 16 * 16 + 8
  # Distances compute in float32.
  assert point.decibels("psnr") == pytest.approx(psnr(picture, expected), 1e-5)
  assert point.measured["psnr"].score == pytest.approx(
    point.decibels("psnr"), 1e-5
  )
  error = np.abs(picture.astype(float) - expected).mean() / 255
  assert point.measured["mae"].value == pytest.approx(error, 1e-5)
  assert point.decibels("mae") == pytest.approx(-10 * math.log10(error), 1e-5)
  assert point.encode.seconds > 0
  assert point.encode.parts == {"transforms": 0.25, "coder": 0.5}
  assert point.decode.parts == {}


def test_a_codec_is_warmed_up_once_a_size_and_repeated_as_asked():
  codec = Coarse()
  pictures = {"a": ramp(), "b": ramp(), "c": ramp(16, 16)}
  measure.measure(
    pictures, [codec], [MAE], qualities={"coarse": [3]}, repeats=3
  )
  compressed = [q for what, q in codec.calls if what == "compress"]
  assert compressed == [3] * (1 + 3 + 3 + 1 + 3)


def test_psnr_is_averaged_in_decibels_over_pictures():
  pictures = {"a": ramp(), "b": np.full([32, 64, 3], 77, np.uint8)}
  found = measure.measure(pictures, [Coarse()], [PSNR])
  each = [p.decibels("psnr") for p in found.points if p.quality == 3]
  mean = found.means("coarse", "psnr")[2]
  assert mean.decibels == pytest.approx(sum(each) / 2)
  assert mean.bpp == pytest.approx(8 * (2048 * 3 // 40) / 2048)
  assert each[0] != pytest.approx(each[1], abs=0.1)


def test_equal_pictures_are_counted_apart():
  # 84 is the middle of a step of 8 from 80 on, and of no other.
  pictures = {"a": ramp(), "b": np.full([32, 64, 3], 84, np.uint8)}
  found = measure.measure(pictures, [Coarse()], [PSNR])
  mean = found.means("coarse", "psnr")[2]
  assert mean.infinite == 1
  only = next(p for p in found.points if p.quality == 3)
  assert mean.decibels == only.decibels("psnr")


def test_a_lossless_codec_has_no_curve(photograph):
  png, jpeg = codecs.get("png"), codecs.get("jpeg")
  found = measure.measure({"a": photograph(32, 32)}, [png, jpeg], [MAE])
  assert found.means("png", "mae")[0].infinite == 1
  assert found.bd_rate("png", "jpeg", "mae").why


def test_a_codec_of_nine_tenths_of_the_bytes_is_at_minus_10_percent():
  # All bytes a multiple of 10, so that nothing is rounded.
  codec, cheap = Coarse(), Coarse("cheap", excess=-0.1)
  picture = ramp(40, 100)
  found = measure.measure({"a": picture}, [codec, cheap], [PSNR])
  for method in ("pchip", "cubic"):
    difference = found.bd_rate(
      "cheap", "coarse", "psnr", span=(0, 9), method=method
    )
    assert difference.percent == pytest.approx(-10, abs=1e-6)
  # Between 0.3 and 0.9 bpp are three points of one and three of the other.
  assert found.bd_rate("cheap", "coarse", "psnr", span=(0.3, 0.9)).why


def test_a_failure_of_one_codec_on_one_picture_leaves_the_rest():
  class Picky(Coarse):
    def compress(self, image, *, quality=None):
      if image.shape[0] == 16 and quality == 4:
        raise RuntimeError("the coder gave up\nat length")
      return super().compress(image, quality=quality)

  pictures = {"small": ramp(16, 16), "large": ramp()}
  found = measure.measure(pictures, [Picky("picky"), Coarse()], [PSNR])
  assert found.failures == {"picky: small": "the coder gave up"}
  assert found.pictures("psnr", "picky") == ("large",)
  assert found.pictures("psnr", "coarse") == ("small", "large")
  assert found.pictures("psnr", "picky", "coarse") == ("large",)
  # Compared over what both have: they are one codec.
  difference = found.bd_rate("picky", "coarse", "psnr", span=(0, 9))
  assert difference.percent == pytest.approx(0, abs=1e-9)


def test_a_decoder_that_changes_the_size_has_failed():
  found = measure.measure({"a": ramp()}, [Coarse(loses=1)], [MAE])
  assert not found.points
  assert "decoded to uint8 [32, 63, 3]" in found.failures["coarse: a"]


def test_a_picture_that_can_not_be_read_is_named(tmp_path):
  (tmp_path / "bad.png").write_bytes(b"no picture")
  files.write_image(tmp_path / "good.png", ramp())
  pictures = measure.find_pictures([tmp_path])
  found = measure.measure(pictures, [Coarse()], [MAE])
  assert list(found.failures) == ["bad"]
  assert "not a readable picture" in found.failures["bad"]
  assert found.pictures("mae", "coarse") == ("good",)


def test_a_distance_that_does_not_suit_a_picture_is_named():
  pictures = {"small": ramp(16, 16), "large": ramp(170, 170)}
  metrics = [MAE, distances.get("ms_ssim")]
  found = measure.measure(
    pictures, [Coarse()], metrics, qualities={"coarse": [1, 5]}
  )
  assert list(found.failures) == ["small: ms_ssim"]
  assert found.pictures("ms_ssim", "coarse") == ("large",)
  assert found.pictures("mae", "coarse") == ("small", "large")
  assert found.judged("small") == ("mae",)


def test_grey_is_judged_as_three_equal_channels(photograph):
  grey = photograph(48, 64)[..., :1]
  pair = [codecs.get("jpeg"), codecs.get("webp")]
  ladders = {"jpeg": [50], "webp": [50]}
  found = measure.measure({"a": grey}, pair, [PSNR], qualities=ladders)
  assert not found.failures
  again = pair[0].decompress(pair[0].compress(grey, quality=50))
  assert found.points[0].decibels("psnr") == pytest.approx(
    psnr(grey, again), 1e-5
  )


@pytest.mark.parametrize(
  ("size", "bits", "exceeds"),
  [(1042, 8000, False), (1043, 8000, True), (9999, None, False)],
)
def test_a_file_may_exceed_its_estimate_by_1_percent_and_32_bytes(
  size, bits, exceeds
):
  run = Run(1.0)
  point = Point("c", "p", 1.0, 100, size, bits, {}, run, run)
  assert point.exceeds_estimate == exceeds


def test_files_above_their_estimates_are_a_warning():
  plain, fat = Coarse(), Coarse("fat", excess=0.3)
  found = measure.measure({"a": ramp(64, 64)}, [plain, fat], [MAE])
  (note,) = found.warnings
  assert note.startswith("fat: 4 of 5 files exceed their estimate by more than")
  assert "at quality 5 has 665 bytes, the estimate is 512" in note
  mean = found.means("fat", "mae")[4]
  assert mean.bpp == pytest.approx(1.3 * mean.estimated_bpp, 2e-3)  # in bytes


def test_speed_is_a_median_and_parts_are_kept():
  found = measure.measure({"a": ramp()}, [Coarse()], [MAE])
  rates = sorted(p.pixels / 1e6 / p.encode.seconds for p in found.points)
  assert found.speed("coarse", "encode") == pytest.approx(rates[2])
  assert found.part_seconds("coarse", "encode") == {
    "transforms": 0.25, "coder": 0.5,
  }  # fmt: skip
  assert found.part_seconds("coarse", "decode") == {}


def test_peak_memory_sees_what_was_held_and_let_go():
  with peak_memory.watch() as low:
    pass
  with peak_memory.watch() as high:
    np.ones(64 << 20, np.uint8).sum()
  with peak_memory.watch() as after:
    pass
  if high.bytes is None:
    pytest.skip("this system does not tell")
  # 64 MB less what other threads let go of meanwhile.
  assert high.bytes - low.bytes > 48 << 20
  assert high.bytes - after.bytes > 48 << 20


def test_peak_memory_is_unknown_where_it_can_not_be_reset(
  monkeypatch, tmp_path
):
  monkeypatch.setattr(peak_memory, "_CLEAR", tmp_path / "none" / "clear_refs")
  with peak_memory.watch() as peak:
    pass
  assert peak.bytes is None
  found = measure.measure({"a": ramp()}, [Coarse()], [MAE])
  assert found.peak("coarse") is None


def test_names_that_occur_twice_say_where(tmp_path):
  for folder in ("x", "y"):
    files.write_image(tmp_path / folder / "a.png", ramp())
  files.write_image(tmp_path / "y" / "b.png", ramp())
  found = measure.find_pictures([tmp_path / "x", tmp_path / "y"])
  assert list(found) == [
    str(tmp_path / "x" / "a.png"), str(tmp_path / "y" / "a.png"), "b",
  ]  # fmt: skip


def test_progress_counts_every_file():
  seen = []
  measure.measure(
    {"a": ramp(), "b": ramp()},
    [Coarse(), Coarse("other")],
    [MAE],
    progress=lambda done, what: seen.append((done, what)),
  )
  files_of_a = [item for item in seen if ": " in item[1]]
  assert [done for done, _ in files_of_a] == list(range(20))
  assert files_of_a[7] == (7, "a: other 3")


def test_nothing_to_compare_is_refused():
  for pictures, coders, metrics in (
    ({}, [Coarse()], [MAE]),
    ({"a": ramp()}, [], [MAE]),
    ({"a": ramp()}, [Coarse(), Coarse()], [MAE]),
    ({"a": ramp()}, [Coarse()], []),
  ):
    with pytest.raises(ValueError, match="codecs that differ"):
      measure.measure(pictures, coders, metrics)
  with pytest.raises(ValueError, match="repeats is at least 1"):
    measure.measure({"a": ramp()}, [Coarse()], [MAE], repeats=0)
