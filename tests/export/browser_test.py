"""Codecs as the viewer of `.tfp` files takes them, without a browser."""

import json
import pathlib
import re
import struct
import types

import numpy as np
import pytest
import tensorflow as tf

from export import browser
from tfpercept import manifests, models, offers
from tfpercept.codecs.learned import coding_tables, reference_transforms
from tfpercept.models.compression import transform_codec, transforms

ROOT = pathlib.Path(__file__).parents[2]
PARTS = (
  "export.", "tfpercept.codecs.bitstream.", "tfpercept.codecs.learned.",
  "tfpercept.models.compression.",
)  # fmt: skip


@pytest.fixture(scope="module")
def network():
  """A codec network of random weights."""
  made = models.MeanScaleHyperprior(
    widths=(4, 4, 4), latents=6, blocks=1, hyper_width=4, hyper_latents=4
  )
  made.build()
  random = np.random.default_rng(0)
  made.set_weights(
    [w + 0.1 * random.normal(size=w.shape) for w in made.get_weights()]
  )
  return made


def test_what_is_outside_of_a_picture_is_beyond_its_border(network):
  random = np.random.default_rng(1)
  y = random.normal(size=(1, 7, 9, 6)).astype(np.float32)
  inside = np.zeros((1, 7, 9, 1), np.float32)
  inside[:, :5, :4] = 1
  quality = np.array([2.5], np.float32)
  normal = y / network.deviation
  tile = network.synthesis(y, normal, quality, inside)[:, :80, :64]
  alone = network.reconstruct(y[:, :5, :4], quality)
  np.testing.assert_allclose(tile, alone, atol=1e-5)
  without = network.synthesis(y, normal, quality)[:, :80, :64]
  assert np.abs(without - alone).max() > 1e-3, "nothing depends on the border"


def test_tiles_of_other_sizes_follow_from_the_first(network, monkeypatch):
  monkeypatch.setattr(browser, "TILES", ((4, 4), (8, 4)))
  first, other = browser.convert(network)
  changed = bytearray(first)
  for at, byte in browser.difference(first, other):
    changed[at] = byte
  assert changed == other
  assert len(browser.difference(first, other)) < 200
  interpreter = tf.lite.Interpreter(model_content=bytes(changed))
  (name,) = interpreter.get_signature_list()
  y = np.random.default_rng(2).normal(size=(1, 8, 4, 6)).astype(np.float32)
  quality = np.array([3], np.float32)
  answer = interpreter.get_signature_runner(name)(
    y=y, quality=quality, inside=np.ones((1, 8, 4, 1), np.float32)
  )["x_hat"]
  expected = network.reconstruct(y, quality)
  # Weights have 16 bits.
  np.testing.assert_allclose(answer, expected, atol=2e-3)
  with pytest.raises(ValueError, match="Export with the pinned TensorFlow"):
    browser.difference(first, other[:-1])


def test_even_places_come_before_odd_ones():
  assert browser.planes(bytes([0, 1, 2, 3, 4])) == bytes([0, 2, 4, 1, 3])


def test_phases_are_the_transposed_convolution():
  random = np.random.default_rng(0)
  kernel = random.integers(-9, 9, (5, 5, 2, 3))
  x = random.integers(0, 9, (4, 6, 3))
  made = reference_transforms.convolved(x, browser.phases(kernel))
  made = made.reshape(4, 6, 2, 2, 2).transpose(0, 2, 1, 3, 4).reshape(8, 12, 2)
  np.testing.assert_array_equal(made, reference_transforms.upsampled(x, kernel))


def test_a_coding_file_holds_what_the_model_folder_keeps():
  _, kept = coding_tables.load("photo_mse", manifests.read("photo_mse"))
  data = browser.coding_file(kept)
  (size,) = struct.unpack_from("<I", data)
  listed = json.loads(data[4 : 4 + size])
  found = {
    name: np.frombuffer(data, entry["kind"], entry["count"], entry["at"])
    for name, entry in listed.items()
  }
  for name in ("z_offsets", "index_offsets", "deviation", "log_inverse"):
    np.testing.assert_array_equal(found[name], kept[name].ravel())
  means = found["told_kernel"].reshape(3, 3, 96, 384)[..., 192:]
  np.testing.assert_array_equal(means, kept["means_kernel"])
  # Each table sums to 2^16, as those of the folder do.
  at = 0
  steps, counts = found["y_frequencies"], found["y_counts"]
  frequencies = np.cumsum(steps.astype(np.int64)) % 2**16
  for count in counts:
    assert frequencies[at : at + count].sum() == 2**16
    at += count
  assert at == len(steps)
  assert all(entry["at"] % 8 == 0 for entry in listed.values())


def test_other_models_are_refused(tmp_path):
  with pytest.raises(ValueError, match="srcnn, which codes nothing"):
    browser.export(["srcnn_x4_mse"], tmp_path / "out")
  assert not (tmp_path / "out").exists()
  with pytest.raises(ValueError, match="exists already"):
    browser.export(["photo_mse"], tmp_path)


def test_make_web_builds_anew_when_what_the_page_is_made_of_changes():
  script = (ROOT / "tools/web.sh").read_text()
  (words,) = re.findall(
    r"^digest=\$\(cat (.+?) \| sha256sum\)", script, re.M | re.S
  )
  listed = {
    path.relative_to(ROOT).as_posix()
    for word in re.findall(r"[\w./*-]+", words)
    for path in ROOT.glob(word)
  }
  made_of = {
    pathlib.Path(made.__file__).relative_to(ROOT).as_posix()
    for by in (browser, coding_tables, transform_codec, transforms)
    for made in vars(by).values()
    if isinstance(made, types.ModuleType) and made.__name__.startswith(PARTS)
  }
  assert "tfpercept/models/compression/modulation.py" in made_of
  assert made_of <= listed
  for name in offers.shipped():
    assert f"tfpercept/pretrained/{name}/manifest.json" in listed
