"""Lossless files stay readable, to the same picture.

`released/` has a file of each kind of payload, in color and in grey, of the
picture that is made below. An entry is added with a new kind, and none is ever
changed or removed.
"""

import hashlib
import pathlib

import numpy as np
import pytest

from tfpercept.codecs.bitstream import header
from tfpercept.codecs.learned import model_lookup

FOLDER = pathlib.Path(__file__).parent / "released"
# SHA-256 of the files, so that a file that is changed is noticed.
FILES = {
  "vp8l_color":
    "178b1d8cfb6655779a3cf939eabb2c13646e468fe9b22eb12ce20ca991b60905",
  "png_color":
    "2a2d3de3ddb72a4b1e0104e081623b7b88d5a5f2d66b50c681fbcb1c4d76683e",
  "samples_color":
    "083070b866bf85d28ad1801779ff6aa7c7d08cb4b0bd71a40b9dbb8d97a66b2a",
  "vp8l_grey":
    "6fc96e135a4ca718751e7f45ce7dbac4c7cc5a106d56756828bc762d82aea3bc",
  "png_grey":
    "c12231afd47587c6204307340f0406d5940df84a035bfac11173616360b3a916",
  "samples_grey":
    "e940066c127df23cd22a7998d8f4764690135cc5259071bce1d22e81499c243e",
}  # fmt: skip


def picture():
  rows, columns = np.mgrid[:24, :40]
  planes = [
    9 * rows + columns,
    60 * (rows // 8) + 20 * (columns // 8),
    rows * columns % 256,
  ]
  return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_kind_is_read_to_its_picture(name):
  data = (FOLDER / f"{name}.tfp").read_bytes()
  assert hashlib.sha256(data).hexdigest() == FILES[name]
  channels = 1 if name.endswith("_grey") else 3
  found = model_lookup.KnownModels().codec_of(data).decompress(data)
  np.testing.assert_array_equal(found, picture()[..., :channels])


def test_each_kind_of_payload_has_a_file():
  kinds = {name.partition("_")[0] for name in FILES}
  assert kinds == set(header.PAYLOADS)
