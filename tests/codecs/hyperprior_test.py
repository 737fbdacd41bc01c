"""The learned codec gives back what it was given, whatever the picture."""

import contextlib
import json
import shutil

import numpy as np
import pytest

from tests.codecs import networks
from tfpercept import codecs, models
from tfpercept.codecs import coding, container, hyperprior, strips


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph):
  place = tmp_path_factory.mktemp("codec") / "model"
  return networks.save(place, photograph(256, 256))


@pytest.fixture(scope="module")
def codec(folder):
  return codecs.get(f"hyperprior(model={str(folder)!r})")


@pytest.mark.parametrize(
  "size", [(1, 1), (1, 65), (63, 64), (64, 64), (65, 127), (130, 40)]
)
def test_a_file_decodes_to_what_was_encoded(codec, photograph, size):
  height, width = size
  picture = photograph(130, 130)[:height, :width]
  for quality in (1, 4.5, 8):
    data = codec.compress(picture, quality=quality)
    again = codec.decompress(data)
    assert again.shape == picture.shape
    assert again.dtype == np.uint8
    step = round(16 * quality)
    y, z = codec._latents(picture, step)
    found = codec.symbols(data)
    np.testing.assert_array_equal(found["z"], z)
    for rows, _, mean in codec._parameters(z, step):
      written = codec._rounded(y[:, rows], mean, step)
      np.testing.assert_array_equal(found["y"][:, rows], written)


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
  monkeypatch.setattr(strips, "PIXELS", 64 * 256)
  assert strips.heights(320, 256) == 64
  assert codec.compress(picture, quality=4) == whole
  # Another size of a convolution may be summed in another order.
  difference = np.abs(codec.decompress(whole).astype(int) - pixels)
  assert difference.max() <= 1
  assert np.mean(difference > 0) < 1e-3


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
  place = networks.save(tmp_path / "m", photograph(256, 256), dtype="float16")
  codec = hyperprior.Hyperprior(model=str(place))
  picture = photograph(100, 100)
  data = codec.compress(picture, quality=6)
  assert np.mean((codec.decompress(data) - picture.astype(float)) ** 2) < 1000
  for weight in models.load(place)[0].get_weights():
    np.testing.assert_array_equal(weight, weight.astype(np.float16))


def test_a_file_of_another_model_is_told_apart(codec, tmp_path, photograph):
  place = networks.save(tmp_path / "other", photograph(128, 128, seed=9))
  data = hyperprior.Hyperprior(model=str(place)).compress(photograph(64, 64))
  with pytest.raises(container.WrongModel, match=codec.identity.hex()):
    codec.decompress(data)


def rewritten(data, codec, **changes):
  """Returns a file with another header, whose checksum is right."""
  header, strings = container.unpack(
    data, codec=2, model=codec.identity, symbols=codec._symbols
  )
  fields = vars(header) | changes
  return container.pack(container.Header(**fields), strings)


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
  changed = rewritten(data, codec, **changes)
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
      hyperprior.Hyperprior(model=str(copy))


def test_another_network_is_no_codec(tmp_path):
  network = models.SRCNN()
  network.build()
  models.save(network, tmp_path / "srcnn")
  with pytest.raises(ValueError, match="holds a srcnn"):
    hyperprior.Hyperprior(model=str(tmp_path / "srcnn"))


def test_tables_that_are_none_are_refused(folder, tmp_path):
  copy = tmp_path / "copy"
  shutil.copytree(folder, copy)
  with np.load(copy / coding.FILE) as file:
    arrays = dict(file)
  arrays["y_tables"][5] = arrays["y_tables"][4]
  np.savez(copy / coding.FILE, **arrays)
  manifest = json.loads((copy / "manifest.json").read_text())
  manifest["files"][coding.FILE] = coding.files.sha256(copy / coding.FILE)
  (copy / "manifest.json").write_text(json.dumps(manifest))
  with pytest.raises(ValueError, match="frequencies"):
    hyperprior.Hyperprior(model=str(copy))
