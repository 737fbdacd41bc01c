"""What the signatures of SRCNN do, beside other programs that do the same."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export import signatures
from tests.export import networks
from tfpercept.ops import color, resize

SCALE = networks.SCALE


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  return signatures.load(networks.save_run(tmp_path_factory.mktemp("run")))


@pytest.fixture
def identity(served):
  """The same signatures around a network that changes nothing."""
  weights = served.network.get_weights()
  served.network.set_weights([np.zeros_like(w) for w in weights])
  yield served
  served.network.set_weights(weights)


def noise(*shape):
  return np.random.default_rng(1).random(shape, np.float32)


def encode(picture: Image.Image, suffix="PNG") -> bytes:
  file = io.BytesIO()
  picture.save(file, suffix)
  return file.getvalue()


def decode(contents: bytes) -> Image.Image:
  return Image.open(io.BytesIO(contents))


def through(exported, *contents: bytes) -> list[Image.Image]:
  function = exported.served()["png"].function
  answers = function(image_bytes=tf.constant(contents))["image_bytes"]
  return [decode(answer) for answer in answers.numpy()]


def test_luma_is_bicubic_and_then_the_network(served):
  small = noise(2, 9, 7, 1)
  expected = served.network(resize.imresize(small, SCALE)).numpy().clip(0, 1)
  luma = served.served()["luma"].function(image=tf.constant(small))["image"]
  # One strip, so the same convolutions.
  np.testing.assert_allclose(luma, expected, atol=1e-6)
  assert np.abs(expected - resize.imresize(small, SCALE)).max() > 0.05


def test_rgb_has_its_luma_from_the_network_and_bicubic_chroma(served):
  small = 0.3 + 0.4 * noise(2, 9, 7, 3)  # colours that nothing clips
  rgb = served.served()["serving_default"].function(image=tf.constant(small))
  ycbcr = color.rgb_to_ycbcr(rgb["image"]).numpy()
  enlarged = resize.imresize(color.rgb_to_ycbcr(small), SCALE)
  luma = served.network(enlarged[..., :1])
  inside = color.ycbcr_to_rgb(tf.concat([luma, enlarged[..., 1:]], -1)).numpy()
  unclipped = ((inside > 0) & (inside < 1)).all(-1)
  assert unclipped.mean() > 0.5
  # There and back between colour spaces in float32.
  np.testing.assert_allclose(
    ycbcr[unclipped][:, 0], luma.numpy()[unclipped][:, 0], atol=1e-5
  )
  np.testing.assert_allclose(
    ycbcr[unclipped][:, 1:], enlarged.numpy()[unclipped][:, 1:], atol=1e-5
  )


def test_every_signature_stays_in_range_and_enlarges_one_pixel(served):
  for name, channels in (("serving_default", 3), ("luma", 1)):
    function = served.served()[name].function
    for shape in ((1, 1, 1, channels), (3, 1, 5, channels)):
      image = function(image=tf.constant(noise(*shape)))["image"].numpy()
      assert image.shape == (
        shape[0],
        *(SCALE * s for s in shape[1:3]),
        channels,
      )
      assert image.min() >= 0
      assert image.max() <= 1


def test_files_of_one_batch_may_differ_in_size_and_kind(served):
  sizes = ((9, 7), (5, 12), (1, 1))
  files = [encode(Image.new("RGB", size, "teal")) for size in sizes]
  answers = through(served, *files)
  assert [a.size for a in answers] == [(w * SCALE, h * SCALE) for w, h in sizes]
  alone = through(served, files[1])[0]
  assert answers[1].tobytes() == alone.tobytes()
  assert served.served()["png"].function(
    image_bytes=tf.constant([], tf.string)
  )["image_bytes"].shape == (0,)


@pytest.mark.parametrize(
  ("mode", "given", "answered"),
  [
    ("RGB", (200, 100, 50), (200, 100, 50)),
    ("L", 77, 77),
    ("1", 255, 255),
    ("P", 1, (0, 0, 0)),
    # Half transparent red over white; clear black over white.
    ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
    ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
    ("LA", (0, 51), 204),
    # 1000 / 257 is 3.9: rounded, where dropping the low byte gives 3.
    ("I;16", 1000, 4),
  ],
)
def test_each_kind_of_png_keeps_its_colour(identity, mode, given, answered):
  (answer,) = through(identity, encode(Image.new(mode, (5, 3), given)))
  assert answer.mode == ("L" if isinstance(answered, int) else "RGB")
  assert answer.size == (5 * SCALE, 3 * SCALE)
  assert (np.asarray(answer) == answered).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpegs_keep_their_colour(identity, mode):
  picture = Image.new("RGB", (16, 16), (200, 100, 50)).convert(mode)
  (answer,) = through(identity, encode(picture, "JPEG"))
  expected = Image.new("RGB", (1, 1), (200, 100, 50))
  expected = expected.convert("L" if mode == "L" else "RGB")
  # Decoders of JPEG round differently, up to two steps on a flat picture.
  np.testing.assert_allclose(
    np.asarray(answer)[0, 0], np.asarray(expected)[0, 0], atol=2
  )


def test_a_16_bit_gradient_is_not_cut_to_8_bits_before_it_is_enlarged(identity):
  row = np.linspace(0, 65535, 40).astype(np.uint16)
  picture = Image.fromarray(np.tile(row, (8, 1)))
  (answer,) = through(identity, encode(picture))
  grey = np.tile(row, (8, 1))[None, ..., None] / np.float32(65535)
  expected = resize.imresize(grey, SCALE)[0, ..., 0].numpy().clip(0, 1) * 255
  # Rounding to 8 bits is the only loss: half a step, and float32.
  np.testing.assert_allclose(np.asarray(answer), expected, atol=0.501)


@pytest.mark.parametrize(
  ("name", "channels"), [("luma", 1), ("serving_default", 3)]
)
def test_traced_signatures_have_the_shapes_they_state(served, name, channels):
  signature = served.served()[name]
  spec = tf.TensorSpec(signature.inputs["image"].shape, tf.float32)
  traced = tf.function(signature.function).get_concrete_function(image=spec)
  shape = tuple(traced.structured_outputs["image"].shape)
  assert shape == signature.outputs["image"].shape == (None,) * 3 + (channels,)


def refusals(exported, *contents: bytes) -> list[str]:
  """Returns the status of files, of which the first is good."""
  answers = exported.served()["png"].function(image_bytes=tf.constant(contents))
  lines = [line.decode() for line in answers["status"].numpy()]
  assert lines[0] == "" and decode(answers["image_bytes"].numpy()[0]).size
  assert not any(answers["image_bytes"].numpy()[1:])
  return lines[1:]


GOOD = encode(Image.new("RGB", (3, 2), "teal"))


def test_what_is_no_picture_is_refused_and_others_are_not(served):
  lines = refusals(served, GOOD, b"no picture", GOOD[:-20], b"")
  assert lines == [
    "the file is no picture in PNG or JPEG",
    "the picture file is damaged or incomplete",
    "the file is no picture in PNG or JPEG",
  ]


def test_a_file_that_claims_a_huge_picture_is_refused_unread(served):
  header = struct.pack(">II", 60_000, 60_000)
  png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
  large = io.BytesIO()
  Image.new("L", (2001, 2000)).save(large, "JPEG")
  lines = refusals(served, GOOD, png + bytes(9), large.getvalue())
  most = "a picture has at most 4000000 pixels; got"
  assert lines == [f"{most} 60000x60000", f"{most} 2001x2000"]


def test_pictures_larger_than_a_strip_have_no_seams(served, monkeypatch):
  small = tf.constant(noise(1, 40, 31, 3))
  whole = served.served()["serving_default"].function(image=small)["image"]
  module = "export.signatures.srcnn._STRIP_PIXELS"
  monkeypatch.setattr(module, 62 * 11)  # strips of eleven rows
  strips = served.served()["serving_default"].function(image=small)["image"]
  # Convolutions of another height may sum in another order.
  np.testing.assert_allclose(strips, whole, atol=1e-6)


@pytest.mark.parametrize("scale", [None, 1, 2.0, "4", 17])
def test_a_manifest_without_a_usable_scale_is_refused(served, scale):
  with pytest.raises(ValueError, match=r"'scale' from 2 to 16; it has"):
    signatures.SRCNNSignatures(served.network, {"scale": scale})


def test_a_network_without_signatures_is_refused_by_name(tmp_path, monkeypatch):
  run = networks.save_run(tmp_path)
  monkeypatch.delitem(signatures.SIGNATURES._factories, "srcnn")
  with pytest.raises(ValueError, match="unknown exportable model 'srcnn'"):
    signatures.load(run)
