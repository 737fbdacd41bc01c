"""What is kept of a measurement, and when it counts again."""

import dataclasses
import json
import os

import numpy as np
import pytest

from tests.evaluation.rate_distortion.coarse_codec import Coarse, ramp
from tfpercept import codecs, distances
from tfpercept.evaluation.core import kept_lines
from tfpercept.evaluation.rate_distortion import measure, work_file

PSNR = distances.get("psnr")
METRICS = [PSNR, distances.get("mae")]
PICTURES = {
  "a": ramp(),
  "b": ramp(16, 16),
  "same": np.full([8, 8, 3], 84, "u1"),
}


def run(path, pictures=None, coders=None, *, metrics=METRICS, **options):
  """Measures with a file of points; returns the result and that file."""
  work = work_file.WorkFile(path)
  found = measure.measure(
    pictures or PICTURES,
    coders or [Coarse(), Coarse("other", excess=0.5)],
    metrics,
    work=work,
    **options,
  )
  return found, work


def untimed(result):
  """Returns a result without what two measurements never share."""
  points = [
    dataclasses.replace(p, encode=None, decode=None) for p in result.points
  ]
  return dataclasses.replace(result, points=tuple(points))


class Stopped(Exception):  # noqa: N818 it stands for a kill
  pass


def stop_after(monkeypatch, count):
  """Lets `count` points be kept, and stops before the next."""
  add, left = work_file.WorkFile.add, [count]

  def limited(self, key, point):
    if not left[0]:
      raise Stopped
    left[0] -= 1
    add(self, key, point)

  monkeypatch.setattr(work_file.WorkFile, "add", limited)


def test_a_measurement_that_is_stopped_anywhere_ends_as_an_unbroken_one(
  tmp_path, monkeypatch
):
  unbroken, _ = run(tmp_path / "unbroken")
  assert len(unbroken.points) == 30
  path = tmp_path / "work"
  for _ in range(5):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
      stop_after(patch, 4)
      run(path)
  found, work = run(path)
  assert untimed(found) == untimed(unbroken)
  assert work.used == 20
  assert len(path.read_text().splitlines()) == 30


def test_nothing_is_compressed_when_all_is_kept(tmp_path):
  first, _ = run(tmp_path / "work")
  codec = Coarse()
  found, work = run(tmp_path / "work", coders=[codec])
  assert codec.calls == []
  assert work.used == 15
  # Seconds and memory are kept too.
  assert found.points == tuple(first.of("coarse"))


@pytest.mark.parametrize("end", range(1, 40, 6))
def test_a_line_that_is_not_whole_is_dropped(tmp_path, end):
  path = tmp_path / "work"
  unbroken, _ = run(path)
  data = path.read_bytes()
  path.write_bytes(data[:-end])
  assert len(work_file.WorkFile(path)) == (30 if end == 1 else 29)
  found, work = run(path)
  assert work.used == (30 if end == 1 else 29)
  assert untimed(found) == untimed(unbroken)
  assert len(path.read_text().splitlines()) == 30


@pytest.mark.parametrize(
  "line",
  [
    b"\xff\xfe",
    b"[]",
    b'{"key": 1}',
    b'{"key": "k", "point": {"codec": "coarse"}}',
    b'{"key": "k", "point": {"measured": {"psnr": {"no": 1}}}}',
    b'{"key": "k", "point": {"measured": []}}',
    b"[" * 100_000,
  ],
)
def test_lines_of_something_else_are_passed_over(tmp_path, line):
  path = tmp_path / "work"
  run(path)
  path.write_bytes(line + b"\n" + path.read_bytes())
  found, work = run(path)
  assert len(found.points) == work.used == 30


def test_a_changed_picture_is_measured_anew_and_a_renamed_one_is_not(tmp_path):
  path = tmp_path / "work"
  run(path)
  changed = ramp()
  changed[0, 0, 0] ^= 1
  found, work = run(path, {"a": changed, "renamed": PICTURES["b"]})
  assert work.used == 10
  assert {p.picture for p in found.points} == {"a", "renamed"}


def test_another_model_library_distance_or_number_of_repeats_counts_anew(
  tmp_path,
):
  class Model(Coarse):
    identity = b"one"
    made_by = "library 1"

  path, codec = tmp_path / "work", Model()
  run(path, coders=[codec])
  assert run(path, coders=[Model()])[1].used == 15
  codec.identity = b"two"
  assert run(path, coders=[codec])[1].used == 0
  Model.made_by = "library 2"
  assert run(path, coders=[Model()])[1].used == 0
  assert run(path, coders=[Model()], metrics=METRICS[:1])[1].used == 0
  assert run(path, coders=[Model()], repeats=2)[1].used == 0
  assert run(path, coders=[Model()], qualities={"coarse": [2, 9]})[1].used == 3


def test_a_key_tells_models_and_versions_apart(monkeypatch):
  picture = ramp()
  names = {
    work_file.key(codecs.get(spec), picture, quality, [PSNR], 1)
    for spec in ("jpeg", "jpeg(optimize=False)", "webp")
    for quality in (5, 5.5)
  }
  assert len(names) == 6
  first = work_file.key(codecs.get("jpeg"), picture, 5, [PSNR], 1)
  assert first in names
  facts = work_file.machine.facts()
  for name in facts:
    changed = {**facts, name: "another"}
    monkeypatch.setattr(work_file.machine, "facts", lambda c=changed: c)
    other = work_file.key(codecs.get("jpeg"), picture, 5, [PSNR], 1)
    assert other not in names
  grey = np.ascontiguousarray(picture.reshape(32, 192, 1))
  assert other != work_file.key(codecs.get("jpeg"), grey, 5, [PSNR], 1)


def test_a_key_tells_heads_and_weights_of_one_name_apart(tmp_path, monkeypatch):
  codec, picture = Coarse(), ramp()
  path = tmp_path / "weights.npz"
  parameters = distances.get("watson_dct").checkpoint()
  keys = set()
  for alpha in (0.5, 0.6):
    np.savez(path, **{**parameters, "ly.alpha": np.float32(alpha)})
    metric = distances.get(f"watson_dct(weights={str(path)!r})")
    keys.add(work_file.key(codec, picture, 5, [metric], 1))
  codec.head_identity = "a head"
  keys.add(work_file.key(codec, picture, 5, [metric], 1))
  # A folder of weights may hold others of the same name.
  metric = distances.get("lpips")
  for checksum in ("0" * 64, "1" * 64):
    monkeypatch.setattr(type(metric), "checksum", checksum)
    keys.add(work_file.key(codec, picture, 5, [metric], 1))
  assert len(keys) == 5


def test_a_failure_stays_one_when_the_measurement_goes_on(tmp_path):
  path, coders = tmp_path / "work", [Coarse("bad", fails=4), Coarse()]
  first, _ = run(path, coders=coders)
  again, _ = run(path, coders=coders)
  assert first.failures["bad: a"] == "the coder gave up"
  assert again == first


def test_fresh_drops_what_was_kept(tmp_path):
  path = tmp_path / "work"
  run(path)
  assert len(work_file.WorkFile(path, is_fresh=True)) == 0
  assert path.read_bytes() == b""


def test_a_file_that_can_not_be_written_ends_the_measurement(
  tmp_path, monkeypatch
):
  path = tmp_path / "work"

  def full(path, line):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(kept_lines, "_append", full)
  with pytest.raises(
    kept_lines.NotKept, match="goes on from what was measured"
  ):
    run(path)


def test_a_line_of_which_a_part_is_written_is_an_error(tmp_path, monkeypatch):
  path = tmp_path / "work"
  write = os.write
  monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:9]))
  with pytest.raises(kept_lines.NotKept):
    run(path)
  monkeypatch.undo()
  assert len(work_file.WorkFile(path)) == 0


def test_the_lines_are_json(tmp_path):
  path = tmp_path / "work"
  run(path, {"a": ramp()}, [Coarse()])
  lines = [json.loads(line) for line in path.read_text().splitlines()]
  assert [line["point"]["quality"] for line in lines] == [1, 2, 3, 4, 5]
