"""The decoder in plain NumPy reads what the learned codec writes."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.codecs import small_models
from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.bitstream import container, range_decoder
from tfpercept.codecs.learned import learned_codec, reference_decoder
from tfpercept.models.compression import entropy_coding

SIZES = ((1, 1), (1, 65), (63, 64), (64, 64), (65, 127), (150, 333))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return small_models.save_wild(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture(scope="module")
def fast(folder):
  return learned_codec.Hyperprior(model=str(folder))


@pytest.fixture(scope="module")
def decoder(folder):
  return reference_decoder.ReferenceDecoder(folder)


def opened(decoder, data):
  """The header and the strings of a file."""
  return container.unpack(
    data,
    codec=2,
    model=decoder.identity,
    symbols=lambda height, width: [1 << 20] * 3,
  )


def forged(decoder, data, *, strings=None, **changes):
  """The file with other strings or another header, and a right checksum."""
  header, kept = opened(decoder, data)
  return container.pack(dataclasses.replace(header, **changes), strings or kept)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [1, 3.0625, 8])
def test_both_decoders_see_the_same_picture(fast, decoder, size, quality):
  picture = small_models.picture(*size)
  data = fast.compress(picture, quality=quality)
  expected, found = fast.decompress(data), decoder.decompress(data)
  assert found.shape == picture.shape
  assert found.dtype == np.uint8
  # Sums in float32 in another order fall on the other side of a half here and
  # there.
  difference = np.abs(found.astype(int) - expected)
  assert difference.max() <= 1
  assert difference.mean() < 1e-3


def test_grey_is_the_rounded_mean_of_what_the_channels_would_be(fast, decoder):
  data = fast.compress(small_models.picture(40, 70, 1), quality=5)
  found = decoder.decompress(data)
  assert found.shape == (40, 70, 1)
  colour = decoder.decompress(forged(decoder, data, grey=False))
  assert colour.std(axis=-1).max() > 0
  mean = np.round(colour.mean(axis=-1, keepdims=True))
  np.testing.assert_array_equal(found, mean)
  assert np.abs(found.astype(int) - fast.decompress(data)).max() <= 1


def test_latents_are_what_was_encoded(fast, decoder):
  """Encoded again from the latents alone, the strings are the same bytes."""
  data = fast.compress(small_models.picture(150, 333), quality=6.5)
  latents = decoder.latents(data)
  _, strings = opened(decoder, data)
  assert latents.header.quality == 104
  assert len(np.unique(latents.indexes)) > 40
  kept = np.load(f"{fast.model}/coding.npz")
  channels = np.broadcast_to(np.arange(4), latents.z.shape)
  encoder = entropy_coding.Encoder(
    entropy_coding.Tables(kept["z_tables"], kept["z_offsets"])
  )
  encoder.write(channels.astype(np.int32), latents.z)
  assert encoder.finish().numpy() == strings[0]
  encoder = entropy_coding.FarEncoder(
    entropy_coding.Tables(kept["y_tables"], kept["y_offsets"]),
    kept["far_tables"],
  )
  encoder.write(latents.indexes, latents.symbols)
  assert [string.numpy() for string in encoder.finish()] == strings[1:]


def test_latents_beyond_the_tables_occur_here_on_both_sides(fast, decoder):
  data = fast.compress(small_models.picture(150, 333), quality=6.5)
  latents = decoder.latents(data)
  kept = np.load(f"{fast.model}/coding.npz")
  tables = range_decoder.tables(kept["y_tables"])
  sizes = np.array([len(table.ends) - 2 for table in tables])
  coded = latents.symbols - kept["y_offsets"][latents.indexes]
  for far in (coded < 0, coded >= sizes[latents.indexes]):
    assert 10 < far.sum() < coded.size / 2


def test_it_runs_where_there_is_no_tensorflow(folder, fast, decoder, tmp_path):
  data = fast.compress(small_models.picture(65, 127), quality=4)
  (tmp_path / "picture.tfp").write_bytes(data)
  program = """
import importlib.machinery, pathlib, sys, types
class Refuse:
  def find_spec(self, name, path=None, target=None):
    if name.split(".")[0] in ("tensorflow", "tensorflow_compression", "keras"):
      raise ImportError(name)
sys.meta_path.insert(0, Refuse())
# The package's own __init__ imports distances, which need TensorFlow.
for name in ("tfpercept", "tfpercept.codecs"):
  package = sys.modules[name] = types.ModuleType(name)
  package.__path__ = [name.replace(".", "/")]
from tfpercept.codecs.learned import reference_decoder
decoder = reference_decoder.ReferenceDecoder(sys.argv[1])
picture = decoder.decompress(pathlib.Path(sys.argv[2]).read_bytes())
sys.stdout.buffer.write(picture.tobytes())
"""
  done = subprocess.run(
    [sys.executable, "-c", program, folder, tmp_path / "picture.tfp"],
    check=True,
    capture_output=True,
  )
  assert done.stdout == decoder.decompress(data).tobytes()


def test_strips_change_nothing(fast, decoder, monkeypatch):
  data = fast.compress(small_models.picture(333, 65), quality=4)
  expected = decoder.decompress(data)
  monkeypatch.setattr(reference_decoder, "_STRIP", 1000)
  # As above: BLAS may sum a larger matrix in another order.
  found = decoder.decompress(data)
  assert np.abs(found.astype(int) - expected).max() <= 1


def test_it_computes_in_single_precision(fast, decoder, monkeypatch):
  """NumPy makes doubles of integers and singles, and takes twice the memory."""
  data = fast.compress(small_models.picture(64, 64))
  kinds, synthesis = set(), decoder._synthesis

  def watched(y_hat, level):
    x_hat = synthesis(y_hat, level)
    kinds.update((y_hat.dtype, x_hat.dtype))
    return x_hat

  monkeypatch.setattr(decoder, "_synthesis", watched)
  decoder.decompress(data)
  assert kinds == {np.dtype(np.float32)}


def test_strips_see_as_far_as_a_pixel_does(fast, decoder, monkeypatch):
  data = fast.compress(small_models.picture(333, 65), quality=4)
  expected = decoder.decompress(data)
  blocks = decoder._config["blocks"]
  monkeypatch.setattr(
    reference_decoder, "_HALO", -blocks
  )  # nothing beyond its own
  found = decoder.decompress(data)
  assert np.abs(found.astype(int) - expected).max() > 1


def test_another_models_file_is_refused_by_name(fast, decoder, tmp_path):
  other = learned_codec.Hyperprior(
    model=str(small_models.save_wild(tmp_path / "model", seed=1))
  )
  data = other.compress(small_models.picture(8, 8))
  with pytest.raises(container.WrongModel, match=other.identity.hex()):
    decoder.decompress(data)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"quality": 0}, "a quality of 0/16; the model has 1 to 8"),
    ({"quality": 15}, "a quality of 15/16"),
    ({"quality": 129}, "a quality of 129/16"),
    ({"integer": False}, "in floating point"),
    ({"height": 65535, "width": 1025}, "at most 16777216 are decoded"),
    ({"seed": 3}, "has a seed"),
    ({"tile": container.Tile(64, 0)}, "has a tile"),
  ],
)
def test_what_the_model_has_not_is_refused(fast, decoder, changes, message):
  data = fast.compress(small_models.picture(64, 64))
  with pytest.raises(CorruptStream, match=message):
    decoder.decompress(forged(decoder, data, **changes))


@pytest.mark.parametrize("side", [1, 63, 64, 65, 128, 129, 640])
@pytest.mark.parametrize("name", ["height", "width"])
def test_a_forged_size_ends_as_with_the_fast_decoder(fast, decoder, name, side):
  """In the same symbols, or refused."""
  data = fast.compress(small_models.picture(64, 64), quality=1)
  damaged = forged(decoder, data, **{name: side})
  try:
    found = decoder.latents(damaged).symbols[None]
  except CorruptStream:
    found = None
  if found is None:
    with pytest.raises(CorruptStream):
      fast.decompress(damaged)
  else:
    np.testing.assert_array_equal(fast.symbols(damaged)["y"], found)


def test_every_changed_byte_and_every_truncation_is_found(fast, decoder):
  data = fast.compress(small_models.picture(16, 16), quality=1)
  for at in range(len(data)):
    flipped = bytearray(data)
    flipped[at] ^= 0x10
    for damaged in (bytes(flipped), data[:at]):
      with pytest.raises(CorruptStream):
        decoder.decompress(damaged)


def test_strings_of_anything_give_a_picture_or_say_why(fast, decoder):
  data = fast.compress(small_models.picture(70, 70), quality=1)
  _, strings = opened(decoder, data)
  random = np.random.default_rng(0)
  refused = 0
  for i in range(40):
    noise = random.bytes(int(random.integers(1, 300)))
    changed = [*strings]
    changed[i % 3] = noise
    try:
      picture = decoder.decompress(forged(decoder, data, strings=changed))
    except CorruptStream as error:
      assert "string" in str(error) or "latent" in str(error), error  # noqa: PT017
      refused += 1
    else:
      assert picture.shape == (70, 70, 3)
  assert refused > 0


@pytest.mark.parametrize("name", ["z", "y"])
def test_a_rare_symbol_and_then_nothing_ends(fast, decoder, name):
  """Escapes of TensorFlow Compression would read zeros for ever here."""
  data = fast.compress(small_models.picture(64, 64))
  _, strings = opened(decoder, data)
  kept = np.load(f"{fast.model}/coding.npz")
  tables = range_decoder.tables(kept[f"{name}_tables"])
  first = 0 if name == "z" else decoder.latents(data).indexes.flat[0]
  rarest = tables[first].ends[-2].to_bytes(2, "big")
  strings["zy".index(name)] = rarest
  damaged = forged(decoder, data, strings=strings)
  outcomes = []
  for decompress in (decoder.decompress, fast.decompress):
    try:
      outcomes.append(decompress(damaged).shape)
    except CorruptStream:
      outcomes.append(None)
  assert outcomes[0] == outcomes[1]


def test_a_model_whose_files_are_not_its_own_is_refused(folder, tmp_path):
  shutil.copytree(folder, tmp_path / "model")
  with open(tmp_path / "model/coding.npz", "ab") as file:
    file.write(b"\0")
  with pytest.raises(ValueError, match="is not the one it was written"):
    reference_decoder.ReferenceDecoder(tmp_path / "model")
  manifest = json.loads((folder / "manifest.json").read_text())
  manifest["model"] = "srcnn"
  (tmp_path / "model/manifest.json").write_text(json.dumps(manifest))
  with pytest.raises(ValueError, match="of a srcnn"):
    reference_decoder.ReferenceDecoder(tmp_path / "model")
  with pytest.raises(ValueError, match="no whole model"):
    reference_decoder.ReferenceDecoder(tmp_path)


@pytest.mark.parametrize(
  ("architecture", "codec", "slices"),
  [
    ("factorized_prior", 1, 1),
    ("mean_scale_hyperprior", 2, 1),
    ("channel_wise_hyperprior", 3, 4),
  ],
)
def test_the_arrays_of_a_model_say_what_it_codes_with(
  tmp_path, architecture, codec, slices
):
  """Not the name of its network, which may be any."""
  picture = small_models.picture(64, 64)
  place = tmp_path / "model"
  small_models.save(place, picture, architecture=architecture)
  manifest = json.loads((place / "manifest.json").read_text())
  manifest["model"] = "network_of_tomorrow"
  (place / "manifest.json").write_text(json.dumps(manifest))
  decoder = reference_decoder.ReferenceDecoder(place)
  assert decoder._codec == codec
  assert len(decoder._slices) == slices
  assert decoder._slices[-1].stop == small_models.SMALL["latents"]
