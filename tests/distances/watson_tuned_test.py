"""The parameters of our own that come with the package."""

import io

import numpy as np
import pytest

from tfpercept import distances, weights
from tfpercept.conformance import suite
from tfpercept.data import packaged
from tfpercept.ops import color

# Where the distances alone are installed, nothing reads pictures.
Image = pytest.importorskip("PIL.Image")
NAMES = [n for n in weights.manifest() if "_tuned_" in n]


def jpeg(picture, quality):
  data = io.BytesIO()
  Image.fromarray(picture).save(data, "JPEG", quality=quality)
  return np.asarray(Image.open(data))


def make(name, **options):
  distance, planes = name.split("_tuned_")
  channels = {"rgb": 3, "gray": 1}[planes]
  return distances.get(
    f"{distance}(channels={channels}, weights='tuned')", **options
  )


def test_they_ship():
  assert NAMES == ["watson_dft_tuned_gray", "watson_dft_tuned_rgb"]
  for name in NAMES:
    assert weights.manifest()[name].licence == "Apache-2.0"


@pytest.mark.parametrize("name", NAMES)
def test_the_option_stands_for_the_file(name):
  distance = make(name)
  assert "weights='tuned'" in distance.spec
  for key, value in weights.load(name).items():
    np.testing.assert_array_equal(distance.checkpoint()[key], value)


@pytest.mark.parametrize("name", NAMES)
def test_a_lower_quality_is_farther(name):
  photo = packaged.test()["coffee"][:64, :64]
  pictures = [photo, *(jpeg(photo, q) for q in (95, 80, 60, 30))]
  distance = make(name)
  pictures = color.luma_if_gray(
    np.stack(pictures).astype("float32") / 255, distance.channels
  )
  values = distance(np.repeat(pictures[:1], 4, axis=0), pictures[1:])
  assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize(
  "check",
  [
    "zero_at_identity",
    "never_negative",
    "finite_value_and_gradient",
    "batch_equals_loop",
  ],
)
@pytest.mark.parametrize("name", NAMES)
def test_they_conform(name, check):
  found = suite.examine(lambda dtype="float32": make(name, dtype=dtype), check)
  assert found.outcome == suite.PASSED, found.message


@pytest.mark.parametrize("channels", [1, 3])
def test_there_are_none_of_the_cosine_form(channels):
  with pytest.raises(ValueError, match="has no parameters 'tuned'"):
    distances.get(f"watson_dct(channels={channels}, weights='tuned')")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["watson_dct", "watson_dft"])
def test_the_initial_ones_have_a_name_too(name, channels):
  named, default = (
    distances.get(f"{name}(channels={channels}{more})")
    for more in (", weights='initial'", "")
  )
  for one, other in zip(named.weights, default.weights, strict=True):
    np.testing.assert_array_equal(one, other)
