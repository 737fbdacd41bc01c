"""What exported distances answer is what the library returns."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export import manifest, run_score, saved_model, signatures
from tfpercept import distances
from tfpercept.io import files

SPEC = "0.84*ms_ssim(scales=2) + 0.16*mae"
SIDE = 21  # the least of that spec
FROM_PAPERS = "psnr"  # of other pictures than the value, in dB


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """The version folder of an export, checked in a fresh process."""
  exported = signatures.load_distance(SPEC)
  return saved_model.export(exported, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def model(folder):
  return tf.saved_model.load(str(folder))


def pair(*shape, seed=0):
  noise = np.random.default_rng(seed)
  reference = noise.random(shape, np.float32)
  image = reference + noise.normal(0, 0.1, shape).astype(np.float32)
  return reference, image.clip(0, 1)


def png(picture) -> bytes:
  samples = np.round(picture * 255).astype(np.uint8)
  file = io.BytesIO()
  Image.fromarray(samples[..., 0] if picture.shape[-1] == 1 else samples).save(
    file, "PNG"
  )
  return file.getvalue()


def eight_bits(picture):
  return np.round(picture * 255).astype(np.float32) / np.float32(255)


def test_batches_of_any_size_have_the_value_of_the_library(model):
  distance = distances.get(SPEC)
  for shape in ((2, SIDE, 40, 3), (1, 64, 33, 3)):
    reference, image = pair(*shape)
    found = model.signatures["score"](
      reference=tf.constant(reference), image=tf.constant(image)
    )
    # Graphs may sum in another order.
    for key in ("value", "score"):
      np.testing.assert_allclose(
        found[key], distance(reference, image), rtol=1e-5
      )
    maps = model.signatures["map"](
      reference=tf.constant(reference), image=tf.constant(image)
    )["map"]
    expected = distance.map(reference, image)
    assert maps.shape == shape[:3]
    np.testing.assert_allclose(maps, expected, atol=1e-4 * np.max(expected))


def test_files_of_one_batch_may_differ_in_size_and_kind(model):
  distance = distances.get(SPEC)
  pairs = [
    pair(SIDE, 30, 3), pair(50, 26, 3, seed=1), pair(30, 30, 1, seed=2)
  ]  # fmt: skip
  found = model.signatures["score_png"](
    reference_bytes=tf.constant([png(one) for one, _ in pairs]),
    image_bytes=tf.constant([png(other) for _, other in pairs]),
  )
  assert found["status"].numpy().tolist() == [b""] * 3
  for place, (reference, image) in enumerate(pairs):
    wide = [
      np.broadcast_to(eight_bits(x), (*x.shape[:2], 3))[None]
      for x in (reference, image)
    ]
    np.testing.assert_allclose(
      found["value"][place], distance(*wide)[0], rtol=1e-5
    )


def test_a_bad_pair_answers_for_itself(model):
  good, small = (png(pair(side, side, 3)[0]) for side in (30, SIDE - 1))
  other = png(pair(30, 31, 3)[0])
  cases = [
    (good, good, ""),
    (good, b"text", "image: the file is no picture in PNG or JPEG"),
    (good[:99], good, "reference: the picture file is damaged or incomplete"),
    (
      good,
      other,
      "both pictures need one size; the reference has 30x30 pixels, the image"
      " 31x30",
    ),
    (
      small,
      small,
      f"{SPEC} needs pictures of at least {SIDE}x{SIDE}; got 20x20",
    ),
  ]
  found = model.signatures["score_png"](
    reference_bytes=tf.constant([case[0] for case in cases]),
    image_bytes=tf.constant([case[1] for case in cases]),
  )
  lines = [line.decode() for line in found["status"].numpy()]
  assert lines == [case[2] for case in cases]
  assert found["value"].numpy()[0] == 0
  assert np.isnan(found["value"].numpy()[1:]).all()
  assert np.isnan(found["score"].numpy()[1:]).all()


def test_small_pictures_are_refused_by_the_graph(model):
  reference, image = map(tf.constant, pair(1, SIDE - 1, 40, 3))
  with pytest.raises(tf.errors.InvalidArgumentError, match="at least 21x21"):
    model.signatures["score"](reference=reference, image=image)


def test_the_manifest_tells_limits_operations_and_licenses(folder):
  found = manifest.verify(folder)
  assert found["distance"] == SPEC
  assert found["better_score"] == "min"
  limits = found["signatures"]["score_png"]["limits"]
  assert limits == {
    "max_pixels": 4_000_000,
    "max_bytes": 40_000_000,
    "min_side": SIDE,
    "side_multiple": 1,
  }
  assert found["ops"]["beyond_tensorflow"] == []
  assert {"DepthwiseConv2dNative", "DecodeImage"} <= set(found["ops"]["all"])
  assert found["licenses"] == {} and found["cards"] == []


def test_scores_are_those_that_papers_print():
  exported = signatures.load_distance(FROM_PAPERS)
  reference, image = pair(2, 9, 7, 3)
  found = exported.served()["score"].function(
    reference=tf.constant(reference), image=tf.constant(image)
  )
  distance = distances.get(FROM_PAPERS)
  np.testing.assert_array_equal(found["value"], distance(reference, image))
  np.testing.assert_array_equal(
    found["score"], distance.score(reference, image)
  )
  assert exported.manifest["better_score"] == "max"


@pytest.mark.parametrize("spec", distances.names())
def test_every_distance_states_its_signatures(spec, weights_or_skip):
  with weights_or_skip():
    exported = signatures.load_distance(spec)
  served = exported.served()
  assert list(served) == ["serving_default", "score", "score_png", "map"]
  assert served["serving_default"] is served["score"]
  example = served["score"].example
  exported.distance.validate(*example["image"].shape[1:3])
  assert len(served["score_png"].example["image_bytes"]) == 3
  used = exported.sources()
  assert all(source.license for source in used.values())
  assert bool(exported.distance.checksum) == bool(used)


def test_the_license_of_our_own_weights_names_that_of_their_data():
  used = signatures.load_distance("watson_dft(weights='tuned')").sources()
  (source,) = used.values()
  assert "Apache-2.0" in source.license and "CC BY-SA 4.0" in source.license


def test_grey_exports_refuse_color_and_other_numbers_are_named():
  exported = signatures.load_distance("mse", channels=1)
  color, grey = (png(pair(9, 9, n)[0]) for n in (3, 1))
  found = exported.served()["score_png"].function(
    reference_bytes=tf.constant([grey, color]),
    image_bytes=tf.constant([grey, grey]),
  )
  lines = found["status"].numpy().tolist()
  assert lines == [b"", b"this export takes grey pictures; got one in color"]
  assert "score_png" not in signatures.load_distance("mse", channels=2).served()
  with pytest.raises(ValueError, match="1 or 3 channels; got --channels=2"):
    signatures.load_distance("lpips", channels=2)
  with pytest.raises(ValueError, match="any number but 4"):
    signatures.load_distance("mse", channels=4)


def test_the_program_prints_a_line_for_each_pair(
  folder, tmp_path, monkeypatch, capsys
):
  reference, image = pair(30, 30, 3)
  for name, picture in (("a", reference), ("b", image)):
    files.write_image(
      tmp_path / f"{name}.png", np.round(picture * 255).astype(np.uint8)
    )
  (tmp_path / "c.png").write_bytes(b"no picture")
  names = [str(tmp_path / f"{name}.png") for name in "abac"]
  monkeypatch.setattr("sys.argv", ["run_score.py", str(folder), *names])
  with pytest.raises(SystemExit) as error:
    run_score.main()
  assert error.value.code == 1
  printed = capsys.readouterr()
  value, score, path = printed.out.split()
  assert path == names[1]
  expected = distances.get(SPEC)(
    eight_bits(reference)[None], eight_bits(image)[None]
  )
  np.testing.assert_allclose(
    [float(value), float(score)], float(expected[0]), rtol=1e-4
  )
  assert "c.png: image: the file is no picture" in printed.err
