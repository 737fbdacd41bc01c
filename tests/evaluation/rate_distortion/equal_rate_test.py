"""Files of about the same size."""

import pytest

from tfpercept import codecs
from tfpercept.evaluation.rate_distortion import equal_rate


@pytest.mark.parametrize("name", ["jpeg", "webp", "jpeg2000"])
def test_the_nearest_file_is_near(name, photograph):
  codec, picture = codecs.get(name), photograph(128, 192)
  found = equal_rate.nearest(codec, picture, 1.5)
  # Steps of quality are a few percent of the rate.
  assert found.bpp == pytest.approx(1.5, rel=0.06)
  data = codec.compress(picture, quality=found.quality)
  assert (len(data), 8 * len(data) / (128 * 192)) == (found.size, found.bpp)
  assert (codec.decompress(data) == found.image).all()


def test_what_is_known_already_is_not_made_again(photograph):
  codec, picture = codecs.get("jpeg"), photograph(64, 96)
  known = {
    q: 8 * len(codec.compress(picture, quality=q)) / (64 * 96)
    for q in codec.qualities
  }
  made = []

  class Counted(type(codec)):
    def compress(self, image, *, quality=None):
      made.append(quality)
      return super().compress(image, quality=quality)

  bpp = (known[40] + known[50]) / 2
  found = equal_rate.nearest(Counted(), picture, bpp, known=known)
  assert 40 < found.quality < 50
  assert made
  assert all(40 < quality < 50 for quality in made)


def test_a_rate_out_of_reach_gives_the_end_of_the_ladder(photograph):
  codec, picture = codecs.get("jpeg"), photograph(64, 96)
  low, high = codec.qualities[0], codec.qualities[-1]
  assert equal_rate.nearest(codec, picture, 1e-3).quality == low
  assert equal_rate.nearest(codec, picture, 99.0).quality == high


def test_no_rate_is_refused(photograph):
  with pytest.raises(ValueError, match="above 0 bits per pixel"):
    equal_rate.nearest(codecs.get("jpeg"), photograph(8, 8), 0)
