"""Every codec stores any picture at every quality that it lists."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests.codecs import any_picture
from tfpercept import codecs

CLASSICAL = tuple(
  name for name in codecs.names() if name not in ("hyperprior", "inversion")
)
SPECS = (
  *CLASSICAL, "jpeg(subsampling='4:4:4')", "jpeg(optimize=False)",
  "webp(method=0)", "avif(subsampling='4:4:4', speed=10)", "jxl(effort=1)",
  "heic(subsampling='4:2:2')",
)  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
@any_picture.tried(40)
@hypothesis.given(picture=any_picture.PICTURES, place=st.floats(0, 1))
def test_a_codec_of_others_stores_any_picture(spec, picture, place):
  codec = codecs.get(spec)
  quality = codec.qualities[round(place * (len(codec.qualities) - 1))]
  again = any_picture.check(codec, picture, quality)
  if spec == "png":
    np.testing.assert_array_equal(again, picture)


@pytest.mark.parametrize("content", [any_picture.noise, any_picture.extremes])
@pytest.mark.parametrize("size", [(300, 300), (3, 16000), (16, 5000)])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_stores_what_takes_more_bytes_than_it_has_pixels(
  content, size, channels, capfd
):
  picture = content(np.random.default_rng(1), (*size, channels))
  for spec in ("jpeg", "jpeg(subsampling='4:4:4')"):
    codec = codecs.get(spec)
    for quality in codec.qualities:
      any_picture.check(codec, picture.astype(np.uint8), quality)
  assert capfd.readouterr().err == ""  # of the library
