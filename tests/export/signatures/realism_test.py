"""An exported head makes of streams what the codec in Python makes of them."""

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model, signatures
from tests.codecs import small_models
from tests.codecs.learned import small_heads
from tests.export import served_codec as outside
from tfpercept.codecs.learned import learned_codec

STRENGTHS = (0.0, 0.4, 1.0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  place = tmp_path_factory.mktemp("realism")
  codec = small_models.save(place / "codec", outside.picture(256, 256, 3))
  return codec, small_heads.save(place / "head", codec)


@pytest.fixture(scope="module")
def exported(folders):
  return signatures.load(folders[1])


@pytest.fixture(scope="module")
def model(exported, tmp_path_factory):
  folder = tmp_path_factory.mktemp("export") / "1"
  served = exported.served()
  names = ("decompress", "decompress_realism")
  saved_model.write_graph({name: served[name] for name in names}, folder)
  return tf.saved_model.load(str(folder))


def test_the_strength_of_each_stream_is_its_own(folders, model):
  codec, head = map(str, folders)
  image = outside.picture(70, 90, 3)
  plain = learned_codec.Hyperprior(model=codec, engine="tensorflow")
  # Above the qualities that the head was trained at, its strength falls.
  for quality in (2.0, 6.0):
    stream = plain.compress(image, quality=quality)
    files, status = outside.decompressed(
      model, *[stream] * len(STRENGTHS), realism=STRENGTHS
    )
    assert status == [""] * len(STRENGTHS)
    assert files[0] == outside.decompressed(model, stream)[0][0]
    gaps = []
    for strength, file in zip(STRENGTHS, files, strict=True):
      own = learned_codec.Hyperprior(
        model=codec, engine="tensorflow", realism=strength, head=head
      )
      assert outside.close(outside.pixels(file), own.decompress(stream))
      faithful = outside.pixels(files[0]).astype(int)
      gaps.append(np.abs(outside.pixels(file) - faithful).mean())
    assert gaps[0] == 0 < gaps[1] < gaps[2]


def test_bad_strengths_and_streams_answer_for_themselves(folders, model):
  plain = learned_codec.Hyperprior(model=str(folders[0]), engine="tensorflow")
  stream = plain.compress(outside.picture(9, 9, 3))
  files, status = outside.decompressed(
    model, stream, stream, stream[:-1], stream, realism=[1, 1.5, 1, np.nan]
  )
  assert status == [
    "",
    "realism is 0 to 1; got 1.500000",
    "strings do not fill the file",
    "realism is 0 to 1; got nan",
  ]
  assert [bool(file) for file in files] == [True, False, False, False]


def test_a_head_is_exported_with_its_codec(exported, folders):
  codec = signatures.load(folders[0])
  names = set(codec.served())
  assert set(exported.served()) == names | {"decompress_realism"}
  assert set(exported.sources()) == {"head", "codec"}
  (entry,) = exported.on_device().values()
  assert entry.expected()["image"].shape == (3, 64, 64, 3)


def test_a_head_whose_codec_is_elsewhere_is_refused(folders, tmp_path):
  codec, _ = folders
  moved = codec.rename(tmp_path / "moved")
  try:
    with pytest.raises(ValueError, match="which is not here, and exports hold"):
      signatures.load(folders[1])
  finally:
    moved.rename(codec)
