"""The benchmark of one-shot commands; how fast is never for a test."""

import sys

import numpy as np
import pytest

from benchmarks import commands, one_shot
from tfpercept.data import packaged

COPY = "import shutil, sys; shutil.copy(*sys.argv[1:3])"
COARSE = """
import sys
import numpy as np
from PIL import Image
step = 65 - int(sys.argv[3])
image = np.asarray(Image.open(sys.argv[1]))
Image.fromarray(image // step * step + step // 2).save(sys.argv[2], "PNG")
"""


def coarse(name="coarse"):
  """A codec of two small programs, with qualities from 1 to 64."""
  return commands.Program(
    name,
    ".png",
    lambda picture, file, q: [
      sys.executable, "-c", COARSE, picture, file, str(int(q)),
    ],
    lambda file, picture: [sys.executable, "-S", "-c", COPY, file, picture],
    (1, 64),
  )  # fmt: skip


@pytest.fixture
def contest(tmp_path):
  picture = packaged.test()["coffee"][:64, :128]
  return one_shot.Contest(tmp_path, picture, 1)


def test_the_cost_of_a_command_is_that_of_its_process():
  small, large = (
    commands.run([sys.executable, "-S", "-c", f"len(bytes({n}) + b'1')"])
    for n in (1, 64 << 20)
  )
  assert large.peak - small.peak > 60 << 20
  assert large.wall > 0
  assert large.processor > 0


def test_a_command_that_fails_says_why():
  with pytest.raises(commands.Failed, match=r"ended with 1: no such thing$"):
    commands.run([sys.executable, "-c", "raise SystemExit('no such thing')"])
  with pytest.raises(commands.Failed, match=r"ended with 127: no_such_tool: "):
    commands.run(["no_such_tool"])


def test_the_engines_are_those_that_the_command_offers():
  said = "  --engine {auto,light,tensorflow}\n   engine to use"
  assert commands.engines(said) == ["light", "tensorflow"]
  assert commands.engines("  --quality Q") == [""]
  assert commands.ours("light", "m").encode("a", "b", 2)[-1] == "--engine=light"
  assert commands.ours("", "m").decode("a", "b")[-1] == "--out=b"


def test_the_quality_of_nearest_psnr_is_found(contest):
  wanted = contest.row(coarse(), 40).psnr
  found = contest.matched(coarse(), wanted + 0.01)
  assert found.quality == 40
  assert found.bpp > 0
  assert contest.matched(coarse(), 99.0).psnr > wanted


def test_the_table_has_ratios_and_slopes():
  def row(name, once, more):
    costs = {
      (what, size): [commands.Cost(s, s / 2, 50_000_000)] * 3
      for what in one_shot.DIRECTIONS
      for size, s in zip(one_shot.SIZES, (once, more), strict=True)
    }
    return one_shot.Row(coarse(name), 7, 0.5, 33.0, costs)

  rows = [row("ours", 2.0, 5.0), row("theirs", 3.0, 4.5)]
  lines = one_shot.table(rows, 500_000, "wall")
  assert lines[2] == (
    "| ours | 7 | 0.500 | 33.00 dB | 2.00 | 1.00 | 2.00 | 50 "
    "| 2.00 | 1.00 | 2.00 | 50 |"
  )
  assert "| 3.00 | 1.50 | 1.00 | 50 |" in lines[3]
  processor = one_shot.table(rows, 500_000, "processor")
  assert "| 1.50 | 1.50 | 0.50 | 50 |" in processor[3]


def test_programs_take_turns_on_two_sizes(contest):
  rows = [contest.row(coarse(name), 32) for name in "ab"]
  contest.time(rows, 2)
  for row in rows:
    assert len(row.costs) == 4
    assert {len(costs) for costs in row.costs.values()} == {2}
  lines = one_shot.table(rows, contest.pixels, "wall")
  assert len(lines) == 4


def test_programs_that_are_missing_are_named(monkeypatch):
  monkeypatch.setattr(commands.shutil, "which", lambda word: None)
  found, missing = commands.classical()
  assert found == []
  assert len(missing) == 3
  assert missing[0] == (
    "cwebp is left out: there is no cwebp and no dwebp; Debian has them in webp"
  )


def test_other_codecs_that_are_here_decode_what_they_encode(contest):
  found, _ = commands.classical()
  if not found:
    pytest.skip("none of cwebp, avifenc and cjxl is here")
  for program in found:
    low, high = program.qualities
    rough, fine = (
      contest.row(program, q) for q in (low + (high - low) // 4, high)
    )
    assert fine.bpp > rough.bpp, program.name
    assert fine.psnr > rough.psnr > 15, program.name


def test_pictures_are_cut_to_what_compressai_takes(tmp_path):
  found = one_shot._picture("")
  assert found.shape == (512, 768, 3)
  path = tmp_path / "grey.png"
  one_shot.files.write_image(path, np.zeros([70, 130, 1], np.uint8))
  assert one_shot._picture(str(path)).shape == (64, 128, 3)
  one_shot.files.write_image(path, np.zeros([70, 30, 1], np.uint8))
  with pytest.raises(ValueError, match="smaller than 64x64"):
    one_shot._picture(str(path))
