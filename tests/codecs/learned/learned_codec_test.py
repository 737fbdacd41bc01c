"""The learned codec gives back what it was given, whatever the picture."""

import contextlib
import json
import shutil

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests.codecs import any_picture, forgery, small_models
from tfpercept import codecs, models
from tfpercept.codecs.bitstream import container, escape_symbols, range_coder
from tfpercept.codecs.learned import (
  coding_tables,
  learned_codec,
  model_writer,
  reference_decoder,
  tiles,
)
from tfpercept.evaluation.core import peak_memory

# Those of the small sizes that the network has; others are HiFiC's.
SMALL = {
  name: small_models.SMALL[name]
  for name in models.MODELS.options("mean_scale_hyperprior")
  if name in small_models.SMALL
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph):
  place = tmp_path_factory.mktemp("codec") / "model"
  return small_models.save(place, photograph(256, 256))


@pytest.fixture(scope="module")
def codec(folder):
  return codecs.get(f"hyperprior(model={str(folder)!r})")


def test_learned_is_another_name_of_the_codec(folder, codec):
  named = codecs.get(f"learned(model={str(folder)!r}, check=False)")
  assert isinstance(named, learned_codec.Hyperprior)
  assert named.spec == f"hyperprior(model={str(folder)!r}, check=False)"
  assert named.identity == codec.identity
  assert "learned" not in codecs.names()


@pytest.mark.parametrize(
  "size", [(1, 1), (1, 65), (63, 64), (64, 64), (65, 127), (130, 40)]
)
def test_a_file_decodes_to_what_was_encoded(
  codec, photograph, size, monkeypatch
):
  height, width = size
  picture = photograph(130, 130)[:height, :width]
  written = {range_coder.RangeEncoder: [], escape_symbols.FarEncoder: []}

  def recording(encoder):
    write = encoder.write

    def recorded(self, table, symbols):
      written[encoder].append(np.array(symbols))
      write(self, table, symbols)

    monkeypatch.setattr(encoder, "write", recorded)

  for encoder in written:
    recording(encoder)
  for quality in (1, 4.5, 8):
    for parts in written.values():
      parts.clear()
    data = codec.compress(picture, quality=quality)
    again = codec.decompress(data)
    assert again.shape == picture.shape
    assert again.dtype == np.uint8
    found = codec.symbols(data)
    # The first that is written are hyper-latents, by places in their tables.
    np.testing.assert_array_equal(
      found["z"] + 127, written[range_coder.RangeEncoder][0]
    )
    np.testing.assert_array_equal(
      found["y"], *written[escape_symbols.FarEncoder]
    )


def test_a_file_takes_what_its_model_says_it_should(codec, photograph):
  picture = photograph(256, 320)
  for quality in (1, 3, 5, 8):
    size = len(codec.compress(picture, quality=quality))
    estimated = codec.estimated_bits(picture, quality=quality) / 8
    assert estimated * 0.97 < size < estimated * 1.01 + 32


def test_more_quality_is_a_larger_file_and_a_better_picture(codec, photograph):
  picture = photograph(128, 128, seed=5)
  sizes, errors = [], []
  for quality in (1, 2, 3.5, 5, 8):
    data = codec.compress(picture, quality=quality)
    sizes.append(len(data))
    error = codec.decompress(data).astype(float) - picture
    errors.append(np.mean(error**2))
  assert sizes == sorted(sizes)
  assert errors == sorted(errors, reverse=True)


def test_strips_change_no_byte_and_no_pixel(codec, photograph, monkeypatch):
  picture = photograph(300, 200)
  whole = codec.compress(picture, quality=4)
  pixels = codec.decompress(whole)
  monkeypatch.setattr(tiles, "PATCH", tiles.Patch(64 * 256, 4096))
  assert tiles.heights(320, 256) == 64
  assert codec.compress(picture, quality=4) == whole
  # Another size of a convolution may be summed in another order.
  difference = np.abs(codec.decompress(whole).astype(int) - pixels)
  assert difference.max() <= 1
  assert np.mean(difference > 0) < 1e-3


def test_patches_change_no_byte_and_no_pixel(codec, photograph, monkeypatch):
  picture = photograph(140, 300)
  whole = codec.compress(picture, quality=4)
  pixels, shapes = codec.decompress(whole), []
  monkeypatch.setattr(tiles, "PATCH", tiles.Patch(64 * 64, 64))

  def watched(transform):
    def watching(x, quality):
      shapes.append(tuple(x.shape[1:3]))
      return transform(x, quality)

    return watching

  engine = codec._engine
  for name in ("analysis", "synthesis"):
    monkeypatch.setattr(engine, name, watched(getattr(engine, name)))
  assert codec.compress(picture, quality=4) == whole
  difference = np.abs(codec.decompress(whole).astype(int) - pixels)
  assert difference.max() <= 1  # as above
  assert np.mean(difference > 0) < 1e-3
  halo = engine.halo
  assert max(shapes) == (64 + 2 * 16 * halo, 64 + 2 * 16 * halo)
  assert len(shapes) == 2 * 3 * 5


def test_large_pictures_take_the_memory_of_a_part(codec, photograph):
  """As on a larger scale `python -m tests.codecs.memory` shows."""
  picture = np.tile(photograph(256, 256), (16, 16, 1))  # 16.8 megapixels
  with peak_memory.watch() as peak:
    held = peak_memory.held()
    data = codec.compress(picture, quality=4)
    assert codec.decompress(data).shape == picture.shape
  # 50 MB of a picture again and 7 MB of latents. The first layer alone would
  # take 270 MB of the whole picture, several times, beside 200 MB of pixels.
  assert peak.bytes - held < 450e6


def test_a_forged_size_takes_the_memory_of_a_part(codec, photograph):
  data = codec.compress(photograph(64, 64))
  forged = forgery.rewritten(data, codec, height=65535, width=256)
  with peak_memory.watch() as peak:
    held = peak_memory.held()
    # What is read past its end is zeros, which may tell something.
    with contextlib.suppress(codecs.CorruptStream):
      codec.decompress(forged)
  assert peak.bytes - held < 450e6  # as above


def test_more_pixels_than_are_allowed_are_refused(folder, codec, photograph):
  small = learned_codec.Hyperprior(model=str(folder), max_pixels=4095)
  assert "max_pixels=4095" in small.spec
  picture = photograph(64, 64)
  with pytest.raises(
    ValueError, match=r"4095 pixels \(max_pixels\); got 64x64"
  ):
    small.compress(picture)
  data = codec.compress(picture)
  with pytest.raises(codecs.CorruptStream, match=r"64x64 .* \(max_pixels\)"):
    small.decompress(data)
  for wrong in (0, 2**27 + 1):
    with pytest.raises(ValueError, match="max_pixels is 1 to 134217728"):
      learned_codec.Hyperprior(model=str(folder), max_pixels=wrong)


def test_grey_stays_grey(codec, photograph):
  grey = photograph(64, 80)[..., :1]
  data = codec.compress(grey)
  assert container.read_header(data).header.grey
  again = codec.decompress(data)
  assert again.shape == grey.shape
  colour = codec.decompress(codec.compress(np.repeat(grey, 3, axis=-1)))
  mean = (colour.sum(-1, dtype=int, keepdims=True) + 1) // 3
  np.testing.assert_array_equal(again, mean)


def test_weights_kept_in_half_precision_are_those_that_code(
  tmp_path, photograph
):
  place = small_models.save(
    tmp_path / "m", photograph(256, 256), dtype="float16"
  )
  codec = learned_codec.Hyperprior(model=str(place))
  picture = photograph(100, 100)
  data = codec.compress(picture, quality=6)
  assert np.mean((codec.decompress(data) - picture.astype(float)) ** 2) < 1000
  for weight in models.load(place)[0].get_weights():
    np.testing.assert_array_equal(weight, weight.astype(np.float16))


def test_a_file_of_another_model_is_told_apart(codec, tmp_path, photograph):
  place = small_models.save(tmp_path / "other", photograph(128, 128, seed=9))
  data = learned_codec.Hyperprior(model=str(place)).compress(photograph(64, 64))
  with pytest.raises(container.WrongModel, match=codec.identity.hex()):
    codec.decompress(data)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"quality": 15}, "the model has 1 to 8"),
    ({"quality": 129}, "the model has 1 to 8"),
    ({"integer": False}, "floating point"),
    ({"seed": 3}, "seed"),
    ({"tile": container.Tile(64, 16)}, "tile"),
    ({"height": 640}, ""),
    ({"width": 1}, ""),
  ],
)
def test_a_header_that_does_not_fit_is_refused_or_decodes(
  codec, photograph, changes, message
):
  data = codec.compress(photograph(64, 64))
  changed = forgery.rewritten(data, codec, **changes)
  if message:
    with pytest.raises(codecs.CorruptStream, match=message):
      codec.decompress(changed)
    return
  # What is read past its end is zeros, which may tell something.
  with contextlib.suppress(codecs.CorruptStream):
    assert codec.decompress(changed).dtype == np.uint8


@pytest.mark.parametrize("quality", [0.9, 8.1, float("nan")])
def test_qualities_out_of_range_are_refused(codec, photograph, quality):
  with pytest.raises(ValueError, match="qualities from 1 to 8"):
    codec.compress(photograph(8, 8), quality=quality)


@pytest.mark.parametrize(
  ("picture", "message"),
  [
    (np.zeros((4, 4, 4), np.uint8), "no transparency"),
    (np.zeros((4, 4, 3), np.uint16), "16-bit"),
    (np.zeros((4, 4), np.uint8), r"\[H, W, 3\]"),
    (np.zeros((1, 65536, 3), np.uint8), "1 to 65535 pixels on a side"),
    # What no decoder would read; nothing of it is in memory.
    (np.broadcast_to(np.uint8(0), (12000, 12000, 3)), "at most 134217728"),
  ],
)
def test_pictures_that_are_not_coded_are_named(codec, picture, message):
  with pytest.raises(ValueError, match=message):
    codec.compress(picture)


def test_a_damaged_folder_is_named(folder, tmp_path):
  for name in ("coding.npz", "weights.npz"):
    copy = tmp_path / name.removesuffix(".npz")
    shutil.copytree(folder, copy)
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ValueError, match=f"{name} is missing or is not what"):
      learned_codec.Hyperprior(model=str(copy))


def test_another_network_is_no_codec(tmp_path):
  network = models.SRCNN()
  network.build()
  models.save(network, tmp_path / "srcnn")
  with pytest.raises(ValueError, match="holds a srcnn"):
    learned_codec.Hyperprior(model=str(tmp_path / "srcnn"))


@pytest.mark.parametrize(
  ("name", "change", "message"),
  [
    ("y_tables", lambda a: a[:-1], "no table of frequencies"),
    ("y_tables", lambda a: np.delete(a, 5), "no table"),
    ("y_tables", forgery.replaced(0, -16), "no table of frequencies"),
    ("z_tables", forgery.replaced(5, 0), "no table of frequencies"),
    ("z_tables", lambda a: a[: len(a) // 2], "no table"),
    ("z_tables", lambda a: a.astype(np.int64), "no tables of frequencies"),
    ("far_tables", lambda a: np.delete(a, 5), "no table"),
    ("far_tables", lambda a: a[258:], "no tables of frequencies"),
    ("far_tables", lambda a: np.tile(a[:258], 2), "no tables of frequencies"),
    ("far_tables", forgery.replaced(5, 10**6), "no table of frequencies"),
    ("y_offsets", forgery.replaced(3, 1 << 16), "y_offsets are beyond 32768"),
    ("y_offsets", lambda a: a[:-1], r"y_offsets is int32 \(64,\); got int32"),
    ("index_offsets", lambda a: a.astype(float), "index_offsets is int16"),
    ("hyper_0_shift", forgery.replaced(0, -1), "hyper_0 is shifted by -1"),
    ("means_shift", forgery.replaced(0, 24), "means is shifted by"),
    (
      "indexes_bias",
      forgery.replaced(0, 2**24),
      "a sum of indexes might reach",
    ),
    ("hyper_1_kernel", lambda a: a[..., :-1], "hyper_1_kernel is int8"),
    ("log_gain", forgery.replaced(0, np.nan), "finite"),
    ("deviation", forgery.replaced(0, 0), "these above 0"),
  ],
)
def test_arrays_that_do_not_code_are_refused(
  folder, tmp_path, name, change, message
):
  copy = forgery.model(folder, tmp_path / "copy", name, change)
  with pytest.raises(ValueError, match=f"coding.npz is not what .*{message}"):
    coding_tables.load(copy, models.read_manifest(copy))


def test_numbers_beyond_the_tables_are_read_by_the_model_s_own(
  folder, tmp_path, photograph
):
  """Another model may keep others than those of today."""

  def even(tables):
    high = np.arange(0, 2**16 + 1, 2**8)
    return np.concatenate([[16], high, tables[258:]]).astype(np.int32)

  copy = forgery.model(folder, tmp_path / "copy", "far_tables", even)
  codec = learned_codec.Hyperprior(model=copy, check=False)
  # Against the edge of what a table has: a black picture with a white spot.
  picture = np.zeros((64, 64, 3), np.uint8)
  picture[20:23, 30:33] = 255
  data = codec.compress(picture, quality=8)
  before = learned_codec.Hyperprior(model=str(folder)).compress(
    picture, quality=8
  )
  _, (*near, far) = forgery.opened(data, codec)
  _, (*others, other) = forgery.opened(
    before, learned_codec.Hyperprior(model=str(folder))
  )
  assert near == others
  assert far != other
  found = reference_decoder.ReferenceDecoder(copy).latents(data)
  np.testing.assert_array_equal(codec.symbols(data)["y"][0], found.symbols)


def test_a_network_of_more_levels_than_files_can_say_is_refused(
  folder, tmp_path
):
  network = models.MeanScaleHyperprior(**SMALL, levels=16)
  network.build()
  with pytest.raises(ValueError, match="up to 15; the network has 16"):
    model_writer.save(network, tmp_path / "m")
  copy = forgery.model(
    folder, tmp_path / "copy", "log_gain", lambda a: np.tile(a, (2, 1))
  )
  with pytest.raises(ValueError, match="up to 15; the network has 16"):
    coding_tables.load(copy, models.read_manifest(copy))


def test_a_network_of_one_level_codes(tmp_path, photograph):
  network = models.MeanScaleHyperprior(**SMALL, levels=1)
  network.build()
  model_writer.save(network, tmp_path / "m")
  codec = learned_codec.Hyperprior(model=str(tmp_path / "m"))
  data = codec.compress(photograph(64, 64))
  found = reference_decoder.ReferenceDecoder(tmp_path / "m").latents(data)
  np.testing.assert_array_equal(codec.symbols(data)["y"][0], found.symbols)


@pytest.mark.parametrize(
  ("lmbda", "qualities"),
  [((0.01, 0.04), (1.0, 2.0, 3.0)), ((0.01, 0.05), (1.0, 1.5, 2.0, 2.5, 3.0))],
)
def test_curves_have_points_where_lambda_has_doubled_at_most(
  tmp_path, lmbda, qualities
):
  options = {**SMALL, "levels": 3, "lmbda": lmbda}
  network = models.MeanScaleHyperprior(**options)
  network.build()
  model_writer.save(network, tmp_path / "m")
  codec = learned_codec.Hyperprior(model=str(tmp_path / "m"))
  assert codec.qualities == qualities


@pytest.mark.parametrize(
  "lmbda",
  [
    [0, 1],
    [-1, 1],
    ["a", "b"],
    ["1", "2"],
    [1],
    [1, 2, 3],
    None,
    [2, 1],
    [1, 10**400],
    [1, 1e999],
    [1, True],
  ],
)
def test_a_forged_range_of_lambda_is_damage(folder, tmp_path, lmbda):
  shutil.copytree(folder, tmp_path / "m")
  path = tmp_path / "m" / "manifest.json"
  manifest = json.loads(path.read_text())
  manifest["config"]["lmbda"] = lmbda
  path.write_text(json.dumps(manifest))
  with pytest.raises(ValueError, match="m is damaged: lmbda"):
    learned_codec.Hyperprior(model=str(tmp_path / "m"))


def test_a_generator_is_sent_to_the_codec_that_takes_it():
  with pytest.raises(
    ValueError, match=r"generator; .*inversion\(model='emoji'"
  ):
    learned_codec.Hyperprior(model="emoji")


@any_picture.tried(8)
@hypothesis.given(picture=any_picture.PICTURES, place=st.floats(0, 1))
def test_any_picture_is_stored_at_every_quality(codec, picture, place):
  last = len(codec.qualities) - 1
  any_picture.check(codec, picture, codec.qualities[round(place * last)])
