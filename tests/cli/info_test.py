"""`tfpercept info`: what a file says, whole or not."""

import io
import json
import sys

import numpy as np
import pytest

from tfpercept import cli, codecs
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.lossless import lossless_codec


@pytest.fixture(scope="module")
def data(run_folder, photograph):
  codec = codecs.get(f"hyperprior(model={str(run_folder)!r})")
  return codec.compress(photograph(64, 96), quality=2.5)


@pytest.fixture
def coded(tmp_path, data):
  path = tmp_path / "photo.tfp"
  path.write_bytes(data)
  return path


def test_it_says_what_is_in_a_file(coded, data, run_folder, capsys):
  assert cli.main(["info", str(coded), f"--model={run_folder}"]) == 0
  out, err = capsys.readouterr()
  name, *lines = out.splitlines()
  about = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
  assert (name, err) == (str(coded), "")
  assert about["picture"] == "96x64, color"
  assert about["file"].startswith(
    f"{len(data)} bytes, {8 * len(data) / (64 * 96):.3f} bits per pixel"
  )
  assert about["quality"] == "2.5"
  assert about["model"].endswith(f", {run_folder}")
  assert about["codec"] == "hyperprior, in whole numbers"
  assert about["state"] == "whole"


def test_a_model_that_is_not_here_is_still_named(coded, data, capsys):
  assert cli.main(["info", str(coded)]) == 0
  model = container.read_header(data).header.model.hex()
  assert f"{model}, none that is here" in capsys.readouterr().out


def test_json_has_every_file(coded, data, tmp_path, run_folder, capsys):
  (tmp_path / "cut.tfp").write_bytes(data[:-1])
  (tmp_path / "other.tfp").write_bytes(b"something else")
  flags = ["--format=json", f"--model={run_folder}"]
  assert cli.main(["info", str(tmp_path), *flags]) == 1
  out, err = capsys.readouterr()
  cut, whole = json.loads(out)
  assert (cut["file"], whole["file"]) == (
    str(tmp_path / "cut.tfp"),
    str(coded),
  )
  assert whole["damage"] == ""
  assert cut["damage"].startswith("the checksum is ")
  assert whole["model_name"] == str(run_folder)
  assert sum(whole["strings"]) < len(data) == whole["bytes"]
  assert err == (
    f"{tmp_path / 'other.tfp'}: not read: no .tfp stream: it does not begin as "
    "one\n"
  )


def test_tiles_and_seeds_are_told(tmp_path, capsys):
  header = container.Header(
    codec=4,
    model=bytes(4),
    height=1,
    width=2,
    grey=True,
    seed=7,
    tile=container.Tile(512, 32),
  )
  path = tmp_path / "tiled.tfp"
  path.write_bytes(container.pack(header, [b"abc"]))
  assert cli.main(["info", str(path)]) == 0
  out = capsys.readouterr().out
  for part in (
    "2x1, grey",
    "the model's only one",
    "512 pixels, overlap 32",
    "seed     7",
    "strings 3",
  ):
    assert part in out


def test_a_damaged_file_is_told_and_is_status_one(coded, data, capsys):
  coded.write_bytes(data[:60])
  assert cli.main(["info", str(coded)]) == 1
  assert "damaged, so nothing is certain: " in capsys.readouterr().out


@pytest.mark.parametrize(
  ("content", "why"),
  [
    (b"", "it is empty"),
    (b"\xd4TFP\x01\x02", "the stream ends within the header"),
    (b"\xd4TFP\x09\x02\x00", "version 9; only version 1 is read"),
  ],
)
def test_what_is_no_file_of_ours_is_status_two(tmp_path, capsys, content, why):
  path = tmp_path / "a.tfp"
  path.write_bytes(content)
  assert cli.main(["info", str(path)]) == 2
  out, err = capsys.readouterr()
  assert (out, err) == ("", f"{path}: not read: {why}\n")


def test_standard_input_is_read(data, capsys, monkeypatch):
  monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
  assert cli.main(["info", "-"]) == 0
  assert capsys.readouterr().out.startswith("standard input\n")


def test_a_lossless_file_says_so(tmp_path, capsys):
  path = tmp_path / "a.tfp"
  picture = np.zeros((2, 3, 1), np.uint8)
  path.write_bytes(lossless_codec.Lossless().compress(picture))
  assert cli.main(["info", str(path)]) == 0
  out = capsys.readouterr().out
  assert "quality  lossless: decoding is exact" in out
  assert "codec    lossless, plain samples" in out
  assert "model    none; every model's decoder reads it" in out
  assert cli.main(["info", str(path), "--format=json"]) == 0
  (about,) = json.loads(capsys.readouterr().out)
  assert (about["lossless"], about["payload"]) == (True, "samples")
  assert (about["model"], about["quality"]) == (None, None)


def test_folders_below_are_described_too(tmp_path, capsys):
  data = lossless_codec.Lossless().compress(np.zeros((2, 3, 1), np.uint8))
  for name in ("a.tfp", "x/b.tfp"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(data)
  (tmp_path / "x" / "b.png").touch()
  told = {
    (): f"folders passed over, which --recursive takes: {tmp_path / 'x'}\n",
    ("--recursive",): "passed over, since of another kind: "
    f"{tmp_path / 'x' / 'b.png'}\n",
  }
  for flags, count in ((), 1), (("--recursive",), 2):
    assert cli.main(["info", str(tmp_path), "--format=json", *flags]) == 0
    out, err = capsys.readouterr()
    assert (len(json.loads(out)), err) == (count, told[flags])
