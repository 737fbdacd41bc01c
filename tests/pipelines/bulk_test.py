"""Bulk work is done once, goes on where it stopped, and lists what failed."""

import concurrent.futures
import functools
import json
import multiprocessing
import os
import pathlib
import shutil
import signal

import numpy as np
import pytest

from pipelines import engines, inputs, jobs, options, sources, work
from programs import program
from tests import forked
from tfpercept import manifests
from tfpercept.codecs.learned import model_ids
from tfpercept.io import files, lock


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
  """Five pictures, one of them damaged, some of them in a folder below."""
  folder = tmp_path_factory.mktemp("photos")
  random = np.random.default_rng(0)
  for name in ("a.png", "b.png", "below/a.png", "below/c.png"):
    picture = random.integers(0, 256, (20, 30, 3), np.uint8)
    files.write_image(folder / name, picture)
  (folder / "broken.png").write_bytes(b"\x89PNG and no more")
  (folder / "notes.md").write_text("no picture")
  return folder


def compress(photos, out, *flags):
  return forked.run(
    "pipelines.compress", f"--input={photos}", f"--output={out}",
    "--codec=jpeg", "--quality=50", "--chunk=2", "--workers=1", *flags,
  )  # fmt: skip


@pytest.fixture(scope="module")
def compressed(photos, tmp_path_factory):
  out = tmp_path_factory.mktemp("compressed")
  done = compress(photos, out)
  assert done.returncode == 1, done.stderr  # one of five is damaged
  return out, done


def test_each_picture_is_compressed_and_folders_are_kept(compressed):
  out, done = compressed
  made = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.jpg"))
  assert made == ["a.jpg", "b.jpg", "below/a.jpg", "below/c.jpg"]
  assert done.stdout.startswith("4 of 5 pictures compressed, 0 of them by an")
  assert all(files.read_image(out / name).shape == (20, 30, 3) for name in made)


def test_what_fails_is_listed_with_its_reason_and_ends_nothing(compressed):
  out, done = compressed
  (line,) = (out / jobs.FOLDER / jobs.FAILED).read_text().splitlines()
  told = json.loads(line)
  assert told["name"] == "broken.png" and told["failed"]
  assert f"broken.png: {told['failed']}" in done.stderr
  summary = json.loads((out / jobs.FOLDER / jobs.SUMMARY).read_bytes())
  assert summary["pictures"] == 5 and summary["failed"] == 1
  sizes = [os.path.getsize(path) for path in out.rglob("*.jpg")]
  assert summary["bytes_out"] == sum(sizes)


def test_a_second_call_at_work_on_an_output_is_refused(photos, tmp_path):
  with lock.held(tmp_path / "out" / jobs.FOLDER):
    refused = compress(photos, tmp_path / "out")
  assert refused.returncode == 1
  assert f"in use by process {os.getpid()}" in refused.stderr
  assert not list(tmp_path.rglob("*.jpg"))
  assert compress(photos, tmp_path / "out").returncode == 1


def test_a_rerun_makes_nothing_and_more_pictures_are_added(photos, tmp_path):
  few, out = tmp_path / "few.txt", tmp_path / "out"
  few.write_text(f"{photos}/a.png\n\n{photos}/b.png\n")
  assert compress(few, out).returncode == 0
  before = {p: p.stat().st_mtime_ns for p in out.rglob("*.jpg")}
  again = compress(few, out)
  assert again.stdout.startswith("2 of 2 pictures compressed, 0 of them")
  more = compress(photos, out)
  assert more.stdout.startswith("4 of 5 pictures compressed, 2 of them")
  assert before == {p: p.stat().st_mtime_ns for p in before}
  assert len(list((out / jobs.FOLDER).glob("parts-*"))) == 1


def test_other_settings_need_another_output(photos, compressed):
  done = compress(photos, compressed[0], "--quality=51")
  assert done.returncode == 1
  assert "(quality: 50.0 there, 51.0 now)" in done.stderr


def test_a_wrong_quality_or_a_result_of_another_program_is_refused(
  photos, tmp_path
):
  done = compress(photos, tmp_path, "--quality=999")
  assert "--quality of jpeg" in done.stderr and done.returncode == 1
  assert not (tmp_path / jobs.FOLDER).exists()
  done = compress(photos, tmp_path, "--lossless=always")
  assert "has no model, codec, quality or target" in done.stderr
  assert done.returncode == 1 and not (tmp_path / jobs.FOLDER).exists()
  (tmp_path / "a.jpg").touch()
  done = compress(photos, tmp_path)
  assert "a.jpg exists, and no earlier call" in done.stderr
  assert done.returncode == 1


def test_what_failed_is_tried_again_once_the_rest_is_done(tmp_path):
  photos, out = tmp_path / "photos", tmp_path / "out"
  picture = np.zeros((20, 30, 3), np.uint8)
  files.write_image(photos / "a.png", picture)
  (photos / "b.png").write_bytes(b"damaged")
  assert compress(photos, out).returncode == 1
  files.write_image(photos / "b.png", picture)
  done = compress(photos, out)
  assert done.returncode == 0, done.stderr
  assert done.stdout.startswith("2 of 2 pictures compressed, 1 of them")
  assert (out / jobs.FOLDER / jobs.FAILED).read_text() == ""


def told_of(out, **more):
  given = {"model": None, "codec": "png", "identity": None, "quality": None}
  return {"output": str(out), **given, **more}


def test_what_another_process_made_meanwhile_is_no_failure(photos, tmp_path):
  work_on = work.compressor(json.dumps(told_of(tmp_path)))
  item = inputs.Item(str(photos / "a.png"), "a.png")
  assert "seconds" in work_on(item)
  assert work_on(item)["made_before"] == 1


def begun(pictures, out, *, count=None):
  """Does the first chunks of one picture each; returns the job, and how many.

  Without a count it does all.
  """
  told = told_of(out)
  job = jobs.make(
    out, inputs.find([str(pictures)]), work.compressor, told, chunk=1,
    target=functools.partial(work.target, told["output"], ".png"),
  )  # fmt: skip
  left = job.left
  for chunk in left[:count]:
    jobs.do(job, chunk)
  return job, len(left)


def shades(folder, *values):
  for name, value in zip("abc", values, strict=False):
    picture = np.full((4, 6, 1), value, np.uint8)
    files.write_image(folder / f"{name}.png", picture)
  return folder


def shades_of(folder):
  paths = sorted(folder.glob("*.png"))
  return [int(files.read_image(path).mean()) for path in paths]


def test_results_are_those_of_the_pictures_of_the_last_call(tmp_path):
  one, other = (tmp_path / name for name in ("one", "other"))
  out = tmp_path / "out"
  begun(shades(one, 1, 2, 3), out)
  assert shades_of(out) == [1, 2, 3]
  # All have the same names. This call is killed before it reaches the third.
  begun(shades(other, 4, 5, 6), out, count=2)
  assert shades_of(out) == [4, 5]
  job, left = begun(one, out)
  assert left == 3
  assert jobs.finish(job)["done"] == 3 and shades_of(out) == [1, 2, 3]


def test_a_picture_that_was_replaced_is_compressed_anew_and_no_other(tmp_path):
  photos, out = tmp_path / "photos", tmp_path / "out"
  begun(shades(photos, 1, 2, 3), out)
  os.utime(out / "a.png", ns=(1, 1))
  first = photos / "b.png"
  times = first.stat().st_mtime_ns
  shades(photos / "new", 7)
  os.replace(photos / "new/a.png", first)
  os.utime(first, ns=(times + 1, times + 1))
  job, left = begun(photos, out)
  assert left == 1 and shades_of(out) == [1, 7, 3]
  assert (out / "a.png").stat().st_mtime_ns == 1
  assert begun(photos, out) == (job, 0)


def test_a_file_of_no_earlier_call_is_refused_also_later(tmp_path):
  photos, out = tmp_path / "photos", tmp_path / "out"
  begun(shades(photos, 1, 2), out)
  shades(out, 1, 2, 9)
  shades(photos, 1, 5, 3)
  with pytest.raises(ValueError, match=r"c\.png exists, and no earlier call"):
    begun(photos, out)
  assert shades_of(out) == [1, 2, 9]


def test_results_outlive_pictures_that_are_out_of_reach(tmp_path):
  photos, out = shades(tmp_path / "photos", 1, 2), tmp_path / "out"
  named = tmp_path / "photos.txt"
  named.write_text(f"{photos}/a.png\n{photos}/b.png\n")
  begun(named, out)
  photos.rename(tmp_path / "elsewhere")
  job, _ = begun(named, out)
  assert shades_of(out) == [1, 2] and jobs.finish(job)["failed"] == 2
  (tmp_path / "elsewhere").rename(photos)
  shades(out, 8, 9)  # so that it can be seen whether they are made again
  job, _ = begun(named, out)
  assert shades_of(out) == [8, 9] and jobs.finish(job)["made_before"] == 2


def test_what_a_killed_process_left_among_the_chunks_does_no_harm(tmp_path):
  photos, out = shades(tmp_path / "photos", 1), tmp_path / "out"
  job, _ = begun(photos, out)
  (job.parts / ".tfpercept.half" / "new").mkdir(parents=True)
  assert begun(photos, out) == (job, 0)


def test_an_output_of_an_older_version_is_gone_on_with(tmp_path):
  photos, out = shades(tmp_path / "photos", 1, 2), tmp_path / "out"
  begun(photos, out)
  shades(out, 8, 9)
  folder = out / jobs.FOLDER
  (folder / sources.FILE).unlink()
  told = json.loads((folder / "job.json").read_bytes())
  del told["identity"]
  files.write_json(folder / "job.json", told)
  begun(photos, out)
  assert shades_of(out) == [8, 9]
  assert "identity" in json.loads((folder / "job.json").read_bytes())
  assert len(sources.read(folder)) == 2


def test_a_damaged_list_of_sources_is_told(tmp_path):
  photos, out = shades(tmp_path / "photos", 1), tmp_path / "out"
  begun(photos, out)
  (out / jobs.FOLDER / sources.FILE).write_text("{}\n")
  with pytest.raises(ValueError, match=r"sources\.jsonl is damaged"):
    begun(photos, out)


def test_a_folder_with_another_model_is_no_longer_the_model_of_a_job(tmp_path):
  model = str(tmp_path / "model")
  shutil.copytree(manifests.folder("photo_mse"), model)
  found = work.identity(work.opened(model, None))
  assert found == model_ids.identity(manifests.read("photo_mse")).hex()
  assert work.identity(work.opened(None, "jpeg")) is None
  told = told_of(tmp_path, model=model, codec=None, identity="00")
  with pytest.raises(ValueError, match=f"was 00 when.* and is {found} now"):
    work.compressor(json.dumps(told))
  jobs.make(tmp_path, [], work.compressor, told, chunk=1)
  told["identity"] = found
  with pytest.raises(ValueError, match="identity: '00' there"):
    jobs.make(tmp_path, [], work.compressor, told, chunk=1)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused_before_any_picture(tmp_path, rate):
  with pytest.raises(ValueError, match="--target_bpp is more than 0 bits per"):
    work.compressor(json.dumps(told_of(tmp_path, target_bpp=rate)))


@pytest.mark.parametrize(
  ("flags", "why"),
  [
    (["--model=photo_mse"], "give --model or --codec, not both"),
    (["--master=spark://nowhere:7077"], "name it, as in --engine=spark"),
    (["--engine=dask", "--master=tcp://a:1"], "--workers is of --engine=local"),
    (["--engine=dask"], "needs --master"),
  ],
)
def test_settings_without_effect_are_refused(photos, tmp_path, flags, why):
  done = compress(photos, tmp_path / "out", *flags)
  assert done.returncode == 1
  assert why in done.stderr
  assert not (tmp_path / "out").exists()


def test_an_output_around_all_pictures_is_refused(photos):
  bulk = options.Bulk(input=(str(photos / "below"),), output=str(photos))
  with pytest.raises(ValueError, match="all pictures of --input are below"):
    options.found(bulk)


@pytest.mark.parametrize("place", ["image", "reference"])
def test_a_picture_that_was_replaced_is_scored_anew(tmp_path, place):
  paths = {name: tmp_path / name for name in ("image", "reference")}
  for folder in paths.values():
    shades(folder, 51, 51)
  items = [
    inputs.Item(str(paths["image"] / f), f, str(paths["reference"] / f))
    for f in ("a.png", "b.png")
  ]

  def scored():
    settings = {"metrics": ["mae"], "alpha": "white"}
    job = jobs.make(tmp_path / "out", items, work.scorer, settings, chunk=1)
    left = len(job.left)
    for chunk in job.left:
      jobs.do(job, chunk)
    return left, [line["scores"]["mae"] for line in jobs.outcomes(job)]

  assert scored() == (2, [0, 0]) and scored() == (0, [0, 0])
  shades(paths[place], 102)
  os.utime(paths[place] / "a.png", ns=(1, 1))  # clocks may be coarse
  assert scored() == (1, [pytest.approx(0.2), 0])


def test_scores_are_those_of_the_library_beside_references_by_name(
  photos, compressed, tmp_path
):
  done = forked.run(
    "pipelines.score", f"--input={compressed[0]}", f"--reference={photos}",
    "--metric=psnr", "--metric=mse", f"--output={tmp_path}", "--workers=1",
    "--metric=ms_ssim",
  )  # fmt: skip
  # As of `tfpercept score`: not every score could be had.
  assert done.returncode == 1
  assert "a.jpg: ms_ssim" in done.stderr
  assert "4 of 4 lack a score; " in done.stderr
  lines = (tmp_path / "scores.csv").read_text().splitlines()
  assert lines[0] == "picture,psnr,mse,ms_ssim"
  assert lines[1].endswith(",nan")  # too small for its five scales
  assert [line.split(",")[0] for line in lines[1:]] == [
    *("a.jpg", "b.jpg", "below/a.jpg", "below/c.jpg"),
  ]
  one, two = (
    files.read_image(folder / name).astype(float) / 255
    for folder, name in ((photos, "b.png"), (compressed[0], "b.jpg"))
  )
  mse = float(lines[2].split(",")[2])
  assert mse == pytest.approx(np.square(one - two).mean(), rel=1e-4)
  assert "psnr: " in done.stdout and done.stdout.startswith("4 of 4")


def test_a_picture_without_reference_is_a_failure_of_its_own():
  settings = {"metrics": ["mse"], "alpha": "white"}
  scored = work.scorer(json.dumps(settings))
  with pytest.raises(ValueError, match="no reference of that name"):
    scored(inputs.Item("/a.png", "a.png"))


def _numbers(settings):
  """Work of which the third picture kills the process, the first time."""
  flag = pathlib.Path(json.loads(settings)["flag"])

  def one(item):
    if item.name == "2" and not flag.exists():
      flag.touch()
      os.kill(os.getpid(), signal.SIGKILL)
    return {"count": int(item.name)}

  return one


def _items(count):
  return [inputs.Item(f"/{number}", str(number)) for number in range(count)]


def test_a_killed_process_ends_the_command_and_loses_no_chunk(
  tmp_path, monkeypatch
):
  told = {"flag": str(tmp_path / "flag")}
  job = jobs.make(tmp_path, _items(7), _numbers, told, chunk=2)
  seen = []
  # Processes that are forked know this module; its name is no other's.
  monkeypatch.setattr(
    concurrent.futures.ProcessPoolExecutor, "__init__", _forking
  )
  with pytest.raises(program.ProgramError, match="a process died"):
    engines.local(job, workers=1, progress=seen.append)
  with pytest.raises(ValueError, match="chunks are not done"):
    jobs.finish(job)
  again = jobs.make(tmp_path, _items(7), _numbers, told, chunk=2)
  assert again == job and len(again.left) == 3
  engines.local(again, workers=1, progress=seen.append)
  assert seen[0] == 0 and seen[-1] == 7
  assert jobs.finish(again)["count"] == sum(range(7))


_made = concurrent.futures.ProcessPoolExecutor.__init__


def _forking(self, processes, context, initializer):
  del context
  _made(self, processes, multiprocessing.get_context("fork"), initializer)


def test_names_stay_below_the_output(photos, tmp_path):
  listed = tmp_path / "list.txt"
  shift = os.path.relpath(photos, tmp_path)
  text = f"\ufeff{shift}/a.png\n{photos}/b.png\nsub/missing.png\n"
  listed.write_text(text, encoding="utf-8")
  found = {item.name: item.path for item in inputs.find([str(listed)])}
  assert found == {
    "a.png": str(photos / "a.png"),
    "b.png": str(photos / "b.png"),
    "sub/missing.png": str(tmp_path / "sub/missing.png"),
  }


def test_globs_are_searched_and_nothing_at_all_is_refused(photos, monkeypatch):
  monkeypatch.chdir(photos)
  names = [item.name for item in inputs.find(["**/*.png"])]
  assert names == ["a.png", "b.png", "below/a.png", "below/c.png", "broken.png"]
  # So are those of a whole path, from where the first special part stands.
  absolute = inputs.find([f"{photos}/**/*.png"])
  assert [item.name for item in absolute] == names
  with pytest.raises(ValueError, match=r"no picture in \*\.gif"):
    inputs.find(["*.gif"])


def test_two_pictures_of_one_result_are_refused(photos, tmp_path):
  (tmp_path / "a.bmp").touch()
  with pytest.raises(ValueError, match="would have one result"):
    inputs.find([str(photos), str(tmp_path / "a.bmp")])
