"""What is made of which file, and what no accident may do to others."""

import argparse
import os
import subprocess
import sys

import pytest

from tfpercept.cli import batch_files
from tfpercept.io import files, notes


def plan(*sources, out=None, overwrite=False, suffix=".tfp", **options):
  arguments = argparse.Namespace(
    sources=[str(source) for source in sources],
    out=None if out is None else str(out),
    overwrite=overwrite,
    **{"recursive": False, "skip_existing": False, **options},
  )
  return batch_files.plan(arguments, suffix, files.PICTURE_SUFFIXES)


def touch(*paths):
  for path in paths:
    path.parent.mkdir(parents=True, exist_ok=True)
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


def test_a_reader_that_goes_away_ends_the_command_in_silence(
  tmp_path, photograph
):
  """As `tfpercept info … | head` does."""
  files.write_image(tmp_path / "a.png", photograph(64, 64))
  reading, writing = os.pipe()
  os.close(reading)
  try:
    run = subprocess.run(
      [sys.executable, "-m", "tfpercept.cli", "compress", tmp_path / "a.png",
       "--lossless=always", "--out=-"],
      check=False, stdout=writing, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
  finally:
    os.close(writing)
  assert (run.returncode, run.stderr) == (141, "")


def test_recursive_keeps_the_folders_below_the_given_one(tmp_path):
  folder, out = tmp_path / "in", tmp_path / "out"
  touch(folder / "a.png", folder / "x" / "a.png", folder / "x" / "@eaDir")
  touch(folder / "x" / "y" / "b.jpg", folder / "__MACOSX" / "a.png")
  assert targets(plan(folder, out=out)) == [out / "a.tfp"]
  made = plan(folder, out=out, recursive=True)
  assert targets(made) == [
    out / "a.tfp",
    out / "x" / "a.tfp",
    out / "x" / "y" / "b.tfp",
  ]
  assert made.failures == {}


def test_recursive_does_not_take_its_own_results(tmp_path):
  folder, out = tmp_path / "in", tmp_path / "in" / "small"
  a, _ = touch(folder / "a.png", out / "b.jpg")
  with notes.collected() as found:
    made = plan(folder, out=out, recursive=True, suffix=".jpg")
  assert [job.source for job in made.jobs] == [a]
  assert notes.lines(found) == [
    f"passed over, since in the folder of the results: {out / 'b.jpg'}"
  ]


@pytest.mark.parametrize("place", ["in", ".", "in/..", "in/sub/.."])
def test_out_may_be_the_folder_itself_or_one_above_it(tmp_path, place):
  a, b = touch(tmp_path / "in" / "a.png", tmp_path / "in" / "sub" / "b.png")
  out = tmp_path / place
  with notes.collected() as found:
    made = plan(a.parent, out=out, recursive=True)
  assert [job.source for job in made.jobs] == [a, b]
  assert targets(made) == [out / "a.tfp", out / "sub" / "b.tfp"]
  assert (made.failures, found) == ({}, [])


def test_standard_input_needs_the_name_of_a_file(tmp_path):
  with pytest.raises(ValueError, match="Name the file"):
    plan("-", out=f"{tmp_path}{os.sep}")


def test_a_link_to_a_folder_is_not_followed(tmp_path):
  folder = tmp_path / "in"
  touch(folder / "a.png")
  (folder / "again").symlink_to(folder)
  with notes.collected() as found:
    made = plan(folder, out=tmp_path / "out", recursive=True)
  assert len(made.jobs) == 1
  assert notes.lines(found) == [
    f"links to folders passed over: {folder / 'again'}"
  ]


def test_what_is_passed_over_is_counted_and_named(tmp_path):
  folder = tmp_path / "in"
  touch(folder / "a.png", folder / "Thumbs.db", folder / "a.tfp")
  others = touch(*(folder / f"{n}.txt" for n in range(5)))
  touch(folder / "x" / "b.png", folder / "docs" / "readme.md")
  with notes.collected() as found:
    plan(folder, out=folder)
  assert notes.lines(found) == [
    f"passed over, since of another kind: {', '.join(map(str, others[:3]))} "
    "and 2 others",
    f"folders passed over, which --recursive takes: {folder / 'x'}",
  ]


def test_a_repeated_batch_that_skips_ends_well(tmp_path, capsys):
  touch(*(tmp_path / "in" / f"{name}.png" for name in "abcde"))
  out = tmp_path / "out"

  def again():
    made = plan(tmp_path / "in", out=out, skip_existing=True)
    return batch_files.carry_out(
      made, lambda job: files.write_bytes(job.target, b"x"), "compressed"
    )

  assert again() == 0
  assert capsys.readouterr().err == ""
  (out / "b.tfp").unlink()
  assert again() == 0
  assert "4 skipped, since their results exist" in capsys.readouterr().err
  assert again() == 0
  assert "and 2 others\n" in capsys.readouterr().err


def test_what_another_process_makes_meanwhile_is_kept(tmp_path, capsys):
  (a,) = touch(tmp_path / "a.png")
  target = a.with_suffix(".tfp")
  for skip_existing, status in ((True, 0), (False, 2)):
    made = plan(a, skip_existing=skip_existing)
    target.write_bytes(b"theirs")
    found = batch_files.carry_out(
      made,
      lambda job: files.write_bytes(job.target, b"ours", replace=False),
      "x",
    )
    assert (found, target.read_bytes()) == (status, b"theirs")
    target.unlink()
  assert "exists, and is kept" in capsys.readouterr().err


def test_a_stream_is_skipped_where_its_result_exists(tmp_path, capsys):
  (a,) = touch(tmp_path / "a.tfp")
  with pytest.raises(ValueError, match="--overwrite replaces it"):
    plan("-", out=a)
  made = plan("-", out=a, skip_existing=True)
  assert batch_files.carry_out(made, None, "compressed") == 0
  assert "1 skipped, since their results exist: standard" in (
    capsys.readouterr().err
  )
