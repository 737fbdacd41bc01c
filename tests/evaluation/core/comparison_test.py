"""Files are matched, measured and listed; whatever fails is named."""

import csv
import json
import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfpercept import distances
from tfpercept.evaluation.core import (
  comparison,
  comparison_table,
  picture_pairs,
  tiled,
)
from tfpercept.io import files
from tfpercept.reports import charts


@pytest.fixture
def folders(tmp_path, photograph):
  for seed, name in enumerate(("a", "b", "c")):
    photo = photograph(64, 80, seed)
    files.write_image(tmp_path / "true" / f"{name}.png", photo)
    files.write_image(tmp_path / "coded" / f"{name}.jpg", photo)
  return tmp_path


def metrics(*specs):
  return [distances.get(spec) for spec in specs]


def compare(folder, *specs, **options):
  pairs, _ = picture_pairs.find_pairs(folder / "true", folder / "coded")
  return comparison.compare(pairs, metrics(*specs), **options)


def test_pictures_of_folders_match_by_name_without_suffix(folders):
  true, coded = folders / "true", folders / "coded"
  for path in (true / "alone", coded / "other", coded / "b"):
    files.write_image(f"{path}.png", np.zeros((2, 2), np.uint8))
  pairs, failures = picture_pairs.find_pairs(true, coded)
  assert [p.name for p in pairs] == ["a.jpg", "c.jpg"]
  assert pairs[0].reference == true / "a.png"
  assert failures == {
    f"{true}/alone.png": f"no picture of that name in {coded}",
    f"{coded}/other.png": f"no picture of that name in {true}",
    "b": "the name is ambiguous: b.png, b.jpg, b.png",
  }


def test_a_file_and_a_folder_do_not_match(folders):
  file = folders / "true" / "b.png"
  for pair in ((file, folders), (folders, file)):
    with pytest.raises(ValueError, match=r"b.png is no folder"):
      picture_pairs.find_pairs(*pair)
  with pytest.raises(ValueError, match="absent is neither"):
    picture_pairs.find_pairs(file, folders / "absent")


def test_values_and_scores_are_those_of_the_distance(folders):
  table = compare(folders, "psnr", "ssim")
  pair = [
    files.read_image(folders / name)[None] / np.float32(255)
    for name in ("true/b.png", "coded/b.jpg")
  ]
  for spec in ("psnr", "ssim"):
    distance = distances.get(spec)
    found = table.rows["b.jpg"][spec]
    assert found.value == float(distance(*pair)[0])
    assert found.score == float(distance.score(*pair)[0])


def test_what_fails_is_named_and_the_rest_goes_on(folders):
  coded = folders / "coded"
  (coded / "b.jpg").write_bytes(b"no picture")
  files.write_image(coded / "c.jpg", np.zeros((9, 8, 3), np.uint8))
  frames = [Image.new("L", (2, 2), level) for level in (0, 255)]
  frames[0].save(coded / "moving.gif", save_all=True, append_images=frames[1:])
  files.write_image(folders / "true" / "moving.png", np.zeros((2, 2), np.uint8))
  table = compare(folders, "mse", "ms_ssim")
  assert list(table.rows) == ["a.jpg"]
  assert list(table.rows["a.jpg"]) == ["mse"]
  reasons = {
    "b.jpg": "not a readable picture",
    "c.jpg": "sizes differ: 80x64 in",
    "moving.gif": "animated (2 frames)",
    "a.jpg: ms_ssim": "needs images of at least 161x161",
  }
  assert list(table.failures) == sorted(reasons, key=list(table.failures).index)
  for name, reason in reasons.items():
    assert reason in table.failures[name]


def test_16_bits_count_and_grey_stands_for_three_equal_channels(tmp_path):
  for folder in ("true", "coded"):
    (tmp_path / folder).mkdir()
  deep = np.full((4, 5), 100 * 257 + 64, np.uint16)
  Image.fromarray(deep).save(tmp_path / "true" / "a.png")
  color = np.full((4, 5, 3), 100, np.uint8)
  files.write_image(tmp_path / "coded" / "a.png", color)
  found = compare(tmp_path, "mae").rows["a.png"]["mae"]
  # Float32 near 0.4.
  assert found.value == pytest.approx(64 / 65535, rel=1e-4)


def test_transparency_is_treated_alike_in_both(tmp_path):
  for folder, color in (("true", 0), ("coded", 255)):
    (tmp_path / folder).mkdir()
    Image.new("RGBA", (3, 3), (color,) * 3 + (0,)).save(
      tmp_path / folder / "a.png"
    )
  values = {
    alpha: compare(tmp_path, "mae", alpha=alpha).rows["a.png"]["mae"].value
    for alpha in ("white", "black", "ignore")
  }
  assert values == {"white": 0.0, "black": 0.0, "ignore": 1.0}
  table = compare(tmp_path, "mae", alpha="error")
  assert "has transparency" in table.failures["a.png"]


def test_the_mean_leaves_infinite_scores_out_and_counts_them(folders):
  photo = files.read_image(folders / "true" / "c.png")
  (folders / "coded" / "c.jpg").unlink()
  files.write_image(folders / "coded" / "c.png", photo)
  table = compare(folders, "psnr")
  finite = [r["psnr"].score for r in table.rows.values()][:2]
  assert table.rows["c.png"]["psnr"].score == math.inf
  assert table.mean("psnr")[1] == pytest.approx(np.mean(finite))
  assert "psnr: 1 of 3 scores infinite" in comparison_table.to_text([table])
  value = json.loads(
    json.dumps(comparison_table.to_json([table]), allow_nan=False)
  )
  assert value["rows"][-1]["score"] == "inf"
  assert value["means"][0]["infinite"] == 1


def test_text_has_a_score_only_where_it_is_not_the_value(folders):
  lines = comparison_table.to_text(
    [compare(folders, "mse", "ssim")]
  ).splitlines()
  assert lines[0].split() == ["mse", "ssim"]
  assert lines[1].split() == ["picture", "value", "value", "score"]
  assert lines[2].split() == ["better", "smaller", "smaller", "larger"]
  assert [line.split()[0] for line in lines[3:8]] == [
    "a.jpg", "b.jpg", "c.jpg", "mean", "95",
  ]  # fmt: skip


def test_text_marks_what_is_missing(folders):
  table = compare(folders, "mse", "ms_ssim")
  text = comparison_table.to_text([table])
  line = text.splitlines()[3].split()
  assert line[2:] == ["-", "(1)", "-", "(1)"]
  assert "\n- (1) ms_ssim needs images of at least 161x161" in text
  rows = list(csv.DictReader(comparison_table.to_csv([table]).splitlines()))
  for row in rows:
    assert (row["value"] == "") == (row["metric"] == "ms_ssim")
    assert ("161x161" in row["why"]) == (row["metric"] == "ms_ssim")


def test_csv_has_a_line_for_each_pair_and_distance(folders):
  table = compare(folders, "mse", "ssim(window=7)")
  rows = list(csv.DictReader(comparison_table.to_csv([table]).splitlines()))
  assert len(rows) == 6
  found = table.rows["a.jpg"]["ssim(window=7)"]
  assert rows[1]["metric"] == "ssim(window=7)"
  assert float(rows[1]["value"]) == found.value
  assert (rows[1]["tiles"], rows[1]["exact"]) == ("1", "1")


def test_every_picture_has_a_line_and_a_reason_where_it_has_no_number(
  folders, photograph
):
  for folder in ("true", "coded"):
    large = photograph(180, 180, 5)
    files.write_image(folders / folder / "large.png", large)
  (folders / "coded" / "b.jpg").write_bytes(b"no picture")
  (folders / "true" / "c.png").unlink()
  (found,) = picture_pairs.find(folders / "true", [folders / "coded"])
  table = comparison.compare(found.pairs, metrics("ms_ssim", "psnr"))
  table.failures.update(found.failures)
  alone = f"{folders / 'coded'}/c.jpg"
  names = ["a.jpg", "b.jpg", "large.png", alone]
  rows = list(csv.DictReader(comparison_table.to_csv([table]).splitlines()))
  assert [row["picture"] for row in rows] == [n for n in names for _ in "12"]
  for row in rows:
    assert (row["value"] == "") == (row["why"] != "")
  assert "161x161" in rows[0]["why"]
  assert rows[1]["value"]
  assert "not a readable picture" in rows[2]["why"]
  assert rows[2]["why"] == rows[3]["why"]
  assert rows[4]["value"]
  assert rows[7]["why"].startswith("no picture of that name in")
  text = comparison_table.to_text([table])
  for line, name in zip(text.splitlines()[3:7], names, strict=True):
    assert line.startswith(name)
  for row in rows:
    assert row["why"] in text


def test_a_picture_that_suits_no_distance_keeps_its_line(folders):
  table = compare(folders, "ms_ssim")
  lines = comparison_table.to_csv([table]).splitlines()
  rows = list(csv.DictReader(lines))
  assert [row["picture"] for row in rows] == ["a.jpg", "b.jpg", "c.jpg"]
  assert all("161x161" in row["why"] for row in rows)


def test_means_over_tiles_are_said_to_be_that(folders, monkeypatch):
  monkeypatch.setattr(tiled, "WHOLE_PIXELS", 100)
  monkeypatch.setattr(tiled, "TILE_SIDE", 32)
  monkeypatch.setattr(distances.MAE, "locality", None)
  text = comparison_table.to_text([compare(folders, "mse", "mae")])
  assert "mae: mean over tiles of" in text
  assert "3 large pictures" in text
  assert "mse: mean" not in text


@pytest.mark.parametrize(
  "error",
  [
    MemoryError(),
    OSError("disk full"),
    tf.errors.InternalError(None, None, ""),
  ],
)
def test_whatever_one_map_raises_the_rest_goes_on(
  folders, tmp_path, monkeypatch, error
):
  def fail(*arguments):
    raise error

  monkeypatch.setattr(files, "write_image", fail)
  table = compare(folders, "mse", maps=tmp_path / "maps")
  assert len(table.rows) == len(table.failures) == 3
  monkeypatch.setattr(tiled, "measure", fail)
  table = compare(folders, "mse")
  assert not table.rows
  assert len(table.failures) == 3


def test_maps_end_at_a_limit_that_is_written_beside_them(folders, tmp_path):
  pytest.importorskip("matplotlib")
  maps = tmp_path / "new" / "maps"
  compare(folders, "mse", "ssim(window=7)", maps=maps)
  lines = list(csv.DictReader((maps / "maps.csv").read_text().splitlines()))
  assert [line["file"] for line in lines][:2] == [
    "a.mse.png", "a.ssim_window_7.png",
  ]  # fmt: skip
  assert sorted(p.name for p in maps.glob("*.png")) == sorted(
    line["file"] for line in lines
  )
  pair = [
    files.read_image(folders / name)[None] / np.float32(255)
    for name in ("true/a.png", "coded/a.jpg")
  ]
  values = distances.get("mse").map(*pair)[0].numpy()
  wanted = charts.colored(values / float(lines[0]["to"]))
  found = files.read_image(maps / "a.mse.png")
  np.testing.assert_array_equal(found, wanted)


@pytest.fixture
def methods(folders, photograph):
  """Folders of results of three methods, the third of which lacks a picture."""
  random = np.random.default_rng(0)
  for noise, method in ((1, "fine"), (9, "poor"), (30, "part")):
    for seed, name in enumerate("abc"):
      image = photograph(64, 80, seed) + random.normal(0, noise, (64, 80, 3))
      image = np.rint(image).clip(0, 255).astype(np.uint8)
      if (method, name) != ("part", "b"):
        suffix = "png" if method == "fine" else "bmp"
        files.write_image(folders / method / f"{name}.{suffix}", image)
  return [folders / method for method in ("fine", "poor", "part")]


def compared(reference, images, *specs):
  return [
    comparison.compare(found.pairs, metrics(*specs), folder=found.folder)
    for found in picture_pairs.find(reference, images)
  ]


def test_folders_stand_in_one_table_beside_each_other(folders, methods):
  tables = compared(folders / "true", methods[:2], "mse", "psnr")
  lines = comparison_table.to_text(tables).splitlines()
  assert [line.split()[:2] for line in lines[1:13]] == [
    ["picture", "folder"], ["better", "smaller"],
    ["a.png", "fine"], ["a.bmp", "poor"],
    ["b.png", "fine"], ["b.bmp", "poor"],
    ["c.png", "fine"], ["c.bmp", "poor"],
    ["mean", "fine"], ["mean", "poor"],
    ["95", "%"], ["95", "%"],
  ]  # fmt: skip
  fine, poor = (table.estimates("mse")[0] for table in tables)
  assert fine.low < fine.value < fine.high < poor.low
  value = comparison_table.to_json(tables)
  assert [m["folder"] for m in value["means"]] == ["fine"] * 2 + ["poor"] * 2
  assert value["means"][1]["score_better"] == "larger"
  assert value["means"][0]["value_interval"]["high"] == fine.high


def test_means_of_folders_are_over_the_same_pictures(folders, methods):
  tables = compared(folders / "true", methods, "mse")
  text = comparison_table.to_text(tables)
  for method in ("fine", "poor"):
    assert f"{method}: mse: the mean leaves out 1 pictures that have" in text
  assert "part: mse" not in text
  value = comparison_table.to_json(tables)
  assert [mean["pictures"] for mean in value["means"]] == [2, 2, 2]
  both = [tables[0].rows[name]["mse"].value for name in ("a.png", "c.png")]
  assert value["means"][0]["value"] == pytest.approx(np.mean(both))


def test_one_picture_is_compared_with_those_of_its_name(folders, methods):
  tables = compared(folders / "true" / "b.png", methods, "mse")
  assert [list(table.rows) for table in tables] == [["b.png"], ["b.bmp"], []]
  (part,) = picture_pairs.find(folders / "true" / "b.png", methods[2:])
  assert list(part.failures.values()) == [
    f"no picture of the name of {folders / 'true' / 'b.png'}"
  ]
  assert part.folder == ""  # there is one


def test_a_folder_that_lacks_a_picture_has_a_line_of_dashes(folders, methods):
  tables = []
  for found in picture_pairs.find(folders / "true", methods):
    table = comparison.compare(found.pairs, metrics("mse"), folder=found.folder)
    table.failures.update(found.failures)
    tables.append(table)
  lines = comparison_table.to_text(tables).splitlines()
  alone = str(folders / "true" / "b.png")
  assert [line.split()[:2] for line in lines[6:8]] == [
    ["b.png", "fine"], ["b.bmp", "poor"],
  ]  # fmt: skip
  assert lines[8].startswith(alone)
  assert lines[8].removeprefix(alone).split() == ["part", "-", "(1)"]


def test_one_picture_is_compared_with_several_files(folders, methods):
  images = [methods[0] / "a.png", methods[1] / "a.bmp", methods[2] / "a.bmp"]
  (found,) = picture_pairs.find(folders / "true" / "a.png", images)
  assert [pair.name for pair in found.pairs] == [
    "a.png", str(images[1]), str(images[2]),
  ]  # fmt: skip


@pytest.mark.parametrize(
  ("images", "message"),
  [
    (["fine", "fine/../fine"], "given twice"),
    (["fine", "poor/a.bmp"], "pictures or folders to compare, not both"),
    (["poor/a.bmp"], "a.bmp is no folder"),
    (["absent"], "expected a picture or a folder"),
  ],
)
def test_what_can_not_be_compared_is_refused(folders, methods, images, message):
  with pytest.raises(ValueError, match=message):
    picture_pairs.find(folders / "true", [folders / image for image in images])


def test_folders_of_one_name_are_told_apart(folders, methods):
  twin = folders / "more" / "fine"
  files.write_image(twin / "a.png", files.read_image(methods[0] / "a.png"))
  found = picture_pairs.find(folders / "true", [methods[0], methods[1], twin])
  assert [part.folder for part in found] == [
    str(methods[0]), "poor", str(twin),
  ]  # fmt: skip


def test_pictures_in_folders_below_match_by_their_paths(tmp_path):
  picture = np.zeros((4, 4, 3), np.uint8)
  for place in ("true", "coded"):
    for name in ("a.png", "x/a.png", "x/y/b.png"):
      files.write_image(tmp_path / place / name, picture)
  files.write_image(tmp_path / "true" / "x" / "c.png", picture)
  true, coded = tmp_path / "true", tmp_path / "coded"
  (found,) = picture_pairs.find(true, [coded])
  assert [pair.name for pair in found.pairs] == ["a.png"]
  (found,) = picture_pairs.find(true, [coded], is_recursive=True)
  assert [p.name for p in found.pairs] == ["a.png", "x/a.png", "x/y/b.png"]
  assert found.pairs[1].reference == true / "x" / "a.png"
  assert found.failures == {
    f"{true}/x/c.png": f"no picture of that name in {coded}"
  }


def test_several_folders_are_matched_with_the_folders_below_them(tmp_path):
  picture = np.zeros((4, 4, 3), np.uint8)
  for place in ("true", "coded", "again"):
    for name in ("a.png", "x/a.png"):
      files.write_image(tmp_path / place / name, picture)
  (tmp_path / "again" / "x" / "a.png").unlink()
  true = tmp_path / "true"
  places = [tmp_path / "coded", tmp_path / "again"]
  found = picture_pairs.find(true, places, is_recursive=True)
  assert [part.folder for part in found] == ["coded", "again"]
  named = [[pair.name for pair in part.pairs] for part in found]
  assert named == [["a.png", "x/a.png"], ["a.png"]]
  assert found[0].failures == {}
  assert list(found[1].failures) == [f"{true}/x/a.png"]


def test_means_of_folders_tell_pictures_in_folders_below_apart(tmp_path):
  picture = np.zeros((4, 4, 3), np.uint8)
  for place, level in (("true", 0), ("coded", 51), ("again", 51)):
    for name in ("a.png", "x/a.png"):
      files.write_image(tmp_path / place / name, picture + level)
  files.write_image(tmp_path / "coded" / "a.png", picture)
  (tmp_path / "again" / "a.png").unlink()
  places = [tmp_path / "coded", tmp_path / "again"]
  found = picture_pairs.find(tmp_path / "true", places, is_recursive=True)
  tables = comparison.compare_all(found, [distances.get("mse")])
  means = comparison_table.to_json(tables)["means"]
  assert [m["pictures"] for m in means] == [1, 1]
  assert means[0]["value"] == pytest.approx(0.04)
