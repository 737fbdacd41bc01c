"""Memory is bounded before it is taken, by the header of a picture alone."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.codecs import memory as program
from tfpercept import cli, codecs
from tfpercept.codecs import files as codec_files
from tfpercept.codecs import memory
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import tiles
from tfpercept.codecs.lossless import lossless_codec, payloads
from tfpercept.data import packaged
from tfpercept.io import files

EXACT = lossless_codec.Lossless()


class OfTfp(lossless_codec.Lossless):
  """Stands for a model."""

  bytes_per_pixel = (20, 24)
  bytes_at_once = (10, 1000)


def png(width, height, *, bits=8):
  """A PNG whose header says a size, and that has no pixels."""
  found = b"\x89PNG\r\n\x1a\n"
  head = struct.pack(">2I5B", width, height, bits, 2, 0, 0, 0)
  for kind, data in ((b"IHDR", head), (b"IDAT", b""), (b"IEND", b"")):
    check = struct.pack(">I", zlib.crc32(kind + data))
    found += struct.pack(">I", len(data)) + kind + data + check
  return found


@pytest.fixture
def no_pixels(monkeypatch):
  """No pixel is read or decoded."""

  def refuse(*arguments, **options):
    raise AssertionError("memory is taken")

  monkeypatch.setattr(files, "read_samples", refuse)
  monkeypatch.setattr(lossless_codec.Lossless, "decompress", refuse)
  monkeypatch.setattr(codecs.get("png").__class__, "decompress", refuse)


@pytest.mark.parametrize(
  ("text", "size"),
  [
    ("800M", 800 * 10**6),
    ("1.5G", 1_500_000_000),
    ("2gb", 2 * 10**9),
    (" 64k ", 64_000),
    ("1T", 10**12),
    ("123", 123),
    ("5 M", 5_000_000),
  ],
)
def test_sizes_are_numbers_with_a_unit(text, size):
  assert memory.parsed(text) == size


@pytest.mark.parametrize(
  "text", ["", "G", "0", "-1G", "many", "nan", "inf", "1e400G", "0.1", "1GM"]
)
def test_what_is_no_size_is_refused(text):
  with pytest.raises(ValueError, match="expected a size in bytes, as 800M"):
    memory.parsed(text)


def test_each_codec_states_what_a_pixel_takes():
  found, _ = codecs.at_hand()
  for codec in [*found, EXACT]:
    for size in codec.bytes_per_pixel:
      assert 6 <= size <= 64  # a picture and its copy; a few copies in floats
    assert memory.to_compress(codec, 10**6) >= memory.at_rest() + 8 * 10**6
    assert memory.to_decompress(codec, 10**6) > memory.at_rest()
  model = OfTfp()
  assert memory.to_compress(model, 10**6) == memory.at_rest() + 52_010_000
  large = 4 * payloads.MAX_VP8L_PIXELS
  assert (
    memory.to_compress(model, large) == memory.at_rest() + 20 * large + 10_000
  )
  jpeg = codecs.get("jpeg")
  deep = memory.to_compress(jpeg, 10**6, is_deep=True)
  assert deep == memory.at_rest() + memory.READING_16 * 10**6
  assert deep > memory.to_compress(jpeg, 10**6)


def test_a_file_of_few_bytes_is_refused_by_its_header(no_pixels):
  header = container.Header(
    codec=container.LOSSLESS, model=b"", height=8192, width=16384, payload=2
  )
  data = container.pack(header, [b"x"])
  assert len(data) < 31
  with pytest.raises(
    ValueError, match=r"its 16384x8192 pixels take up to .* GB of memory; at"
  ) as caught:
    codec_files.decompress_file(
      EXACT, io.BytesIO(data), io.BytesIO(), max_memory=10**9
    )
  assert "at most 1 GB are allowed" in str(caught.value)
  needed = memory.to_decompress(EXACT, 8192 * 16384)
  assert f"--max-memory={-(-needed // 10**6)}M" in str(caught.value)
  with pytest.raises(AssertionError, match="memory is taken"):
    codec_files.decompress_file(
      EXACT, io.BytesIO(data), io.BytesIO(), max_memory=needed
    )


@pytest.mark.parametrize("bound", ["max_pixels", "max_memory"])
def test_a_bound_of_0_is_not_none(bound):
  data = EXACT.compress(np.zeros((2, 2, 1), np.uint8))
  with pytest.raises(ValueError, match="at most 0"):
    codec_files.decompress_file(
      EXACT, io.BytesIO(data), io.BytesIO(), **{bound: 0}
    )


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_picture_is_refused_by_its_header(no_pixels, tmp_path, is_stream):
  data = png(10_000, 9_000)
  path = tmp_path / "a.png"
  path.write_bytes(data)
  with pytest.raises(ValueError, match="its 10000x9000 pixels take up to"):
    codec_files.compress_file(
      codecs.get("jpeg"),
      io.BytesIO(data) if is_stream else path,
      io.BytesIO(),
      max_memory=1_500_000_000,
    )


def test_more_bits_take_more_memory(no_pixels, tmp_path):
  jpeg = codecs.get("jpeg")
  most = memory.to_compress(jpeg, 10**6)
  for bits, error in ((8, AssertionError), (16, ValueError)):
    path = tmp_path / f"{bits}.png"
    path.write_bytes(png(1000, 1000, bits=bits))
    with pytest.raises(error):
      codec_files.compress_file(jpeg, path, io.BytesIO(), max_memory=most)


def test_the_command_says_what_to_do(tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(memory, "at_rest", lambda: 750_000_000)
  picture, out = tmp_path / "a.png", tmp_path / "a.jpg"
  Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(picture)
  flags = ["compress", str(picture), "--codec=jpeg"]
  assert cli.main([*flags, "--max-memory=400M"]) == 2
  err = capsys.readouterr().err
  assert "its 96x64 pixels take up to 750.1 MB of memory" in err
  assert "at most 400 MB are allowed" in err
  assert "--max-memory=751M" in err
  assert not out.exists()
  assert cli.main([*flags, "--max-memory=751M"]) == 0
  decoding = ["decompress", str(out), "--codec=jpeg", "--overwrite"]
  assert cli.main([*decoding, "--max-memory=0.5G"]) == 2
  assert "at most 500 MB are allowed" in capsys.readouterr().err
  assert cli.main(decoding) == 0  # half of this machine will do
  for command in (flags, decoding):
    assert cli.main([*command, "--max-memory=much"]) == 2
    assert capsys.readouterr().err == (
      "error: --max-memory: expected a size in bytes, as 800M or 1.5G; got "
      "'much'\n"
    )


def test_a_process_with_tensorflow_takes_more_at_rest(monkeypatch):
  monkeypatch.setitem(sys.modules, "tensorflow", object())
  assert memory.at_rest() == 750_000_000
  monkeypatch.delitem(sys.modules, "tensorflow")
  assert memory.at_rest() == 300_000_000


def test_half_of_the_memory_is_the_default(monkeypatch, tmp_path):
  group = tmp_path / "memory.max"
  monkeypatch.setattr(memory, "_CGROUPS", (str(group), str(tmp_path / "none")))
  monkeypatch.setattr(memory, "_physical", lambda: 10**10)
  assert memory.default() == 5 * 10**9
  group.write_text("max\n")
  assert memory.default() == 5 * 10**9
  group.write_text("4000000000\n")
  assert memory.default() == 2 * 10**9
  group.write_text("1500000000\n")  # of which half would be too little
  assert memory.default() == 10**9
  group.write_text("700000000\n")
  assert memory.default() == 7 * 10**8
  monkeypatch.setattr(memory, "_CGROUPS", ())
  monkeypatch.setattr(memory, "_physical", lambda: None)
  assert memory.default() == 4 << 30


def test_the_program_holds_a_model_and_its_head_to_what_is_stated(
  monkeypatch, capsys
):
  def status(*flags):
    size = ["--height=64", "--width=96"]
    monkeypatch.setattr(sys, "argv", ["memory", *size, *flags])
    return program.main()

  asked = []
  whole = program.peak
  monkeypatch.setattr(
    program, "peak", lambda *command: asked.append(command) or whole(*command)
  )
  assert status("--engine=numpy", "--realism=1") == 0
  (compressing, decompressing) = asked
  assert {"compress", "--engine=numpy"} < set(compressing)
  assert {"--engine=numpy", "--realism=1.0"} < set(decompressing)
  lines = capsys.readouterr().out.splitlines()
  assert [line.split()[0] for line in lines] == ["compress", "decompress"]
  assert all(" GB at most, of 0.3" in line for line in lines)

  monkeypatch.setattr(program, "peak", lambda *command: (10**9, 300_000_000))
  assert status("--engine=numpy") == 1  # more than the codec states
  monkeypatch.setattr(program, "peak", lambda *command: (10**8, 300_000_000))
  assert status("--engine=numpy") == 0
  assert status("--engine=numpy", "--gigabytes=0.05") == 1
  with pytest.raises(SystemExit):
    status("--codec=jpeg", "--realism=1")


def test_a_photograph_takes_a_model_little_memory(tmp_path):
  """Both commands, from their start, with what runs without TensorFlow.

  On two processors it is 116 MB; more processors take more strips at once.
  """
  photo = tiles.padded(packaged.test()["coffee"], (0, 512), (0, 768))
  source, coded, back = (
    tmp_path / name for name in ("a.png", "b.tfp", "c.png")
  )
  files.write_image(source, photo)
  engine = "--engine=numpy"
  for command in (
    ("compress", source, f"--out={coded}", engine, "--lossless=never"),
    ("decompress", coded, f"--out={back}", engine),
  ):
    held, _ = program.peak(*command)
    assert held < 300e6, command[0]
