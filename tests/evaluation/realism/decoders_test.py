"""Decoders of the same bytes, the table of them and their page."""

import csv
import json

import numpy as np
import pytest

from tests.codecs import small_models
from tests.codecs.learned import small_heads
from tfpercept import codecs
from tfpercept.evaluation.realism import decoders, measure, page, table
from tfpercept.io import files

CODER = codecs.get("png")


def scene(seed, height=64, width=128):
  random = np.random.default_rng(seed)
  coarse = random.integers(0, 256, (height // 8, width // 8, 3))
  return np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)


def darker(strength):
  """Returns a decoder that keeps a share of each pixel."""

  def decode(data):
    return np.uint8((1 - strength / 2) * CODER.decompress(data))

  return decode


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  place = tmp_path_factory.mktemp("pictures")
  for seed in range(3):
    files.write_image(place / f"p{seed}.png", scene(seed))
  return place


@pytest.fixture(scope="module")
def found(folder, tmp_path_factory):
  pictures = {f"p{seed}": folder / f"p{seed}.png" for seed in range(3)}
  chosen = {"t=0": darker(0.1), "t=0.5": darker(0.5), "t=1": darker(1.0)}
  keep = tmp_path_factory.mktemp("decoded")
  files.write_image(keep / "t=1" / "earlier.png", scene(3))
  judged = decoders.judge(
    pictures,
    CODER.compress,
    chosen,
    measure.Judge(["mse", "lpips"], ["alex"]),
    keep=keep,
    shown=2,
  )
  return judged, keep


def test_all_decoders_get_the_same_bytes(found):
  judged, _ = found
  assert [row.decoder for row in judged.rows] == ["t=0", "t=0.5", "t=1"]
  sizes = [len(CODER.compress(scene(seed))) for seed in range(3)]
  assert judged.bpp.value == pytest.approx(8 * np.mean(sizes) / (64 * 128))
  values = [row.value("mse") for row in judged.rows]
  assert values == sorted(values)


def test_decoded_pictures_are_kept_by_decoder(found):
  _, keep = found
  kept = {path.name for path in keep.iterdir()}
  assert kept == {"original", "t=0", "t=0.5", "t=1"}
  kept = {path.name for path in (keep / "t=1").iterdir()}
  assert kept == {"p0.png", "p1.png", "p2.png"}
  np.testing.assert_array_equal(
    files.read_image(keep / "t=1" / "p2.png"), np.uint8(0.5 * scene(2))
  )


def test_a_folder_of_something_else_is_not_replaced(folder, tmp_path):
  letter = tmp_path / "original" / "letter.txt"
  letter.parent.mkdir()
  letter.write_text("dear")
  with pytest.raises(ValueError, match=r"holds letter\.txt, and would be"):
    decoders.judge(
      {"p0": folder / "p0.png"}, CODER.compress, {"t=1": darker(1.0)},
      measure.Judge(["mse"], []), keep=tmp_path,
    )  # fmt: skip
  assert letter.read_text() == "dear"


def test_folders_are_judged_as_their_decoders_were(found, folder):
  judged, keep = found
  again = decoders.judge_folders(
    {f"p{seed}": folder / f"p{seed}.png" for seed in range(3)},
    {"t=1": {f"p{seed}": keep / "t=1" / f"p{seed}.png" for seed in range(3)}},
    measure.Judge(["mse", "lpips"], ["alex"]),
  )
  assert again.bpp is None
  for name in table.names(again.rows):
    assert again.rows[0].value(name) == pytest.approx(
      judged.rows[2].value(name)
    )


def test_a_missing_picture_is_told(folder):
  with pytest.raises(ValueError, match="t=1 has no picture of p0"):
    decoders.judge_folders(
      {"p0": folder / "p0.png"}, {"t=1": {}}, measure.Judge(["mse"], [])
    )


def test_heads_decode_the_files_of_their_codec(tmp_path, photograph):
  codec, picture = tmp_path / "codec", photograph(64, 96)
  small_models.save(codec, picture)
  head = small_heads.save(tmp_path / "head", codec, highest=5.0)
  assert decoders.own_head(str(codec)) == {}  # none comes with the package
  found = decoders.strengths(str(codec), {"mine": head}, [0.5, 1.0])
  assert list(found) == ["t=0", "mine t=0.5", "mine t=1"]
  plain = codecs.get(f"learned(model={str(codec)!r})")
  data = plain.compress(picture, quality=2)
  images = [decode(data).astype(float) for decode in found.values()]
  np.testing.assert_array_equal(images[0], plain.decompress(data))
  added = [np.abs(image - images[0]).mean() for image in images[1:]]
  assert 0 < added[0] < added[1]


def test_the_head_of_the_package_is_found():
  assert decoders.own_head("photo_mse") == {"": "photo_mse_realism"}


def test_a_head_of_another_codec_is_not_judged_under_its_name():
  heads = {"a": "photo_ms_ssim_realism", "b": "photo_mse_realism"}
  with pytest.raises(ValueError, match="given: photo_ms_ssim_realism"):
    decoders.strengths("photo_mse", heads, [1.0])


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_strengths_out_of_range_are_refused(value):
  with pytest.raises(ValueError, match="above 0, up to 1"):
    decoders.strengths("photo_mse", {}, [value])


def test_the_table_has_ratios_intervals_and_samples(found):
  judged, _ = found
  text = table.to_text(judged.rows)
  line = next(t for t in text.splitlines() if t.startswith("mse"))
  ratio = judged.rows[2].value("mse") / judged.rows[0].value("mse")
  assert f" x{ratio:.2f} [" in line
  assert "6 patches of 64x64 of 3 pictures" in text.replace("\n", " ")
  assert "grid of t=1: not judged: 0 flat patches" in text
  rows = list(csv.DictReader(table.to_csv(judged.rows).splitlines()))
  (mmd,) = (
    r for r in rows if (r["decoder"], r["measure"]) == ("t=1", "patch_mmd_alex")
  )
  assert float(mmd["value"]) == judged.rows[2].value("patch_mmd_alex")
  assert mmd["patches"] == "6"
  made = json.loads(json.dumps(table.to_json(judged.rows)))
  measures = made[2]["measures"]
  assert measures["mse"]["value"] == judged.rows[2].value("mse")
  assert measures["patch_frechet_alex"]["patches"] == 6


def test_the_page_draws_planes_and_lays_pictures_over_each_other(
  found, tmp_path
):
  judged, _ = found
  path = tmp_path / "realism.html"
  page.write(path, judged, title="Two & three", conditions={"Model": "none"})
  text = path.read_text()
  assert "<h1>Two &amp; three</h1>" in text
  assert text.count('class="wipe"') == 2
  for name in ("mse", "lpips", "patch_frechet_alex", "t=0.5"):
    assert name in text
  assert f"{judged.bpp.value:.3f} [" in text
