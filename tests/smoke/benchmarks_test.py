"""The benchmark runs; how fast is for people to read, never for a test."""

import os
import re
import sys

import pytest

from benchmarks import peers, timing
from tests import forked
from tfpercept import distances


def printed_by(*flags, program="losses"):
  with pytest.MonkeyPatch.context() as patch:
    # The peers of whoever runs the tests stay out of it.
    for name in os.environ:
      if "PEER_" in name:
        patch.delenv(name)
    done = forked.run(f"benchmarks.{program}", "--rounds=1", *flags)
  assert done.returncode == 0, done.stderr
  return done.stdout


def cells(line):
  return line.removeprefix("| ").removesuffix(" |").split(" | ")


def test_a_distance_is_timed_beside_its_peer():
  printed = printed_by(
    "--shapes=1x64x70x3", "--tables=peers", "--only=ssim,lpips"
  )
  (row,) = (cells(r) for r in printed.splitlines() if "1x64x70x3" in r)
  assert row[:2] == ["ssim", "`tf.image.ssim`"]
  assert len(row) == 10
  ours, theirs = row[-1].split(", ")
  assert float(ours) < float(theirs)  # float32 against float64
  assert "LPIPS-Alex is left out: needs --torch_python" in printed


def test_distances_are_timed_in_units_of_ms_ssim():
  printed = printed_by(
    "--unit_shape=1x164x170x3", "--tables=all", "--only=mse,mae"
  )
  rows = {
    name: numbers
    for name, *numbers in map(cells, printed.splitlines())
    if name in distances.names()
  }
  assert list(rows) == ["mae", "mse"]
  for numbers in rows.values():
    assert len(numbers) == 4
    assert all(float(number) > 0 for number in numbers)


def test_our_codec_is_timed_part_by_part_where_its_peers_are_not_here():
  printed = printed_by("--shape=64x128", "--nowide", program="codec")
  assert "CompressAI is left out: needs --torch_python" in printed
  times, parts = (
    cells(line) for line in printed.splitlines() if "| ours, " in line
  )
  bpp, encode, decode = times[2:5]
  assert 0 < float(bpp) < 24
  assert encode.endswith(" ms")
  assert decode.endswith(" ms")
  shares = [int(re.search(r"(\d+)%", cell)[1]) for cell in parts[2:]]
  # Both directions are told in three parts, each share rounded.
  assert sum(shares[:3]) == pytest.approx(100, abs=2)
  assert sum(shares[3:]) == pytest.approx(100, abs=2)


def test_range_coders_take_turns_on_the_same_bytes():
  flags = ("--shape=64x128", "--quality=4", "--nostarts")
  printed = printed_by(*flags, program="range_coder")
  rows = dict(
    line.split(" | ", 1) for line in printed.splitlines() if "(" in line
  )
  assert rows.pop("| TensorFlow Compression").count("1.0 (") == 2
  assert "| ours, loops in Python" in rows


def test_an_interpreter_without_pytorch_leaves_its_peers_out(tmp_path):
  # -S: no site-packages. Python tells why on standard error.
  python = tmp_path / "python"
  python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@" 2>/dev/null\n')
  python.chmod(0o755)
  places = peers.Places("", "", "", str(python), 1, tmp_path)
  (contest,) = (c for c in peers.CONTESTS if c.peer == "LPIPS-Alex")
  with places.in_use(), pytest.raises(peers.Absent, match="PyTorch process"):
    contest.match(places)


def test_the_distances_of_all_contests_are_registered():
  for contest in peers.CONTESTS:
    assert contest.distance.split("(")[0] in distances.names()


@pytest.mark.parametrize(
  ("budget", "expected"),
  [(float("inf"), 2 + 9), (0.0, 1 + timing.LEAST)],
)
def test_slow_functions_get_fewer_calls(budget, expected):
  calls = {"a": 0, "b": 0}

  def count(name):
    calls[name] += 1

  seconds = timing.medians(
    {name: lambda name=name: count(name) for name in calls},
    rounds=9,
    budget=budget,
  )
  assert calls == {"a": expected, "b": expected}
  assert set(seconds) == {"a", "b"}


def test_the_cost_of_a_loss_stands_beside_that_of_mse():
  printed = printed_by(
    "--shape=1x48x48x3", "--loss=ms_ssim(scales=3)", "--loss=watson_dct",
    program="cost",
  )  # fmt: skip
  rows = {
    row[0]: row[1:]
    for row in map(cells, printed.splitlines())
    if row[0].startswith("`")
  }
  assert list(rows) == ["`mse`", "`ms_ssim(scales=3)`", "`watson_dct`"]
  sides = [row[0] for row in rows.values()]
  assert sides == ["1", "41", "8, multiples of 8"]
  assert rows["`mse`"][2] == "1"
  assert all(float(row[1]) > 0 for row in rows.values())
  assert rows["`watson_dct`"][4] == "< 0.01"  # 204 numbers
  assert rows["`mse`"][4] == "0"
  # Noise of 0.03, a little less where it is clipped.
  assert 0.0007 < float(rows["`mse`"][5]) < 0.00095


def test_the_shipped_alexnet_is_the_original_to_four_digits(shared):
  original = shared / "data" / "weights" / "lpips_backbones" / "alex.npz"
  done = forked.run(
    "benchmarks.shipped_lpips", f"--original={original}", "--count=100"
  )
  assert done.returncode == 0, done.stderr
  rows = [cells(line) for line in done.stdout.splitlines()[2:]]
  assert [row[0] for row in rows] == [
    "100 distorted crops",
    "255 flat greys and the next",
  ]
  # 16 bits and fewer erred by 1e-2 between some of the greys.
  assert all(0 < float(row[1]) < 1e-4 for row in rows)


def test_steps_of_codecs_are_timed_beside_the_one_with_other_bits():
  flags = (
    "--batch=1", "--patch=64", "--latents=8", "--precision=float32",
    "--only=photo_mse,bits by NoisyNormal,outer gradients in float32",
  )  # fmt: skip
  printed = printed_by(*flags, program="training_step")
  rows = [cells(line) for line in printed.splitlines() if "hyperprior" in line]
  assert [row[0] for row in rows] == [
    "photo_mse", "bits by NoisyNormal", "outer gradients in float32",
  ]  # fmt: skip
  assert rows[0][-1] == "1.00"
  assert all(float(row[-1]) > 0 for row in rows)
  with pytest.raises(AssertionError, match="--only takes photo_mse"):
    printed_by("--only=none", program="training_step")


def test_an_engine_of_the_codec_is_timed_with_its_start():
  printed = printed_by(
    "--shape=64x64", "--calls=1", "--engines=numpy", program="engines"
  )
  rows = [cells(line) for line in printed.splitlines() if "| `" in line]
  assert [row[0] for row in rows] == ["`compress`", "`decompress`"]
  for row in rows:
    assert 10 < float(row[4]) < 1000  # megabytes
    assert float(row[5]) == 1  # the ratio to itself
