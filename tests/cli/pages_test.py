"""`tfpercept blindspots` and `tfpercept ladder`: files, output, status."""

import numpy as np
import pytest

from tfpercept import cli, distances, weights
from tfpercept.cli import metric_options
from tfpercept.data import packaged
from tfpercept.io import files

SMALL = ["--size=32", "--metric=mse", "--metric=ssim"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
  folder = tmp_path_factory.mktemp("photos")
  for name, picture in packaged.test().items():
    files.write_image(folder / f"{name}.png", picture)
  return folder


def test_blindspots_makes_a_page_and_pictures_for_each_reference(
  photos, tmp_path, capsys
):
  images = [str(photos / name) for name in ("coffee.png", "flower.png")]
  out = f"--out={tmp_path}"
  assert cli.main(["blindspots", *images, *SMALL, "--steps=2", out]) == 0
  printed, err = capsys.readouterr()
  assert err == ""
  assert printed.split() == [
    str(tmp_path / "coffee.html"), str(tmp_path / "flower.html"),
  ]  # fmt: skip
  assert sorted(p.name for p in (tmp_path / "coffee").glob("*.png")) == [
    "held.ssim.png", "noise.mse.png", "noise.ssim.png",
  ]  # fmt: skip
  assert files.read_image(tmp_path / "coffee" / "noise.mse.png").shape == (
    32, 32, 3,
  )  # fmt: skip


def test_a_distance_without_weights_is_left_out_and_said_so(
  photos, tmp_path, capsys, monkeypatch
):
  get = distances.get

  def without_ssim(spec, **options):
    if spec == "ssim":
      raise weights.MissingWeights("no weights of ssim")
    return get(spec, **options)

  monkeypatch.setattr(distances, "get", without_ssim)
  arguments = [str(photos / "coffee.png"), *SMALL, f"--out={tmp_path}"]
  for command in (["blindspots", "--steps=1"], ["ladder"]):
    assert cli.main([*command, *arguments]) == 1
    assert capsys.readouterr().err == "ssim: left out: no weights of ssim\n"
  for name in ("coffee.html", "ladder.html"):
    assert "<dd>no weights of ssim</dd>" in (tmp_path / name).read_text()


def test_a_picture_too_small_for_all_distances_is_a_mistake(
  photos, tmp_path, capsys
):
  arguments = ["--size=32", "--metric=ms_ssim", f"--out={tmp_path}"]
  assert cli.main(["ladder", str(photos), *arguments]) == 2
  err = capsys.readouterr().err
  assert (
    "no distance can serve: ms_ssim: ms_ssim needs images of at least" in err
  )


def test_ladder_takes_folders_and_names_what_is_broken(
  photos, tmp_path, capsys
):
  broken = tmp_path / "broken.png"
  broken.write_bytes(b"no picture")
  status = cli.main(
    ["ladder", str(photos), str(broken), *SMALL, f"--out={tmp_path / 'out'}"]
  )
  printed, err = capsys.readouterr()
  assert status == 1
  assert err.startswith("broken.png: left out: ")
  assert printed.strip() == str(tmp_path / "out" / "ladder.html")
  assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
    "ladder.html", "rank_correlation.png", "values.csv",
  ]  # fmt: skip


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["blindspots", "absent.png"], "absent.png does not exist"),
    (["blindspots", "{coffee}", "--held=msse"], "Did you mean 'mse'?"),
    (["blindspots", "{coffee}", "{coffee}"], "need different names"),
    (["blindspots", "{coffee}", "--size=0"], "above 0; got 0"),
    (["blindspots", "{coffee}", "--steps=0"], "above 0; got 0"),
    (["blindspots", "{coffee}", "--radius=nan"], "above 0; got nan"),
    (["ladder", "{coffee}", "{coffee}"], "need different names"),
    (["ladder", "absent.png"], "absent.png does not exist"),
    (["ladder", "{coffee}", "--metric=mes"], "Did you mean 'mse'?"),
  ],
)
def test_mistakes_are_one_line_and_status_two(
  arguments, message, photos, tmp_path, capsys
):
  filled = [a.format(coffee=photos / "coffee.png") for a in arguments]
  assert cli.main([*filled, f"--out={tmp_path / 'out'}"]) == 2
  err = capsys.readouterr().err
  assert err.startswith("error: ")
  assert message in err
  assert err.count("\n") == 1


def test_all_takes_one_of_distances_that_are_one(photos):
  picture = files.read_image(photos / "coffee.png")
  asked = []

  def get(spec):
    asked.append(spec)
    return distances.MSE()

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(distances, "get", get)
    metric_options.chosen([], picture)
  assert set(asked) == set(distances.names()) - {"psnr"}


def test_of_a_large_picture_only_the_middle_is_kept():
  picture = np.zeros((40, 60, 3), np.uint8)
  middle = metric_options.square(picture, 8)
  assert middle.shape == (8, 8, 3)
  assert not np.shares_memory(middle, picture)
