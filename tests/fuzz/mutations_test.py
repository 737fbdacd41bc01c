"""Damaged files are refused with a reason or are pictures, and nothing else."""

import random

import pytest

from tests.codecs import small_models
from tests.fuzz import mutations, subjects
from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import container

FILES = 400


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
  folder = small_models.save_wild(tmp_path_factory.mktemp("fuzz") / "model")
  return subjects.learned(str(folder))


def test_all_decoders_of_the_learned_codec_withstand_damage(learned):
  counts = [mutations.run(subject, FILES) for subject in learned]
  # They refuse the same files.
  assert all(count == counts[0] for count in counts)
  assert counts[0]["sealed"] == FILES / 2
  assert FILES / 4 < counts[0]["decoded"] < FILES / 2
  assert counts[0]["picture"] > 0
  assert counts[0]["bad checksum"] > FILES / 4


def test_the_decoder_of_lossless_streams_withstands_damage():
  counts = mutations.run(subjects.lossless(), FILES)
  assert counts["sealed"] >= FILES / 2
  assert counts["decoded"] > FILES / 4
  assert counts["picture"] > 0
  assert counts["refused"] > FILES / 4
  assert counts["bad checksum"] > FILES / 4


def test_the_decoder_of_latents_withstands_damage(tmp_path):
  subject = subjects.inversion(tmp_path)
  counts = mutations.run(subject, FILES)
  assert counts["sealed"] >= FILES / 2
  assert counts["decoded"] > FILES / 4
  assert counts["picture"] > 0
  assert counts["refused"] > FILES / 8
  assert counts["bad checksum"] > FILES / 8
  for data in subject.seeds:
    for end in range(len(data)):
      assert subjects.outcome(subject, data[:end]) != "picture"


@pytest.mark.parametrize("spec", ["jpeg", "webp", "png", "jpeg2000"])
def test_classical_codecs_withstand_damage(spec):
  counts = mutations.run(subjects.of_spec(spec), FILES)
  assert counts["picture"] + counts["refused"] == FILES
  assert counts["refused"] > FILES / 10


def test_a_file_is_a_function_of_its_number(learned):
  fast, *_ = learned
  again = [mutations.numbered(fast, number, 1) for number in range(50)]
  assert again == [mutations.numbered(fast, number, 1) for number in range(50)]
  assert len(set(again)) > 45
  assert again[0] != mutations.numbered(fast, 0, 2)


def test_a_repacked_file_is_whole(learned):
  fast, *_ = learned
  for number in range(20):
    data = mutations.repacked(fast.seeds[0], random.Random(number))
    assert container.read_header(data).damage == ""
    assert mutations.resealed(data, fast.model) == data


def failing(error):
  def decompress(data):
    raise error

  return decompress


@pytest.mark.parametrize(
  "decompress",
  [
    failing(MemoryError()),
    failing(ValueError("of the caller")),
    failing(CorruptStream("")),
    lambda data: None,
    lambda data: __import__("numpy").zeros((0, 1, 3), "uint8"),
  ],
)
def test_whatever_else_a_decoder_does_is_found(decompress):
  subject = subjects.Subject("bad", decompress, [bytes(50)])
  with pytest.raises(AssertionError, match="bad, file 3 of seed 1: "):
    mutations.run(subject, 1, first=3)


def test_a_wrong_checksum_that_is_read_is_found(learned):
  fast, *_ = learned
  picture = small_models.picture(8, 8)
  subject = subjects.Subject(
    "lax", lambda data: picture, fast.seeds, b"8 bytes!"
  )
  with pytest.raises(AssertionError, match="wrong checksum"):
    mutations.run(subject, 2)
