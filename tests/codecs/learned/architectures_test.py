"""Codecs of all networks, whatever tells of their latents.

`learned_codec_test.py` and `reference_decoder_test.py` test the mean-scale
hyperprior.
"""

import json

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests.codecs import any_picture, forgery, small_models
from tfpercept import cli, codecs, models
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.learned import (
  coding_tables,
  hyper_synthesis,
  learned_codec,
  model_lookup,
  reference_decoder,
  tiles,
)
from tfpercept.models.compression import transform_codec
from tfpercept.tasks import quantizers

NUMBERS = {
  "factorized_prior": 1,
  "scale_hyperprior": 2,
  "channel_wise_hyperprior": 3,
  "hific": 4,
}
ONE_RATE = ("factorized_prior", "hific")
SIZES = [(1, 1), (65, 127), (128, 192)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, photograph):
  """A model of each network, by its name."""
  place = tmp_path_factory.mktemp("codecs")
  return {
    name: small_models.save(
      place / name / "model", photograph(256, 256), architecture=name
    )
    for name in NUMBERS
  }


@pytest.fixture(scope="module")
def all_codecs(folders):
  return {
    name: codecs.get(f"hyperprior(model={str(folder)!r})")
    for name, folder in folders.items()
  }


@pytest.fixture(params=NUMBERS)
def name(request):
  return request.param


@pytest.fixture
def codec(all_codecs, name):
  return all_codecs[name]


@pytest.fixture
def decoder(folders, name):
  return reference_decoder.ReferenceDecoder(folders[name])


@pytest.mark.parametrize("size", SIZES)
def test_a_file_holds_what_the_network_makes(
  folders, codec, name, photograph, size
):
  """At the middle quality, whose gain is 1, no rounding is the codec's own."""
  picture = photograph(128, 192)[: size[0], : size[1]]
  data = codec.compress(picture)
  header = container.read_header(data).header
  assert header.codec == NUMBERS[name]
  assert header.quality == (0 if name in ONE_RATE else 72)
  network, _ = models.load(folders[name])
  whole = (-(-side // network.stride) * network.stride for side in size)
  x = tiles.padded(picture, *((0, side) for side in whole)) / np.float32(255)
  middle = tf.constant([(1 + network.levels) / 2], tf.float32)
  coded = network(tf.constant(x[None]), middle, quantizers.Rounding())
  x_hat = coded.x_hat[0, : size[0], : size[1]].numpy().clip(0, 1) * 255
  # Sums of float32 in other orders fall on the other side of a half.
  assert np.abs(codec.decompress(data) - x_hat).max() < 0.51
  bits = sum(float(bits[0]) for bits in coded.bits.values())
  # Tables round probabilities to 2^-16, and escape what is improbable.
  assert codec.estimated_bits(picture) == pytest.approx(bits, rel=0.01)


def test_info_names_the_codec_and_the_model_of_a_file(
  folders, codec, name, photograph, tmp_path, capsys
):
  path = tmp_path / "a.tfp"
  path.write_bytes(codec.compress(photograph(64, 64)))
  words = ["info", str(path), f"--model={folders[name]}", "--format=json"]
  assert cli.main(words) == 0
  (found,) = json.loads(capsys.readouterr().out)
  assert container.CODEC_IDS[found["codec"]] == NUMBERS[name]
  assert found["model_name"] == str(folders[name])


@pytest.mark.parametrize("size", SIZES)
def test_the_reference_decoder_sees_the_same(codec, decoder, photograph, size):
  picture = photograph(128, 192, seed=2)[: size[0], : size[1]]
  for quality in {codec.qualities[0], codec.qualities[-1]}:
    data = codec.compress(picture, quality=quality)
    symbols, latents = codec.symbols(data), decoder.latents(data)
    np.testing.assert_array_equal(latents.symbols, symbols["y"][0])
    if "z" in symbols:
      np.testing.assert_array_equal(latents.z, symbols["z"][0])
    difference = np.abs(decoder.decompress(data) - codec.decompress(data) * 1.0)
    assert difference.max() <= 1  # as above
    assert difference.mean() < 1e-3


def test_a_file_takes_what_its_model_says_it_should(codec, photograph):
  picture = photograph(192, 256, seed=3)
  for quality in {codec.qualities[0], codec.qualities[-1]}:
    size = len(codec.compress(picture, quality=quality))
    estimated = codec.estimated_bits(picture, quality=quality) / 8
    assert estimated * 0.97 < size < estimated * 1.01 + 32


def test_strips_change_no_byte(codec, photograph, monkeypatch):
  picture = photograph(300, 130)
  whole = codec.compress(picture)
  symbols, made = codec.symbols(whole), codec.decompress(whole)
  monkeypatch.setattr(tiles, "PATCH", tiles.Patch(64 * 192, 4096))
  assert codec.compress(picture) == whole
  # Sums in another order fall on the other side of a half.
  assert np.abs(codec.decompress(whole) - made * 1.0).max() <= 1
  np.testing.assert_array_equal(codec.symbols(whole)["y"], symbols["y"])


def test_slices_tell_of_those_that_follow(all_codecs, photograph):
  """With other symbols of the first slice, others are read by other tables."""
  told_by = all_codecs["channel_wise_hyperprior"]._parameters
  z, parts = codecs.selftest.hyper_latents(8)[:, :2, :3], []
  for value in (0, 3, 15, 200):
    parts.append([])
    told = told_by.parts((8, 12), z, 72)
    for part in told:
      parts[-1].append(part)
      told.tell(np.full(part.index.shape, value, np.int32))
  for first, *others in zip(*parts[:3], strict=True):
    same = [np.array_equal(first.index, other.index) for other in others]
    assert all(same) == (first.channels.start == 0)
  for near, far in zip(*parts[2:], strict=True):  # beyond the limit
    np.testing.assert_array_equal(near.index, far.index)
    np.testing.assert_array_equal(near.mean, far.mean)


def test_each_file_finds_its_model_and_no_other(
  folders, all_codecs, photograph
):
  known = model_lookup.KnownModels(folders.values())
  picture = photograph(20, 30)
  for name, codec in all_codecs.items():
    data = codec.compress(picture)
    header = container.read_header(data).header
    assert known.name(header) == str(folders[name])
    for other, another in all_codecs.items():
      if other != name:
        with pytest.raises(container.WrongModel, match=codec.identity.hex()):
          another.decompress(data)


def test_what_the_model_has_not_is_refused(name, codec, decoder, photograph):
  data = codec.compress(photograph(64, 64))
  changes = [({"seed": 3}, "has a seed"), ({"quality": 15}, "a quality of ")]
  if name in ONE_RATE:
    changes.append(({"quality": 16}, "one rate"))
  else:
    changes.append(({"quality": 0}, "1 to 8"))
  if name == "factorized_prior":
    changes.append(({"integer": True}, "the model"))
  else:
    changes.append(({"integer": False}, "floating"))
  for change, message in changes:
    forged = forgery.rewritten(data, codec, **change)
    for decompress in (codec.decompress, decoder.decompress):
      with pytest.raises(codecs.CorruptStream, match=message):
        decompress(forged)


def test_strings_of_anything_are_read_alike_or_refused(
  codec, decoder, photograph
):
  data = codec.compress(photograph(70, 70))
  _, strings = forgery.opened(data, codec)
  random = np.random.default_rng(0)
  outcomes = []
  for i in range(12):
    changed = [*strings]
    at = i % len(strings)
    changed[at] = random.bytes(int(random.integers(1, 99))) + strings[at][-20:]
    forged = forgery.rewritten(data, codec, strings=changed)
    outcomes.append([])
    for read in (codec.symbols, decoder.latents):
      try:
        read(forged)
      except codecs.CorruptStream:
        outcomes[-1].append("refused")
      else:
        outcomes[-1].append("read")
  assert all(len(set(pair)) == 1 for pair in outcomes)
  assert ["refused", "refused"] in outcomes


def test_a_changed_byte_and_a_missing_one_are_found(codec, photograph):
  data = codec.compress(photograph(16, 16))
  for at in range(0, len(data), 7):
    flipped = bytearray(data)
    flipped[at] ^= 0x10
    for damaged in (bytes(flipped), data[:at]):
      with pytest.raises(codecs.CorruptStream):
        codec.decompress(damaged)


@pytest.mark.parametrize(
  ("name", "array", "change", "message"),
  [
    ("channel_wise_hyperprior", "context1_hidden_bias",
     forgery.replaced(0, 2**24), "a sum of context1_hidden might reach"),
    ("channel_wise_hyperprior", "context3_means_shift",
     forgery.replaced(0, -1), "context3_means is shifted by -1"),
    ("channel_wise_hyperprior", "context2_indexes_kernel",
     lambda a: a[..., :-1], "context2_indexes_kernel is int8"),
    ("scale_hyperprior", "hyper_1_bias",
     forgery.replaced(0, 2**24), "a sum of hyper_1 might reach"),
    ("factorized_prior", "y_offsets", lambda a: a[:-1], "y_offsets is int32"),
    ("factorized_prior", "y_tables", lambda a: a[:-1], "no table of freq"),
  ],
)  # fmt: skip
def test_arrays_that_do_not_code_are_refused(
  folders, tmp_path, name, array, change, message
):
  copy = forgery.model(folders[name], tmp_path / "copy", array, change)
  with pytest.raises(ValueError, match=f"coding.npz is not what .*{message}"):
    coding_tables.load(copy, models.read_manifest(copy))


def test_a_context_that_computes_otherwise_is_found_out(folders, monkeypatch):
  exact = hyper_synthesis.Context.__call__

  def wrong(self, symbols):
    indexes, means = exact(self, symbols)
    is_large = np.abs(symbols).max() >= 15
    return indexes, means + np.float32(2.0**-6 * is_large)

  monkeypatch.setattr(hyper_synthesis.Context, "__call__", wrong)
  with pytest.raises(codecs.selftest.WrongArithmetic, match="float32"):
    learned_codec.Hyperprior(model=str(folders["channel_wise_hyperprior"]))


def test_effort_is_for_symbols_that_tell_of_no_others(
  folders, all_codecs, photograph
):
  folder = str(folders["channel_wise_hyperprior"])
  with pytest.raises(ValueError, match="a channel_wise_hyperprior"):
    learned_codec.Hyperprior(model=folder, effort=1)
  folder = str(folders["scale_hyperprior"])
  codec = learned_codec.Hyperprior(model=folder, check=False, effort=1)
  plain, picture = all_codecs["scale_hyperprior"], photograph(64, 64)
  data = codec.compress(picture)
  assert data != plain.compress(picture)
  np.testing.assert_array_equal(plain.decompress(data), codec.decompress(data))


def test_transforms_that_numpy_has_not_are_named(folders, all_codecs):
  folder = str(folders["hific"])
  with pytest.raises(ValueError, match="engine 'auto' or 'tensorflow'"):
    learned_codec.Hyperprior(model=folder, engine="numpy")
  assert all_codecs["hific"]._engine.halo == 9  # three blocks


def test_weights_kept_in_half_precision_are_those_that_code(
  tmp_path, photograph
):
  place = small_models.save(
    tmp_path / "m", photograph(64, 64), architecture="channel_wise_hyperprior",
    dtype="float16",
  )  # fmt: skip
  codec = learned_codec.Hyperprior(model=str(place), check=False)
  picture = photograph(40, 50)
  assert codec.decompress(codec.compress(picture)).shape == picture.shape


@pytest.mark.parametrize("architecture", NUMBERS)
@any_picture.tried(8)
@hypothesis.given(picture=any_picture.PICTURES, place=st.floats(0, 1))
def test_any_picture_is_stored(all_codecs, architecture, picture, place):
  codec = all_codecs[architecture]
  last = len(codec.qualities) - 1
  any_picture.check(codec, picture, codec.qualities[round(place * last)])


def test_all_networks_that_code_are_tried():
  assert {*NUMBERS, "mean_scale_hyperprior"} == set(transform_codec.names())
