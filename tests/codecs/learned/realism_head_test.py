"""Decoding with a realism head: 0 is today's decoder, and tiles are one."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.codecs import determinism, small_models
from tests.codecs.learned import small_heads
from tfpercept import codecs, distances, manifests, offers
from tfpercept.codecs import memory
from tfpercept.codecs.learned import heads, model_ids, realism_head, tiles
from tfpercept.data import packaged
from tfpercept.io import files


@pytest.fixture(scope="module")
def picture(photograph):
  return photograph(96, 160)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, picture):
  root = tmp_path_factory.mktemp("realism")
  codec = small_models.save(root / "codec", picture)
  return codec, small_heads.save(root / "head", codec)


@pytest.fixture(scope="module")
def data(folders, picture):
  return codecs.get(spec(folders[0])).compress(picture, quality=2.5)


def spec(codec, **options):
  told = {"model": str(codec), "check": False, **options}
  return f"hyperprior({', '.join(f'{k}={v!r}' for k, v in told.items())})"


def decoded(folders, data, realism, **options):
  codec, head = folders
  made = codecs.get(spec(codec, realism=realism, head=str(head), **options))
  return made.decompress(data).astype(int)


def test_strength_0_is_every_pixel_of_the_faithful_decoder(folders, data):
  faithful = codecs.get(spec(folders[0])).decompress(data)
  np.testing.assert_array_equal(decoded(folders, data, 0.0), faithful)
  # The head is not even looked for.
  missing = spec(folders[0], realism=0.0, head="nowhere")
  np.testing.assert_array_equal(codecs.get(missing).decompress(data), faithful)


def test_more_strength_is_further_from_the_faithful_picture(folders, data):
  faithful, *rest = (
    decoded(folders, data, t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)
  )
  errors = [np.square(each - faithful).mean() for each in rest]
  assert errors == sorted(errors) and errors[0] > 0
  # Half the strength adds half as much, but for rounding and clipping.
  half, whole = rest[1] - faithful, rest[3] - faithful
  inside = (rest[3] > 0) & (rest[3] < 255) & (rest[1] > 0) & (rest[1] < 255)
  assert np.abs(half - whole / 2)[inside].max() <= 1.5


def test_symbols_do_not_depend_on_realism(folders, data):
  codec, head = folders
  plain = codecs.get(spec(codec))
  real = codecs.get(spec(codec, realism=1.0, head=str(head)))
  for name, symbols in plain.symbols(data).items():
    np.testing.assert_array_equal(real.symbols(data)[name], symbols)


def test_numpy_makes_what_the_network_makes(folders):
  laid = codecs.get(spec(folders[0]))._laid
  for conditioned in (False, True):
    folder = folders[1].with_name(f"told_{conditioned}")
    options = {"conditioned": conditioned, "dtype": "float32"}
    small_heads.save(folder, folders[0], **options)
    network = small_heads.head(conditioned=conditioned)
    random = np.random.default_rng(1)
    y = random.normal(size=(1, 5, 3, 24)).astype(np.float32)
    x = random.random((1, 80, 48, 3), np.float32)
    found = realism_head.Head(folder, laid).realistic(y, x, 3.3, 0.7)
    added = network(y, x, tf.constant([3.3]), tf.constant([0.7]))
    # Sums of float32 in another order.
    np.testing.assert_allclose(found, x + 0.7 * added, atol=2e-5)


def test_the_halo_is_that_of_the_network(folders):
  laid = codecs.get(spec(folders[0]))._laid
  head = realism_head.Head(folders[1], laid)
  assert head.halo == small_heads.head().halo


def test_both_engines_make_one_picture(folders, data):
  one, other = (
    decoded(folders, data, 1.0, engine=engine)
    for engine in ("numpy", "tensorflow")
  )
  assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
def test_tiles_give_the_whole_picture(folders, data, monkeypatch, engine):
  whole = decoded(folders, data, 1.0, engine=engine)
  for name in ("PATCH", "SMALL_PATCH"):
    monkeypatch.setattr(realism_head, name, tiles.Patch(48 * 64, 48))
  found = decoded(folders, data, 1.0, engine=engine)
  # Libraries may sum in another order for another size: a rounding apart.
  assert np.abs(found - whole).max() <= 1
  assert np.mean(found != whole) < 0.001


def test_above_the_trained_qualities_realism_fades(folders):
  laid = codecs.get(spec(folders[0]))._laid
  head = realism_head.Head(folders[1], laid)
  found = [head.share(q) for q in (1, 4.5, 6.25, 8)]
  np.testing.assert_allclose(found, [1, 1, 0.5, 0])


def test_a_head_for_another_codec_is_refused(folders, data, picture, tmp_path):
  other = small_models.save(tmp_path / "other", picture[::-1])
  with pytest.raises(
    ValueError, match=r"no realism head is for .*other"
  ) as info:
    codecs.get(spec(other, realism=1.0, head=str(folders[1])))
  assert str(folders[0]) in str(info.value)  # whose head it is
  with pytest.raises(ValueError, match="not a realism head"):
    codecs.get(spec(folders[0], realism=1.0, head=str(other)))


def test_a_given_head_is_never_replaced_by_that_of_the_package():
  given = "photo_ms_ssim_realism"
  words = r"no realism head is for photo_mse .* given: photo_ms_ssim_realism"
  with pytest.raises(ValueError, match=words):
    codecs.get(spec("photo_mse", realism=1.0, head=given))
  identity = model_ids.identity(manifests.read("photo_mse"))
  with pytest.raises(ValueError, match=words):
    heads.find(identity, "photo_mse", [given])
  # One of several will do.
  both = [given, "photo_mse_realism"]
  assert heads.find(identity, "photo_mse", both) == "photo_mse_realism"


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), True, "1"])
def test_a_strength_out_of_range_is_named(folders, strength):
  with pytest.raises(ValueError, match="realism is 0"):
    heads.check_strength(strength)


@pytest.mark.parametrize(
  "change",
  [
    {"config": {"levels": 10**9}},
    {"config": {"widths": [8, 6, 4]}},
    {"config": {"blocks": [1, 0, 1, "1"]}},
    {"config": {"conditioned": 1}},
    {"config": {"conditioned": "no"}},
    {"highest": float("nan")},
    {"highest": "4.5"},
    {"highest": True},
    {"highest": 10**400},
    {"names": ["deviation"]},
    {"codec": None},
  ],
)
def test_a_damaged_head_is_answered_in_words(folders, tmp_path, change):
  folder = small_heads.save(tmp_path / "head", folders[0])
  path = folder / "manifest.json"
  manifest = json.loads(path.read_text())
  for key, value in change.items():
    if isinstance(value, dict):
      manifest[key].update(value)
    else:
      manifest[key] = value
  path.write_text(json.dumps(manifest))
  with pytest.raises(ValueError, match="opy the whole folder"):
    codecs.get(spec(folders[0], realism=1.0, head=str(folder)))


def test_a_head_beside_tensorflow_states_the_memory_of_both(folders):
  # TensorFlow gives back none of its own memory before the head, in NumPy,
  # takes its: for 2000x3000 pixels the figure of NumPy was too small by half a
  # gigabyte, as `python -m tests.codecs.memory` prints.
  codec, head = folders
  sizes = {
    engine: codecs.get(
      spec(codec, realism=1.0, head=str(head), engine=engine)
    ).bytes_at_once
    for engine in ("numpy", "tensorflow")
  }
  assert sizes["numpy"] == realism_head.BYTES_AT_ONCE
  plain, _ = codecs.get(spec(codec)).bytes_at_once
  size, most = sizes["tensorflow"]
  assert size == sizes["numpy"][0] + plain
  assert most < sizes["numpy"][1]  # its patches are smaller


def test_100_megapixels_with_a_head_take_less_than_3_gigabytes():
  for engine in ("numpy", "tensorflow"):
    model = codecs.get(f"hyperprior(realism=1.0, engine={engine!r})")
    needed = memory.to_decompress(model, 10**8) - memory.at_rest()
    assert needed + memory.REST_OF_TENSORFLOW < 3e9


@pytest.mark.parametrize(
  "patch", [realism_head.PATCH, realism_head.SMALL_PATCH]
)
@pytest.mark.parametrize("name", heads.shipped())
def test_a_patch_and_its_halo_are_no_more_than_is_stated(name, patch):
  codec = codecs.get(
    spec(heads.read(name)["codec"]["name"], realism=1.0, head=name)
  )
  halo = codec._engine.halo + codec._head.halo
  seen = []

  def synthesis(y):
    height, width = (16 * side for side in y.shape[1:3])
    seen.append(height * width)
    return np.zeros((1, height, width, 3), np.float32)

  size = 5000, 4000
  y = np.zeros((1, -(-size[0] // 16), -(-size[1] // 16), 1), np.float32)
  tiles.synthesise(synthesis, y, size, halo=halo, patch=patch)
  stated = {
    realism_head.PATCH: realism_head.BYTES_AT_ONCE[1],
    realism_head.SMALL_PATCH: realism_head.PIXELS_OF_SMALL_PATCH,
  }
  assert max(seen) <= stated[patch]
  assert len(seen) > 1


@pytest.mark.parametrize("name", heads.shipped())
def test_a_shipped_head_makes_its_codec_look_more_real(name):
  folder = offers.PRETRAINED / name
  assert (folder / "weights.npz").stat().st_size <= 4_500_000
  model = heads.read(name)["codec"]["name"]
  plain, real = (
    codecs.get(spec(model, realism=realism)) for realism in (0.0, 1.0)
  )
  measures = {name: distances.get(name) for name in ("lpips", "pim")}
  ratios: dict[str, list[float]] = {name: [] for name in measures}
  for picture in list(packaged.test().values())[:2]:
    picture = picture[:192, :256]
    data = plain.compress(picture, quality=2)
    x, faithful, realistic = (
      tf.constant(each[None].astype(np.float32) / 255)
      for each in (picture, plain.decompress(data), real.decompress(data))
    )
    for measure, distance in measures.items():
      ratio = distance(x, realistic)[0] / distance(x, faithful)[0]
      ratios[measure].append(float(ratio))
  # Two crops of pictures that it never saw; the results page has Kodak.
  assert np.mean(ratios["lpips"]) < 0.95
  # No head was trained with PIM, of which 0.50 and 0.47 were found.
  assert np.mean(ratios["pim"]) < 0.75


def test_a_shipped_head_is_found_by_the_identity_of_a_file():
  assert heads.shipped()
  for name in heads.shipped():
    model = heads.read(name)["codec"]["name"]
    identity = model_ids.identity(manifests.read(model))
    assert heads.find(identity, model) == name


def test_processes_with_other_kernels_make_one_picture(tmp_path, picture):
  data = codecs.get("hyperprior").compress(picture, quality=2)
  (tmp_path / "a.tfp").write_bytes(data)
  made = []
  for i, settings in enumerate(
    (
      {"OPENBLAS_NUM_THREADS": "1"},
      {"OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Haswell"},
    )
  ):
    out = tmp_path / f"{i}.png"
    subprocess.run(
      [sys.executable, "-m", "tfpercept.cli", "decompress",
       str(tmp_path / "a.tfp"), "--realism=1", f"--out={out}"],
      env={**os.environ, **settings},
      check=True,
    )  # fmt: skip
    made.append(files.read_image(out).astype(int))
  difference = np.abs(made[0] - made[1])
  # As of the faithful decoder: sums in another order fall beyond a half.
  assert difference.max() <= determinism.LEVELS
  assert np.mean(difference > 0) <= determinism.SHARE
