"""`tfpercept decompress`: pictures back, or a reason."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from tests.codecs import forgery, small_models
from tests.codecs.learned import small_heads
from tfpercept import cli, codecs
from tfpercept.codecs import files as codec_files
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import reference_decoder, selftest
from tfpercept.codecs.lossless import lossless_codec
from tfpercept.io import files


@pytest.fixture(scope="module")
def codec(run_folder):
  return codecs.get(f"hyperprior(model={str(run_folder)!r})")


@pytest.fixture
def coded(tmp_path, codec, photograph):
  path = tmp_path / "photo.tfp"
  path.write_bytes(codec.compress(photograph(64, 96), quality=6))
  return path


@pytest.fixture
def run(run_folder):
  def call(*arguments):
    words = map(str, arguments)
    return cli.main(["decompress", f"--model={run_folder}", *words])

  return call


def test_a_file_becomes_a_png_beside_it(run, codec, coded, capsys):
  assert run(coded) == 0
  assert capsys.readouterr() == ("", "")
  np.testing.assert_array_equal(
    files.read_image(coded.with_suffix(".png")),
    codec.decompress(coded.read_bytes()),
  )


def test_the_suffix_of_out_says_which_kind(run, coded, tmp_path, capsys):
  assert run(coded, f"--out={tmp_path / 'a.bmp'}") == 0
  assert (tmp_path / "a.bmp").read_bytes().startswith(b"BM")
  assert run(coded, f"--out={tmp_path / 'a.docx'}") == 2
  assert "the name of a picture ends in one of" in capsys.readouterr().err


@pytest.mark.parametrize(
  "suffix", ["bmp", "gif", "jp2", "jpg", "ppm", "tif", "webp"]
)
def test_pixels_are_kept_or_it_is_said(run, codec, coded, capsys, suffix):
  out = coded.with_name(f"a.{suffix}")
  assert run(coded, f"--out={out}") == 0
  note = capsys.readouterr().err
  wanted = codec.decompress(coded.read_bytes())
  if suffix in ("jpg", "gif"):
    assert note == f"{codec_files.INEXACT}: {out}\n"
  else:
    assert not note
    np.testing.assert_array_equal(files.read_image(out), wanted)


def test_a_gray_gif_has_the_very_pixels(tmp_path, photograph, capsys):
  picture = photograph(32, 32)[..., :1]
  data = lossless_codec.Lossless().compress(picture)
  (tmp_path / "a.tfp").write_bytes(data)
  out = tmp_path / "a.gif"
  assert cli.main(["decompress", str(tmp_path / "a.tfp"), f"--out={out}"]) == 0
  assert capsys.readouterr().err == ""
  found = files.read_image(out)
  np.testing.assert_array_equal(found, np.broadcast_to(picture, found.shape))


def test_no_color_is_called_gray(run, coded, capsys):
  out = coded.with_name("a.pgm")
  assert run(coded, f"--out={out}") == 2
  assert "is of color, and a PGM is gray; call it .ppm" in (
    capsys.readouterr().err
  )
  assert not out.exists()


def test_grey_stays_grey(run, codec, tmp_path, photograph):
  path = tmp_path / "grey.tfp"
  path.write_bytes(codec.compress(photograph(32, 32)[..., :1]))
  assert run(path) == 0
  with Image.open(path.with_suffix(".png")) as picture:
    assert picture.mode == "L"


def test_each_file_is_read_by_the_model_that_wrote_it(
  run, coded, tmp_path, photograph, capsys
):
  other = tmp_path / "other"
  small_models.save(other, photograph(64, 64, 9))
  codec = codecs.get(f"hyperprior(model={str(other)!r})")
  (tmp_path / "second.tfp").write_bytes(codec.compress(photograph(64, 64)))
  out = tmp_path / "out"
  assert run(tmp_path, f"--out={out}") == 1
  err = capsys.readouterr().err
  assert "second.tfp: not decompressed: model " in err
  assert sorted(p.name for p in out.iterdir()) == ["photo.png"]
  flags = [f"--model={other}", f"--out={out}", "--overwrite"]
  assert run(tmp_path, *flags) == 0
  assert sorted(p.name for p in out.iterdir()) == ["photo.png", "second.png"]


def test_every_damaged_file_is_named_and_the_rest_goes_on(
  run, coded, tmp_path, capsys
):
  data = coded.read_bytes()
  bad = {
    "cut.tfp": data[:-9],
    "empty.tfp": b"",
    "flipped.tfp": data[:40] + bytes([data[40] ^ 1]) + data[41:],
    "jpeg.tfp": b"\xff\xd8\xff\xe0 no stream",
  }
  for name, content in bad.items():
    (tmp_path / name).write_bytes(content)
  out = tmp_path / "out"
  assert run(tmp_path, f"--out={out}") == 1
  assert [p.name for p in out.iterdir()] == ["photo.png"]
  err = capsys.readouterr().err
  for name, why in zip(
    bad,
    ("the checksum is", "it is empty", "the checksum is", "no .tfp stream"),
    strict=True,
  ):
    assert f"{tmp_path / name}: not decompressed: {why}" in err


def test_a_machine_that_computes_otherwise_reads_nothing(
  run, coded, capsys, monkeypatch
):
  def differs(codec, manifest):
    raise selftest.WrongArithmetic("other symbols")

  monkeypatch.setattr(selftest, "check", differs)
  assert run(coded) == 2
  assert "photo.tfp: not decompressed: other symbols" in capsys.readouterr().err
  assert not coded.with_suffix(".png").exists()


def test_streams_are_read_and_written_as_png(
  run, codec, coded, capsysbinary, monkeypatch
):
  data = coded.read_bytes()
  monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
  assert run("-") == 0
  with Image.open(io.BytesIO(capsysbinary.readouterr().out)) as picture:
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture), codec.decompress(data))


def test_files_of_other_codecs_are_read_by_name(tmp_path, photograph, capsys):
  codec = codecs.get("webp")
  data = codec.compress(photograph(32, 48))
  (tmp_path / "in").mkdir()
  (tmp_path / "in" / "a.webp").write_bytes(data)
  out = tmp_path / "out"
  flags = ["--codec=webp", f"--out={out}", "--stats"]
  assert cli.main(["decompress", str(tmp_path / "in"), *flags]) == 0
  np.testing.assert_array_equal(
    files.read_image(out / "a.png"), codec.decompress(data)
  )
  head, row = (line.split() for line in capsys.readouterr().out.splitlines())
  assert head == ["file", "width", "height", "bytes", "bpp", "seconds", "MP/s"]
  assert row[1:4] == ["48", "32", str(len(data))]


def test_a_folder_without_files_to_read_is_told(run, tmp_path, capsys):
  (tmp_path / "in").mkdir()
  assert run(tmp_path / "in", f"--out={tmp_path / 'out'}") == 2
  assert "ends in .tfp" in capsys.readouterr().err


def test_a_file_too_long_to_be_one_is_refused(run, coded, capsys, monkeypatch):
  monkeypatch.setattr(container, "MAX_BYTES", 50)
  assert run(coded) == 2
  assert "more than 50 bytes" in capsys.readouterr().err


def test_a_few_bytes_do_not_take_the_memory_of_a_huge_picture(
  run, codec, coded, tmp_path, capsys, monkeypatch
):
  path = tmp_path / "bomb.tfp"
  data = forgery.rewritten(
    coded.read_bytes(), codec, height=11000, width=12000, strings=[b"0", b"0"]
  )
  path.write_bytes(data)
  assert len(data) < 40
  assert container.read_header(data).damage == ""

  def decode(self, data):
    raise AssertionError

  with monkeypatch.context() as patch:
    patch.setattr(type(codec), "timed_decompress", decode)
    patch.setattr(type(codec), "decompress", decode)
    assert run(path) == 2
    err = capsys.readouterr().err
    assert "it has 12000x11000 = 132000000 pixels; at most 64000000 are" in err
    assert "--max-pixels" in err
  assert run(coded, "--max-pixels=6143") == 2  # one less than there are
  assert run(coded, "--max-pixels=6144") == 0
  assert run(coded, "--max-pixels=0", "--overwrite") == 2
  assert "--max-pixels is above 0" in capsys.readouterr().err


@pytest.mark.parametrize("spec", ["jpeg", "png", "webp", "jxl", "heic"])
def test_other_codecs_keep_the_limit_too(tmp_path, photograph, capsys, spec):
  codec = codecs.get(spec)
  data = codec.compress(photograph(64, 96))
  assert codec.picture_size(data) == (64, 96)
  path = tmp_path / f"a{codec.suffix}"
  path.write_bytes(data)
  command = ["decompress", str(path), f"--codec={spec}"]
  command.append(f"--out={tmp_path / 'b.bmp'}")
  assert cli.main([*command, "--max-pixels=6143"]) == 2
  assert "it has 96x64 = 6144 pixels" in capsys.readouterr().err
  assert cli.main([*command, "--max-pixels=6144"]) == 0


def test_a_lossless_file_is_read_exactly_without_a_model(
  tmp_path, photograph, capsys
):
  picture = photograph(64, 96)
  path = tmp_path / "a.tfp"
  path.write_bytes(lossless_codec.Lossless().compress(picture))
  assert cli.main(["decompress", str(path), "--max-pixels=6143"]) == 2
  assert "it has 96x64 = 6144 pixels" in capsys.readouterr().err
  assert cli.main(["decompress", str(path)]) == 0
  np.testing.assert_array_equal(
    files.read_image(path.with_suffix(".png")), picture
  )


def test_both_decoders_of_a_model_read_lossless_files(
  run_folder, codec, photograph
):
  picture = photograph(17, 33)
  data = lossless_codec.Lossless().compress(picture)
  np.testing.assert_array_equal(codec.decompress(data), picture)
  assert codec.picture_size(data) == (17, 33)
  reference = reference_decoder.ReferenceDecoder(run_folder / "model")
  np.testing.assert_array_equal(reference.decompress(data), picture)
  with pytest.raises(container.WrongModel, match="no model wrote it"):
    codec.symbols(data)
  with pytest.raises(codecs.CorruptStream, match="at most 560 are decoded"):
    reference.decompress(data, max_pixels=560)


@pytest.fixture(scope="module")
def head(run_folder, tmp_path_factory):
  folder = tmp_path_factory.mktemp("heads") / "head"
  return small_heads.save(folder, run_folder / "model")


def test_realism_adds_what_the_head_makes(run, codec, coded, head, run_folder):
  assert run(coded, "--realism=0") == 0
  faithful = files.read_image(coded.with_suffix(".png"))
  np.testing.assert_array_equal(faithful, codec.decompress(coded.read_bytes()))
  assert run(coded, "--overwrite", "--realism=.5", f"--head={head}") == 0
  real = codecs.get(
    f"hyperprior(model={str(run_folder)!r}, realism=.5, head={str(head)!r})"
  )
  found = files.read_image(coded.with_suffix(".png"))
  np.testing.assert_array_equal(found, real.decompress(coded.read_bytes()))
  assert np.any(found != faithful)


def test_realism_without_a_head_for_the_model_is_refused(run, coded, capsys):
  assert run(coded, "--realism=1") == 2
  err = capsys.readouterr().err
  assert "no realism head is for" in err and "realism of 0" in err
  assert not coded.with_suffix(".png").exists()


def test_a_head_of_another_codec_is_refused(tmp_path, photograph, capsys):
  path = tmp_path / "a.tfp"
  codec = codecs.get("hyperprior(model='photo_mse', check=False)")
  path.write_bytes(codec.compress(photograph(32, 48), quality=1))
  options = ["--realism=1", "--head=photo_ms_ssim_realism"]
  assert cli.main(["decompress", str(path), *options]) == 2
  err = capsys.readouterr().err
  assert "no realism head is for photo_mse " in err
  assert "given: photo_ms_ssim_realism" in err
  assert not path.with_suffix(".png").exists()


@pytest.mark.parametrize(
  ("options", "message"),
  [
    (["--realism=1.5"], "realism is 0"),
    (["--head=h"], "--head needs a strength"),
    (["--realism=1", "--codec=jpeg"], "apply to .tfp files"),
    (["--realism=1", "--head=nowhere"], "nowhere"),
  ],
)
def test_options_of_realism_that_do_nothing_are_refused(
  coded, capsys, options, message
):
  assert cli.main(["decompress", str(coded), *options]) == 2
  assert message in capsys.readouterr().err


def test_a_lossless_file_has_nothing_to_add_to(run, tmp_path, photograph, head):
  picture = photograph(32, 48)
  path = tmp_path / "exact.tfp"
  path.write_bytes(lossless_codec.Lossless().compress(picture))
  assert run(path, "--realism=1", f"--head={head}") == 0
  np.testing.assert_array_equal(
    files.read_image(path.with_suffix(".png")), picture
  )


def test_files_of_another_suffix_of_the_codec_are_found_in_folders(
  tmp_path, photograph
):
  coded = tmp_path / "in" / "photo.jpeg"
  files.write_image(coded, photograph(32, 32))
  out = tmp_path / "out"
  words = ["--codec=jpeg", str(coded.parent), f"--out={out}"]
  assert cli.main(["decompress", *words]) == 0
  picture = files.read_image(out / "photo.png")
  np.testing.assert_array_equal(picture, files.read_image(coded))
