"""Commands take a path as a name, whatever is in it, and say what is none."""

import os

import numpy as np
import pytest

from tfpercept import cli
from tfpercept.io import files

NAMES = [
  "x" * 251 + ".png", "é" * 125 + ".png", "-x.png", "--out.png", "~.png",
  "a*b?[c].png", "a\\b.png", "a\nb.png", " .png", "{x}.png", "%s%d.png",
  os.fsdecode(b"\xff\xfe.png"),
]  # fmt: skip
CODEC = "--codec=jpeg"


@pytest.fixture
def photos(tmp_path, photograph, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "photos").mkdir()
  for name in NAMES:
    files.write_image(tmp_path / "photos" / name, photograph(24, 24))
  return tmp_path / "photos"


def stems(folder):
  return sorted(path.stem for path in folder.iterdir())


def test_a_folder_of_odd_names_is_compressed_and_decompressed(photos, capsys):
  there, back = photos.parent / "a*b[c]", photos.parent / "-back"
  assert cli.main(["compress", str(photos), f"--out={there}", CODEC]) == 0
  assert stems(there) == stems(photos)
  assert cli.main(["decompress", str(there), f"--out={back}", CODEC]) == 0
  assert capsys.readouterr().err == ""
  assert stems(back) == stems(photos)
  assert files.read_image(back / "-x.png").shape == (24, 24, 3)


@pytest.mark.parametrize("name", NAMES)
def test_each_odd_name_is_compressed_beside_itself(photos, name, monkeypatch):
  monkeypatch.chdir(photos)
  # As everywhere, `--` ends options, and what begins with a dash comes after.
  assert cli.main(["compress", CODEC, "--stats", "--", name]) == 0
  assert (photos / f"{name.removesuffix('.png')}.jpg").is_file()


def test_what_is_no_picture_is_named_and_the_rest_is_done(tmp_path, capsys):
  photos = tmp_path / "photos"
  (photos / "folder.png").mkdir(parents=True)
  os.mkfifo(photos / "pipe.png")
  (photos / "loop.png").symlink_to("loop.png")
  (photos / "lost.png").symlink_to("nowhere")
  files.write_image(photos / "good.png", np.zeros((24, 24, 3), np.uint8))
  out = tmp_path / "out"
  assert cli.main(["compress", str(photos), f"--out={out}", CODEC]) == 1
  assert stems(out) == ["good"]
  err = capsys.readouterr().err
  assert "loop.png: not compressed: " in err
  assert "lost.png: not compressed: its link leads nowhere" in err
  assert err.count("\n") == 2
  # Given by name, they are named too.
  given = [str(path) for path in sorted(photos.iterdir())]
  assert cli.main(["compress", *given, f"--out={tmp_path / 'b'}", CODEC]) == 1
  err = capsys.readouterr().err
  assert "folder.png" in err
  assert "pipe.png is no file" in err


def test_a_name_that_gets_too_long_is_one_failure_among_others(
  photos, tmp_path, capsys
):
  out = tmp_path / "out"
  status = cli.main(["compress", str(photos), f"--out={out}", "--codec=webp"])
  assert status == 1  # .webp is longer by a byte
  assert len(stems(out)) == len(NAMES) - 1
  err = capsys.readouterr().err
  assert "File name too long" in err
  assert cli.main(["compress", "y" * 256, CODEC]) == 2
  assert cli.main(["info", "y" * 256]) == 2
  assert cli.main(["decompress", "y" * 256]) == 2
  assert "Traceback" not in capsys.readouterr().err


def test_a_dash_is_standard_input_and_a_path_to_it_is_a_file(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "-").write_bytes(b"no stream")
  assert cli.main(["info", "./-"]) == 2
  assert "-: not read: " in capsys.readouterr().err


def test_a_tilde_after_an_equals_sign_is_the_home(
  tmp_path, monkeypatch, photograph
):
  home = tmp_path / "home"
  home.mkdir()
  monkeypatch.setenv("HOME", str(home))
  monkeypatch.chdir(tmp_path)
  files.write_image(tmp_path / "a.png", photograph(24, 24))
  assert cli.main(["compress", "a.png", "--out=~/a.jpg", CODEC]) == 0
  assert (home / "a.jpg").is_file()
  assert not (tmp_path / "~").exists()
  assert cli.main(["compress", "a.png", "--out=./~/a.jpg", CODEC]) == 0
  assert (tmp_path / "~" / "a.jpg").is_file()
  # Now that there is something of that name, it is meant.
  assert cli.main(["compress", "a.png", "--out=~/b.jpg", CODEC]) == 0
  assert (tmp_path / "~" / "b.jpg").is_file()


@pytest.mark.parametrize(
  "command",
  [
    ["ladder", "{photo}", "--metric=mse", "--out={file}/x"],
    ["blindspots", "{photo}", "--metric=mse", "--out={file}"],
    ["rate-distortion", "{folder}", "--codec=jpeg", "--out={file}"],
    ["weights", "pack", "{absent}.npz", "{file}/x.npz"],
    ["info", "{absent}", "--out={file}/x"],
    ["compress", "{photo}", "--out={file}/x.jpg", "--codec=jpeg"],
    ["score", "{photo}", "{photo}", "--out={file}/x"],
    ["score", "{photo}", "{photo}", "--maps={file}"],
    ["score", "{photo}", "{photo}", "--maps={file}/x"],
  ],
)
def test_a_place_that_can_not_be_written_is_said_before_the_work(
  command, tmp_path, photograph, capsys, monkeypatch
):
  if any("--maps" in word for word in command):
    pytest.importorskip("matplotlib")
  places = {name: tmp_path / name for name in ("file", "folder", "absent")}
  places["file"].touch()
  places["photo"] = places["folder"] / "a.png"
  files.write_image(places["photo"], photograph(24, 24))

  def read(*arguments, **options):
    pytest.fail("it read a picture before it looked where to write")

  monkeypatch.setattr(files, "read_image", read)
  monkeypatch.setattr(files, "read_samples", read)
  assert cli.main([word.format(**places) for word in command]) == 2
  out, err = capsys.readouterr()
  assert out == ""
  assert str(places["file"]) in err
  assert str(places["absent"]) not in err


@pytest.mark.parametrize(
  "command",
  [
    ["score", "{photo}", "{loop}"],
    ["score", "{loop}", "{photo}"],
    ["score", "{folder}", "{folder}", "{loop}"],
    ["rate-distortion", "{loop}", "--codec=jpeg"],
    ["evaluate", "{loop}"],
    ["agreement", "--metric=mse", "--data={loop}"],
    ["ranking", "make", "{loop}", "{folder}", "--out={folder}/page.html"],
  ],
)
def test_a_link_that_leads_to_itself_is_one_line(
  command, tmp_path, photograph, capsys
):
  places = {name: tmp_path / name for name in ("folder", "loop")}
  places["loop"].symlink_to("loop")
  places["photo"] = places["folder"] / "a.png"
  files.write_image(places["photo"], photograph(24, 24))
  assert cli.main([word.format(**places) for word in command]) == 2
  out, err = capsys.readouterr()
  assert out == ""
  assert str(places["loop"]) in err
  assert err.count("\n") == 1
