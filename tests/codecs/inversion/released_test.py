"""Files of generators that the package has had stay readable for ever.

Entries are only added. Of each there is a file, the SHA-256 of its symbols, and
the picture of the machine that wrote it. A name is the identity of the model,
and what else is in the file.
"""

import pathlib

import numpy as np
import pytest

from tests.codecs.inversion import residual_layer_test
from tfpercept import codecs, manifests, weights
from tfpercept.codecs.inversion import residual_layer
from tfpercept.codecs.learned import model_ids, model_lookup
from tfpercept.io import files

FOLDER = pathlib.Path(__file__).parent / "released"
SYMBOLS = {
  "6f5805ee2cb72b11":
    "9593a1d823e5834c078c64fe1f6a04ea14bbe38709f87251fb7e59de01b4420b",
  "6f5805ee2cb72b11_residual":
    "9593a1d823e5834c078c64fe1f6a04ea14bbe38709f87251fb7e59de01b4420b",
}  # fmt: skip
RESIDUALS = {
  "6f5805ee2cb72b11_residual": (
    64.0, "2af0b0353a887c8c0ad0fc19cd76cdc1725720aee55fd67cc18c156356c19ca3",
  ),
}  # fmt: skip
"""Quantizer step, and the SHA-256 of the symbols, of each residual layer."""


def test_every_generator_of_the_package_has_an_entry():
  for name in (*weights.shipped(), *weights.retired()):
    manifest = manifests.read(name)
    is_coder = model_ids.codes(manifest)
    if is_coder and model_ids.bitstream(manifest) == "inversion":
      assert model_ids.identity(manifest).hex() in SYMBOLS, name


@pytest.mark.parametrize("name", SYMBOLS)
def test_the_file_of_every_generator_is_read(name):
  data = (FOLDER / f"{name}.tfp").read_bytes()
  codec = model_lookup.KnownModels().codec_of(data)
  found = codecs.selftest.digest({"z": codec.symbols(data)})
  assert found == SYMBOLS[name]
  if name in RESIDUALS:
    header, _, (string,) = codec._unpack(data)
    rest = residual_layer.read(string, header.height, header.width, 3)
    symbols = residual_layer_test.symbols_of(rest, RESIDUALS[name][0])
    assert codecs.selftest.digest({"r": symbols}) == RESIDUALS[name][1]
  picture = files.read_image(FOLDER / f"{name}.png")
  # Sums of float32 in another order fall on the other side of a half.
  apart = np.abs(codec.decompress(data).astype(int) - picture)
  assert apart.max() <= 1 and (apart > 0).mean() < 0.01
