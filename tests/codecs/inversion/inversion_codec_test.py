"""The codec of a generator's latent, from pictures to files and back."""

import dataclasses

import numpy as np
import pytest

from tests.codecs import small_generators
from tfpercept import codecs
from tfpercept.cli import main
from tfpercept.codecs import targets
from tfpercept.codecs.bitstream import container
from tfpercept.codecs.inversion import inversion_codec
from tfpercept.codecs.learned import model_lookup
from tfpercept.io import files


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  place = tmp_path_factory.mktemp("generators")
  made = {
    name: small_generators.save(name, place / name)
    for name in ("pca", "klt_generator", "dcgan")
  }
  made["grey"] = small_generators.save("pca", place / "grey", channels=1)
  return made


@pytest.fixture(scope="module")
def pca(folders):
  return inversion_codec.Inversion(model=str(folders["pca"]))


PICTURE = small_generators.pictures(3, seed=5)[2]


def test_a_picture_of_the_generators_range_comes_back(pca):
  inside = pca.decompress(pca.compress(PICTURE, quality=3))
  again = pca.decompress(pca.compress(inside, quality=3))
  assert again.shape == PICTURE.shape
  # Rounding to 8 bits and clipping move a few pixels.
  assert np.abs(again.astype(int) - inside).mean() < 1


def test_the_header_has_18_bytes_at_the_generators_size(pca):
  data = pca.compress(PICTURE, quality=2)
  found = container.read_header(data)
  assert found.header.is_short
  assert len(data) - sum(found.lengths) == 18
  assert len(found.lengths) == 1


def test_the_rate_is_the_estimate_and_rises_with_quality(pca):
  sizes = []
  for quality in (1, 2, 2.5, 3):
    data = pca.compress(PICTURE, quality=quality)
    sizes.append(len(data))
    bits = pca.estimated_bits(PICTURE, quality=quality)
    assert 18 + bits / 8 - 1 < len(data) < 18 + bits / 8 + 3
  assert sizes == sorted(sizes)


@pytest.mark.parametrize("size", [(1, 1), (7, 65), (32, 33), (100, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_any_size_are_stored(pca, size, channels):
  picture = np.full((*size, channels), 90, np.uint8)
  data = pca.compress(picture)
  again = pca.decompress(data)
  assert again.shape == picture.shape
  assert pca.picture_size(data) == size
  assert np.abs(again.astype(int) - picture).mean() < 30


def test_many_pictures_at_once_give_the_files_of_each(pca):
  many = list(small_generators.pictures(3, seed=7))
  assert pca.compress_all(many, quality=2) == [
    pca.compress(one, quality=2) for one in many
  ]


def test_the_refined_generator_starts_with_the_symbols_of_pca(folders, pca):
  refined = inversion_codec.Inversion(model=str(folders["klt_generator"]))
  one, other = (c.compress(PICTURE, quality=2) for c in (pca, refined))
  assert len(one) == len(other)
  np.testing.assert_array_equal(pca.symbols(one), refined.symbols(other))
  np.testing.assert_array_equal(pca.decompress(one), refined.decompress(other))


def test_grey_pictures_have_a_model_of_their_own(folders):
  grey = inversion_codec.Inversion(model=str(folders["grey"]))
  picture = small_generators.pictures(1, 1, seed=3)[0]
  again = grey.decompress(grey.compress(picture, quality=3))
  assert again.shape == (32, 32, 1)
  assert np.abs(again.astype(int) - picture).mean() < 12
  with pytest.raises(ValueError, match="grey pictures; got one of color"):
    grey.compress(PICTURE)


def test_a_search_comes_nearer_than_its_start(folders):
  near = inversion_codec.Inversion(
    model=str(folders["dcgan"]), steps=30, restarts=2, objective="mse"
  )
  z = np.float32([[1.2, -0.4, 0.3, 0.9, -1.5, 0.2]])
  picture = np.round(255 * near._engine.decode(z, 0.25)[0]).astype(np.uint8)
  told = []
  near.progress = lambda step, steps, value: told.append((step, steps, value))
  found = near.trajectory(picture, at=(1, 30), quality=3)
  assert [step for step, *_ in told] == list(range(1, 31))
  assert told[-1][2] == found.values[-1] <= found.values[0]
  assert sorted(found.pictures) == [1, 30]
  data = near.compress(picture, quality=3)
  error = np.square(near.decompress(data) / 255.0 - picture / 255.0).mean()
  start = np.square(found.pictures[1] - picture / 255.0).mean()
  assert error <= start
  assert near.compress(picture, quality=3) == data


def test_a_search_ends_at_its_target_and_at_its_time(folders):
  told = []
  for options in ({"target": 10.0}, {"seconds": 1e-6}):
    codec = inversion_codec.Inversion(
      model=str(folders["dcgan"]), steps=50, restarts=1, objective="mse",
      **options,
    )  # fmt: skip
    codec.progress = lambda step, steps, value: told.append(step)
    codec.compress(PICTURE)
  assert told == [1, 1]


@pytest.fixture(scope="module")
def layered(folders):
  return inversion_codec.Inversion(model=str(folders["pca"]), residual=24)


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (33, 50)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_residual_keeps_what_the_generator_can_not_make(
  pca, layered, size, channels
):
  random = np.random.default_rng(0)
  picture = random.integers(0, 256, (*size, channels), np.uint8)
  data = layered.compress(picture)
  again = layered.decompress(data)
  assert again.shape == picture.shape
  # The error of rounding to steps of about 24, with a dead zone.
  assert np.square(again - picture.astype(float)).mean() < 24**2 / 8
  # Whoever asks for no residual layer reads it all the same.
  np.testing.assert_array_equal(pca.decompress(data), again)
  np.testing.assert_array_equal(pca.symbols(data), layered.symbols(data))


def test_a_residual_is_a_second_string_of_the_same_latents(pca, layered):
  plain, data = pca.compress(PICTURE), layered.compress(PICTURE)
  read = container.read_header(data)
  header, lengths = read.header, read.lengths
  assert not header.is_short
  assert lengths[0] == container.read_header(plain).lengths[0]
  extra = len(data) - sum(lengths) - 18
  assert 7 <= extra <= 10  # 4 of the model, 2 of the checksum, and lengths
  errors = [
    np.square(pca.decompress(one) - PICTURE.astype(float)).mean()
    for one in (plain, data)
  ]
  assert errors[1] < errors[0]
  bits = layered.estimated_bits(PICTURE)
  assert abs(8 * (len(data) - 18 - extra) - bits) < 24


def test_forms_of_the_header_do_not_mix(pca, layered):
  data = layered.compress(PICTURE)
  header, _, (rest,) = layered._unpack(data)
  first = layered._coding.write(
    layered.symbols(data).ravel(), layered._level(header.quality)
  )
  short = dataclasses.replace(header, model=header.model[:4])
  for forged in (
    container.pack(short, [first, rest]), container.pack(header, [first])
  ):  # fmt: skip
    with pytest.raises(codecs.CorruptStream, match="the short form, and with"):
      pca.decompress(forged)
  assert container.read_header(pca.compress(PICTURE)).header.is_short


def test_targets_are_refused_beside_a_residual(layered):
  for search, target in (
    (targets.at_most_bytes, 500), (targets.at_most_bpp, 4.0),
    (targets.at_least_psnr, 30.0),
  ):  # fmt: skip
    with pytest.raises(ValueError, match="need not grow with its quality"):
      search(layered, PICTURE, target)


def test_a_generator_that_is_broken_is_told_when_it_compresses(
  layered, monkeypatch
):
  def nothing(z, step):
    return np.full((len(z), 32, 32, 3), np.nan, np.float32)

  monkeypatch.setattr(layered._engine, "decode", nothing)
  with pytest.raises(ValueError, match="a picture that is not finite"):
    layered.compress(PICTURE)


def test_grey_files_of_grey_models_have_residuals(folders):
  model = str(folders["grey"])
  codec = inversion_codec.Inversion(model=model, residual=8)
  picture = np.random.default_rng(0).integers(0, 256, (40, 33, 1), np.uint8)
  again = codec.decompress(codec.compress(picture))
  assert np.abs(again.astype(int) - picture).max() <= 16


def test_a_damaged_residual_is_refused(layered):
  data = layered.compress(PICTURE)
  for place in range(len(data)):
    damaged = bytearray(data)
    damaged[place] ^= 1 << place % 8
    with pytest.raises(codecs.CorruptStream):
      layered.decompress(bytes(damaged))
  for length in range(0, len(data), 3):
    with pytest.raises(codecs.CorruptStream):
      layered.decompress(data[:length])


def test_damage_behind_a_right_checksum_is_refused_or_makes_a_picture(layered):
  """Whoever forges a file may change any string; nothing worse comes of it."""
  header = container.read_header(layered.compress(PICTURE)).header
  random = np.random.default_rng(2)
  latents = layered.symbols(layered.compress(PICTURE)).ravel()
  first = layered._coding.write(latents, layered._level(header.quality))
  refused = 0
  for size in range(1, 60):
    forged = container.pack(header, [first, random.bytes(size)])
    try:
      assert layered.decompress(forged).shape == PICTURE.shape
    except codecs.CorruptStream:
      refused += 1
  assert refused > 40
  with pytest.raises(codecs.CorruptStream, match="3 strings; the codec has 1"):
    layered.decompress(container.pack(header, [first, b"\0", b"\0"]))


def test_options_out_of_range_are_refused(folders, pca):
  model = str(folders["pca"])
  for options, why in (
    ({"steps": -1}, "0 or more steps"),
    ({"seconds": 0}, "seconds are above 0"),
    ({"objective": "ms_ssim"}, "ms_ssim needs images"),
    ({"max_pixels": 0}, "max_pixels is 1 to"),
    ({"residual": 4}, "a residual has steps from 8 to 256"),
  ):
    with pytest.raises(ValueError, match=why):
      inversion_codec.Inversion(model=model, **options)
  with pytest.raises(ValueError, match="qualities from 1 to 3"):
    pca.compress(PICTURE, quality=3.5)
  with pytest.raises(ValueError, match="no generator"):
    inversion_codec.Inversion(model="photo_mse")
  with pytest.raises(ValueError, match="model"):
    codecs.get("inversion")


def test_another_models_file_is_refused(folders, pca):
  other = inversion_codec.Inversion(model=str(folders["dcgan"]), steps=0)
  with pytest.raises(container.WrongModel):
    pca.decompress(other.compress(PICTURE))
  known = model_lookup.KnownModels([folders["dcgan"], folders["pca"]])
  data = pca.compress(PICTURE)
  found = known.codec_of(data)
  np.testing.assert_array_equal(found.decompress(data), pca.decompress(data))


def test_the_commands_take_a_generator(folders, tmp_path, capsys):
  source, coded, out = (tmp_path / n for n in ("a.png", "a.tfp", "b.png"))
  files.write_image(source, PICTURE)
  model = f"--model={folders['pca']}"
  assert main(["compress", str(source), model, f"--out={coded}",
               "--lossless=never", "--quality=3"]) == 0  # fmt: skip
  assert main(["info", str(coded), model, "--format=json"]) == 0
  assert '"codec": "inversion"' in capsys.readouterr().out
  assert main(["decompress", str(coded), model, f"--out={out}"]) == 0
  pca = inversion_codec.Inversion(model=str(folders["pca"]))
  np.testing.assert_array_equal(
    files.read_image(out), pca.decompress(coded.read_bytes())
  )
  assert main(["compress", str(source), model, "--engine=numpy",
               f"--out={tmp_path}/c.tfp"]) != 0  # fmt: skip
  assert "is a generator" in capsys.readouterr().err
