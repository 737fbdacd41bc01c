"""`tfpercept compress`: its files, targets and tables."""

import csv
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.codecs.lossless import pictures
from tfpercept import cli, codecs
from tfpercept.cli import compress as compress_command
from tfpercept.codecs import files as codec_files
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import selftest
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.io import files


@pytest.fixture
def photo(tmp_path, photograph):
  path = tmp_path / "photo.png"
  files.write_image(path, photograph(64, 96))
  return path


@pytest.fixture
def folder(tmp_path, photograph):
  for seed, name in enumerate(("a.png", "b.bmp")):
    files.write_image(tmp_path / "in" / name, photograph(64, 96, seed))
  return tmp_path / "in"


@pytest.fixture
def run(run_folder):
  """Runs the command with the small codec."""
  return lambda *arguments: compress(f"--model={run_folder}", *arguments)


@pytest.fixture
def codec(run_folder):
  return codecs.get(f"hyperprior(model={str(run_folder)!r})")


def compress(*arguments):
  return cli.main(["compress", *map(str, arguments)])


def jpeg(*arguments):
  return compress("--codec=jpeg", *arguments)


def names(folder):
  return sorted(path.name for path in folder.iterdir())


def feed(monkeypatch, data):
  stream = io.TextIOWrapper(io.BytesIO(data))
  monkeypatch.setattr(sys, "stdin", stream)


def test_a_picture_gets_a_file_beside_it(run, codec, photo, capsys):
  assert run(photo) == 0
  assert capsys.readouterr() == ("", "")
  assert names(photo.parent) == ["photo.png", "photo.tfp"]
  data = photo.with_suffix(".tfp").read_bytes()
  assert data == codec.compress(files.read_image(photo))


def test_engines_are_chosen_and_refused_by_what_they_can_do(
  run, codec, photo, capsys
):
  assert run(photo, "--engine=tensorflow") == 0
  data = photo.with_suffix(".tfp").read_bytes()
  back = photo.with_name("back.png")
  for engine in ("numpy", "tensorflow"):
    arguments = [f"--engine={engine}", f"--out={back}", "--overwrite"]
    model = f"--model={codec.model}"
    path = str(photo.with_suffix(".tfp"))
    assert cli.main(["decompress", path, model, *arguments]) == 0
    difference = files.read_image(back).astype(int) - codec.decompress(data)
    assert np.abs(difference).max() <= 1  # of the synthesis, in float32
  assert run(photo, "--engine=numpy", "--effort=1", "--overwrite") == 2
  assert "effort needs the engine 'tensorflow'" in capsys.readouterr().err
  assert photo.with_suffix(".tfp").read_bytes() == data


def test_quality_and_grey_are_what_the_file_says(run, photo):
  files.write_image(photo, files.read_image(photo)[..., :1])
  assert run(photo, "--quality=2.25") == 0
  header = container.read_header(photo.with_suffix(".tfp").read_bytes()).header
  assert (header.quality, header.grey) == (36, True)


def test_16_bits_are_rounded_to_8(tmp_path, capsys):
  path, out = tmp_path / "deep.png", tmp_path / "8.png"
  values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
  Image.fromarray(values).save(path)
  assert compress(path, "--codec=png", f"--out={out}") == 0
  assert capsys.readouterr().err == f"{path}: its 16 bits are reduced to 8\n"
  expected = np.round(values / 257).astype(np.uint8)
  np.testing.assert_array_equal(files.read_image(out)[..., 0], expected)


@pytest.mark.parametrize(
  ("alpha", "status"), [("black", 0), ("ignore", 0), ("error", 2)]
)
def test_transparency_is_dealt_with_as_asked(tmp_path, capsys, alpha, status):
  path = tmp_path / "clear.png"
  Image.new("RGBA", (8, 8), (200, 100, 50, 0)).save(path)
  out = tmp_path / "out.png"
  flags = [f"--out={out}", "--codec=png", f"--alpha={alpha}"]
  assert compress(path, *flags) == status
  if status:
    assert "has transparency" in capsys.readouterr().err
    return
  expected = {"black": (0, 0, 0), "ignore": (200, 100, 50)}[alpha]
  assert np.all(files.read_image(out) == expected)


def test_a_folder_survives_a_bad_picture_and_says_which(
  folder, tmp_path, capsys
):
  (folder / "bad.jpg").write_bytes(b"no picture")
  out = tmp_path / "out"
  assert jpeg(folder, f"--out={out}") == 1
  assert names(out) == ["a.jpg", "b.jpg"]
  err = capsys.readouterr().err
  assert err.startswith(f"{folder / 'bad.jpg'}: not compressed: ")
  assert err.count("\n") == 1


def test_nothing_is_replaced_unasked(photo, capsys):
  coded = photo.with_suffix(".jpg")
  coded.write_bytes(b"dear")
  assert jpeg(photo) == 2
  assert "photo.jpg exists; --overwrite replaces it" in capsys.readouterr().err
  assert coded.read_bytes() == b"dear"
  assert jpeg(photo, "--overwrite") == 0
  assert coded.read_bytes().startswith(b"\xff\xd8")


def test_the_best_file_of_so_many_bits_is_written(run, codec, photo, capsys):
  picture = files.read_image(photo)
  at_four = 8 * len(codec.compress(picture, quality=4)) / (64 * 96)
  assert run(photo, f"--target-bpp={at_four}", "--format=json") == 0
  out, err = capsys.readouterr()
  assert err == ""
  (row,) = json.loads(out)
  assert row["bpp"] == at_four
  assert row["quality"] >= 4
  assert row["size"] == photo.with_suffix(".tfp").stat().st_size
  better = codec.compress(picture, quality=row["quality"] + 1 / 16)
  assert len(better) > row["size"]


def test_a_target_out_of_reach_gives_the_nearest_and_says_so(
  run, photo, capsys
):
  assert run(photo, "--target-bpp=0.01") == 0
  err = capsys.readouterr().err
  assert "0.01 bits per pixel are too few: at the lowest quality, 1, it" in err
  data = photo.with_suffix(".tfp").read_bytes()
  assert container.read_header(data).header.quality == 16
  assert jpeg(photo, "--target-psnr=90") == 0
  err = capsys.readouterr().err
  assert "a PSNR of 90 dB is too much: at the highest quality, 95, it" in err


def test_the_smallest_file_of_such_a_psnr_is_written(photo, capsys):
  assert jpeg(photo, "--target-psnr=25", "--stats", "--format=csv") == 0
  (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
  assert 25 <= float(row["psnr"]) < 26  # one quality is less than 1 dB
  assert photo.with_suffix(".jpg").stat().st_size == int(row["size"])


def test_stats_are_those_of_the_file(run, codec, tmp_path, photograph, capsys):
  picture = photograph(176, 180)
  path = tmp_path / "large.png"
  files.write_image(path, picture)
  assert run(path, "--format=csv") == 0
  (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
  data = path.with_suffix(".tfp").read_bytes()
  error = picture.astype(float) - codec.decompress(data)
  assert int(row["size"]) == len(data)
  assert float(row["quality"]) == 4.5
  assert float(row["bpp"]) == 8 * len(data) / (176 * 180)
  # The distance is in float32.
  assert float(row["psnr"]) == pytest.approx(
    -10 * np.log10(np.square(error / 255).mean()), abs=1e-3
  )
  assert 0 < float(row["ms_ssim"]) < 1
  assert float(row["seconds"]) > 0


def test_standard_input_goes_to_standard_output(
  photo, capsysbinary, monkeypatch
):
  assert jpeg(photo) == 0
  feed(monkeypatch, photo.read_bytes())
  assert jpeg("-", "--stats") == 0
  out, err = capsysbinary.readouterr()
  assert out == photo.with_suffix(".jpg").read_bytes()
  assert b"standard input" in err
  assert jpeg(photo, "--out=-") == 0
  assert capsysbinary.readouterr() == (out, b"")


def test_a_bad_picture_from_standard_input_is_told_as_such(capsys, monkeypatch):
  feed(monkeypatch, b"no picture")
  assert jpeg("-") == 2
  err = capsys.readouterr().err
  assert "standard input is not a readable picture" in err
  assert "cannot identify image file" in err


def test_more_than_a_picture_from_standard_input_is_refused(
  capsys, monkeypatch
):
  monkeypatch.setattr(codec_files, "MAX_PICTURE_BYTES", 100)
  feed(monkeypatch, bytes(101))
  assert jpeg("-") == 2
  assert (
    "more than 100 bytes, the most that are read" in capsys.readouterr().err
  )


def test_an_absent_model_names_those_that_are_there(photo, capsys):
  assert compress(photo, "--model=photo_mes") == 2
  err = capsys.readouterr().err
  assert "got 'photo_mes'" in err
  assert "srcnn_x4_mse" in err
  assert names(photo.parent) == ["photo.png"]


def test_a_machine_that_computes_otherwise_is_told_and_writes_nothing(
  run, photo, capsys, monkeypatch
):
  def differs(codec, manifest):
    raise selftest.WrongArithmetic("other symbols")

  monkeypatch.setattr(selftest, "check", differs)
  assert run(photo) == 2
  assert capsys.readouterr().err == "error: other symbols\n"
  assert names(photo.parent) == ["photo.png"]


@pytest.mark.parametrize(
  ("flags", "why"),
  [
    (["--quality=96"], "--quality of jpeg is 1 to 95; got 96"),
    (["--target-bytes=0"], "a target is a number above 0; got 0"),
    (["--target-bpp=0"], "a target is a number above 0; got 0"),
    (["--target-psnr=nan"], "a target is a number above 0; got nan"),
  ],
)
def test_mistakes_are_told_once_and_before_the_work(
  folder, tmp_path, capsys, flags, why
):
  assert jpeg(folder, f"--out={tmp_path / 'out'}", *flags) == 2
  assert capsys.readouterr().err == f"error: {why}\n"


def test_transparency_over_white_is_told_once(tmp_path, capsys):
  for name in "abcde":
    picture = Image.new("RGBA", (16, 16), (200, 100, 50, 51))
    (tmp_path / "in").mkdir(exist_ok=True)
    picture.save(tmp_path / "in" / f"{name}.png")
  out = f"--out={tmp_path / 'out'}"
  assert jpeg(tmp_path / "in", out) == 0
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith("transparency is laid over white: ")
  assert line.endswith("c.png and 2 others")
  assert jpeg(tmp_path / "in", out, "--overwrite", "--alpha=black") == 0
  assert capsys.readouterr().err == ""


def test_a_damaged_profile_is_told_with_the_name(tmp_path, capsys, monkeypatch):
  picture, data = Image.new("RGB", (16, 16)), io.BytesIO()
  picture.save(data, "PNG", icc_profile=b"nonsense")
  feed(monkeypatch, data.getvalue())
  assert jpeg("-", f"--out={tmp_path / 'a.jpg'}") == 0
  assert capsys.readouterr().err == (
    "the color profile is not readable, so colors are taken as sRGB: standard "
    "input\n"
  )


@pytest.mark.parametrize(
  ("codec", "name", "is_right"),
  [
    ("jpeg", "b.jpeg", True),
    ("jpeg", "b.JPG", True),
    ("jpeg", "b.bin", True),
    ("jpeg", "b", True),
    ("jpeg", "b.png", False),
    ("jpeg", "b.tfp", False),
    ("png", "b.jpg", False),
  ],
)
def test_a_file_is_not_called_as_another_kind(
  photo, tmp_path, capsys, codec, name, is_right
):
  out = tmp_path / "out" / name
  status = compress(photo, f"--codec={codec}", f"--out={out}")
  assert (status, out.exists()) == ((0, True) if is_right else (2, False))
  assert (
    "has the suffix of another kind" in capsys.readouterr().err
  ) != is_right


def test_a_model_writes_no_jpeg(photo, tmp_path, capsys):
  assert compress(photo, f"--out={tmp_path / 'b.jpg'}") == 2
  assert "this codec writes .tfp" in capsys.readouterr().err


def test_folders_in_folders_come_back_as_they_were(folder, tmp_path, capsys):
  files.write_image(folder / "x" / "a.png", files.read_image(folder / "a.png"))
  out, back = tmp_path / "out", tmp_path / "back"
  png = ["--codec=png", "--recursive"]
  for _ in range(2):
    again = [*png, f"--out={out}", "--skip-existing"]
    assert compress(folder, *again) == 0
  assert capsys.readouterr().err.startswith("3 skipped, since their results")
  assert cli.main(["decompress", str(out), *png, f"--out={back}"]) == 0
  assert sorted(p.relative_to(back).as_posix() for p in back.rglob("*.*")) == [
    "a.png",
    "b.png",
    "x/a.png",
  ]


def test_a_size_in_bytes_is_not_exceeded(run, codec, photo):
  size = len(codec.compress(files.read_image(photo), quality=4)) + 1
  assert run(photo, f"--target-bytes={size}") == 0
  assert photo.with_suffix(".tfp").stat().st_size <= size


@pytest.fixture
def page(tmp_path):
  path = tmp_path / "page.png"
  files.write_image(path, pictures.text(64, 96))
  return path


def test_a_page_of_text_is_kept_without_loss(run, page, tmp_path, capsys):
  assert run(page, "--format=json", "--quality=8") == 0
  out, err = capsys.readouterr()
  (row,) = json.loads(out)
  assert (row["psnr"], row["quality"], err) == ("inf", None, "")
  assert "the file is lossless" in row["why"]
  data = page.with_suffix(".tfp").read_bytes()
  assert data == lossless_codec.Lossless().compress(files.read_image(page))
  assert run(page, "--quality=8", "--lossless=never", "--overwrite") == 0
  header = container.read_header(page.with_suffix(".tfp").read_bytes()).header
  assert header.quality == 8 * 16
  most = f"--target-bytes={len(data) - 1}"
  assert run(page, most, "--overwrite") == 0
  assert page.with_suffix(".tfp").stat().st_size < len(data)


def test_a_file_without_loss_needs_no_model(photo, monkeypatch):
  monkeypatch.setattr(compress_command, "_learned", None)  # which would raise
  assert compress(photo, "--lossless=always") == 0
  data = photo.with_suffix(".tfp").read_bytes()
  np.testing.assert_array_equal(
    lossless_codec.Lossless().decompress(data), files.read_image(photo)
  )


@pytest.mark.parametrize(
  ("flags", "why"),
  [
    (
      ["--quality=3"],
      "has no model, engine, quality, target, effort or seconds; leave them",
    ),
    (["--target-bytes=9"], "has no model, engine, quality, target"),
    (["--effort=1"], "has no model"),
    (["--seconds=1"], "has no model"),
    (["--model=photo_mse"], "has no model"),
    (["--engine=tensorflow"], "has no model, engine"),
    (["--codec=jpeg"], "--lossless=always is for .tfp files; --codec=png"),
  ],
)
def test_what_no_lossless_file_has_is_refused(photo, capsys, flags, why):
  assert compress(photo, "--lossless=always", *flags) == 2
  assert why in capsys.readouterr().err


def test_the_codec_itself_writes_its_own_files_of_drawings_too(codec, page):
  """Or curves of rate and distortion would have points of another codec."""
  picture = files.read_image(page)
  for quality in (1, 8):
    data, _ = codec.timed_compress(picture, quality=quality)
    assert container.read_header(data).header.quality == 16 * quality


@pytest.mark.parametrize("command", ["compress", "decompress"])
@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
def test_an_engine_beside_another_codec_is_refused(
  command, engine, tmp_path, capsys
):
  words = [command, str(tmp_path), "--codec=png", f"--engine={engine}"]
  assert cli.main(words) == 2
  assert "does not go with --codec" in capsys.readouterr().err
