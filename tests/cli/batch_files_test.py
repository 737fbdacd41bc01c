"""What is made of which file, and what no accident may do to others."""

import argparse
import os
import subprocess
import sys

import pytest

from tfpercept.cli import batch_files
from tfpercept.io import files


def plan(*sources, out=None, overwrite=False, suffix=".tfp"):
  arguments = argparse.Namespace(
    sources=[str(source) for source in sources],
    out=None if out is None else str(out),
    overwrite=overwrite,
  )
  return batch_files.plan(arguments, suffix, files.list_images)


def touch(*paths):
  for path in paths:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"old")
  return paths


def targets(made):
  return [job.target for job in made.jobs]


def test_files_go_beside_their_sources_or_into_a_folder(tmp_path):
  a, b = touch(tmp_path / "x.1.png", tmp_path / "sub" / "b.jpg")
  assert targets(plan(a, b)) == [
    tmp_path / "x.1.tfp",
    tmp_path / "sub" / "b.tfp",
  ]
  out = tmp_path / "out"
  assert targets(plan(a, b, out=out)) == [out / "x.1.tfp", out / "b.tfp"]


def test_out_is_a_file_for_one_file_unless_it_is_a_folder(tmp_path):
  (a,) = touch(tmp_path / "a.png")
  assert targets(plan(a, out=tmp_path / "new")) == [tmp_path / "new"]
  assert targets(plan(a, out=f"{tmp_path}/other/")) == [
    tmp_path / "other" / "a.tfp"
  ]
  (tmp_path / "there").mkdir()
  assert targets(plan(a, out=tmp_path / "there")) == [
    tmp_path / "there" / "a.tfp"
  ]


def test_a_folder_needs_a_place(tmp_path):
  touch(tmp_path / "in" / "a.png", tmp_path / "in" / "notes.txt")
  with pytest.raises(ValueError, match="in is a folder; name a folder"):
    plan(tmp_path / "in")
  out = tmp_path / "out"
  assert targets(plan(tmp_path / "in", out=out)) == [out / "a.tfp"]


def test_a_file_given_twice_is_one(tmp_path):
  (a,) = touch(tmp_path / "in" / "a.png")
  made = plan(a, a.parent, a, out=tmp_path / "out")
  assert (len(made.jobs), made.failures) == (1, {})


def test_neither_of_two_pictures_of_one_name_takes_it(tmp_path):
  folder = tmp_path / "in"
  png, jpg, _ = touch(*(folder / n for n in ("a.png", "a.jpg", "b.png")))
  made = plan(folder, out=tmp_path / "out")
  assert targets(made) == [tmp_path / "out" / "b.tfp"]
  assert made.failures.keys() == {str(png), str(jpg)}
  assert f"would also be made of {jpg}; rename one" in made.failures[str(png)]


def test_a_source_is_never_written_over(tmp_path):
  png, webp = touch(tmp_path / "a.png", tmp_path / "a.webp")
  made = plan(png, overwrite=True, suffix=".png")
  assert "is itself among the files to read" in made.failures[str(png)]
  made = plan(png, tmp_path / "b.png", out=tmp_path, overwrite=True,
              suffix=".webp")  # fmt: skip
  assert targets(made) == [webp]
  made = plan(png, tmp_path / "a.webp", overwrite=True, suffix=".webp")
  assert not made.jobs


def test_what_is_not_there_is_told_and_the_rest_is_done(tmp_path):
  (a,) = touch(tmp_path / "a.png")
  (tmp_path / "empty").mkdir()
  made = plan(a, tmp_path / "b.png", tmp_path / "empty", out=tmp_path / "out")
  assert len(made.jobs) == 1
  assert made.failures[str(tmp_path / "b.png")] == "there is no such file"
  assert "no picture in" in made.failures[str(tmp_path / "empty")]


def test_a_place_that_can_not_be_written_is_found_before_the_work(tmp_path):
  a, wall = touch(tmp_path / "a.png", tmp_path / "wall")
  made = plan(a, out=wall / "sub" / "a.tfp")
  assert not made.jobs
  assert "wall" in made.failures[str(a)]


@pytest.mark.parametrize(
  ("sources", "out", "why"),
  [
    (["-", "a.png"], None, "- stands for one file; got 2"),
    (["b.png"], "-", "b.png: there is no such file"),
    (["{folder}"], "-", "it is a folder"),
    (["-"], "{folder}", "is a folder; name a file in it"),
  ],
)
def test_streams_are_of_one_file(tmp_path, sources, out, why):
  sources = [source.format(folder=tmp_path) for source in sources]
  with pytest.raises(ValueError, match=why):
    plan(*sources, out=out and out.format(folder=tmp_path))


def test_bytes_are_not_thrown_at_a_terminal(monkeypatch):
  monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
  with pytest.raises(ValueError, match="standard output is a terminal"):
    plan("-")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, capsys):
  (a,) = touch(tmp_path / "a.png")
  target = a.with_suffix(".tfp")
  touch(target)

  def full(descriptor):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(os, "fsync", full)
  status = batch_files.carry_out(
    plan(a, overwrite=True),
    lambda job: files.write_bytes(job.target, b"new"),
    "x",
  )
  assert status == 2
  assert "No space left on device" in capsys.readouterr().err
  assert target.read_bytes() == b"old"
  assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.tfp"]


def test_ctrl_c_keeps_what_is_done_and_nothing_half_done(
  tmp_path, monkeypatch, capsys
):
  touch(*(tmp_path / "in" / f"{name}.png" for name in "abc"))
  out, fsync, calls = tmp_path / "out", os.fsync, []

  def interrupted(descriptor):
    calls.append(descriptor)
    if len(calls) == 2:
      raise KeyboardInterrupt
    fsync(descriptor)

  monkeypatch.setattr(os, "fsync", interrupted)
  status = batch_files.carry_out(
    plan(tmp_path / "in", out=out),
    lambda job: files.write_bytes(job.target, b"new"),
    "compressed",
  )
  assert status == batch_files.INTERRUPTED
  assert capsys.readouterr().err == "interrupted: 1 of 3 compressed\n"
  assert [p.name for p in out.iterdir()] == ["a.tfp"]


_INTO_NOTHING = """
import os, sys
from tfpercept.cli import batch_files
os.close(os.pipe()[0])
reading, writing = os.pipe()
os.close(reading)
os.dup2(writing, 1)
def work(job):
  with batch_files.target(job) as target:
    target.write(bytes(100_000))
    target.flush()
made = batch_files.Plan([batch_files.Job("a", None, None)])
sys.exit(batch_files.carry_out(made, work, "written"))
"""


def test_a_reader_that_goes_away_is_one_line(tmp_path):
  run = subprocess.run(
    [sys.executable, "-c", _INTO_NOTHING],
    check=False, capture_output=True, text=True,
  )  # fmt: skip
  assert run.returncode == 2
  assert run.stderr == "a: not written: [Errno 32] Broken pipe\n"
