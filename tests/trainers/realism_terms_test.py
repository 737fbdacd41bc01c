"""What the table of perceptual terms keeps, and what it finds anew."""

import dataclasses
import importlib
import json
import types

import numpy as np
import pytest

from tests.codecs import small_models
from tests.codecs.learned import small_heads
from tfpercept import weights
from tfpercept.io import files


class Codec:
  """Codes nothing; what counts is its name."""

  def __init__(self, identity=b"12345678"):
    self.identity = identity

  def compress(self, picture, *, quality):
    return picture

  def decompress(self, data):
    return data


@pytest.fixture
def program(apart_flags):
  return importlib.import_module("trainers.realism_terms")


@pytest.fixture
def job(program, tmp_path):
  picture = small_models.picture(130, 130)
  for name in ("pictures", "data"):
    files.write_image(tmp_path / name / "a.png", picture)
  return program.Job(
    out=str(tmp_path / "out"),
    pictures=str(tmp_path / "pictures"),
    data=(str(tmp_path / "data"),),
    terms=("none",),
  )


def repaint(folder):
  path = folder / "a.png"
  files.write_image(path, 255 - files.read_image(path), replace=True)


def test_weights_are_of_a_codec_a_quality_and_data(
  program, job, tmp_path, monkeypatch
):
  asked = []

  def get(spec):
    asked.append(spec)
    return lambda x, y: types.SimpleNamespace(numpy=lambda: np.float32(1))

  monkeypatch.setattr(program.distances, "get", get)
  path = tmp_path / "weights.json"

  def found(job, codec):
    before = len(asked)
    assert program._weights(job, codec, path) == {"none": 0.0}
    return len(asked) > before

  one, other = Codec(), Codec(b"87654321")
  assert found(job, one) and not found(job, one)
  assert found(job, other) and not found(job, other)
  job = dataclasses.replace(job, quality=3.0)
  assert found(job, other) and not found(job, other)
  repaint(tmp_path / "data")
  assert found(job, other) and not found(job, other)
  files.write_json(path, {"none": 0.0})  # without conditions, as it was
  assert found(job, other)


def test_judgements_are_of_a_codec_a_head_and_pictures(
  program, job, tmp_path, monkeypatch
):
  judged = []

  def judge(pictures, *_, **__):
    judged.append(pictures)
    return types.SimpleNamespace(bpp=types.SimpleNamespace(value=1.0), rows=[])

  monkeypatch.setattr(program.decoders, "judge", judge)
  monkeypatch.setattr(program.table, "to_json", lambda rows: [{}])
  monkeypatch.setattr(program.measure, "Judge", lambda specs: None)
  specs = ["mse"]
  codec = small_models.save(tmp_path / "codec", small_models.picture(64, 64))
  monkeypatch.setattr(program.learned_codec, "Hyperprior", lambda **_: Codec())
  head = tmp_path / "arm"

  def found(codec, head):
    before = len(judged)
    pictures = {"a": tmp_path / "pictures" / "a.png"}
    program._judged(job, codec, pictures, tmp_path / "kept", head, specs)
    return len(judged) > before

  one, other = Codec(), Codec(b"87654321")
  assert found(one, None) and not found(one, None)
  small_heads.save(head / "model", codec)
  assert found(one, head) and not found(one, head)
  small_heads.save(head / "model", codec, seed=1)
  assert found(one, head) and not found(one, head)
  assert found(other, head) and not found(other, head)
  specs.append("dists")
  assert found(other, head) and not found(other, head)
  specs.remove("dists")  # whose weights are out of reach now, say
  assert not found(other, head)
  repaint(tmp_path / "pictures")
  assert found(other, head) and not found(other, head)
  kept = json.loads((tmp_path / "kept" / "judged.json").read_bytes())
  assert kept["conditions"]["codec"] == other.identity.hex()


def test_dists_judges_where_its_network_is(program, monkeypatch, capsys):
  monkeypatch.setattr(program.distances, "get", lambda spec: None)
  assert program._specs()[-1] == "dists"

  def missing(spec):
    raise weights.MissingWeights("no lpips_vgg")

  monkeypatch.setattr(program.distances, "get", missing)
  assert "dists" not in program._specs()
  assert "not judged by dists: no lpips_vgg" in capsys.readouterr().err
