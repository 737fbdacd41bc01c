"""The page of reconstructions shows and measures what it was given."""

import html.parser

import numpy as np
import pytest

from tfpercept import distances
from tfpercept.evaluation.generative import reconstruction_page
from tfpercept.evaluation.generative.reconstruction_page import Options
from tfpercept.reports import gallery

_QUICK = Options(differing=2, sampled=2, metrics=("mse", "mae"))


class _Words(html.parser.HTMLParser):
  """What a reader sees, and the pictures."""

  def __init__(self, page: str):
    super().__init__()
    self.text, self.pictures, self.marked = [], [], []
    self._is_marked = False
    self.feed(page)

  def handle_starttag(self, tag, attrs):
    attributes = dict(attrs)
    if tag == "img":
      self.pictures.append(attributes["alt"])
    self._is_marked = attributes.get("class") == "best"

  def handle_data(self, data):
    self.text.append(data)
    if self._is_marked and data.strip():
      self.marked.append(data)


def _pictures(count: int = 8, side: int = 16) -> np.ndarray:
  random = np.random.default_rng(0)
  return random.integers(0, 256, (count, side, side, 1), np.uint8)


def _off(x: np.ndarray, by: int) -> np.ndarray:
  return np.where(x < 128, x + by, x - by).astype(np.uint8)


def _write(tmp_path, x, made, options=_QUICK, **more):
  path = tmp_path / "page.html"
  means = reconstruction_page.write(path, "T", x, made, options, **more)
  return means, _Words(path.read_text())


def test_means_are_those_of_the_distances(tmp_path):
  x = _pictures()
  means, _ = _write(tmp_path, x, {"near": _off(x, 2), "far": _off(x, 10)})
  assert list(means) == ["mse", "mae"]
  # All pixels are off by as much, so each picture and resample has the value.
  for name, by in (("near", 2), ("far", 10)):
    # float32 means of 256 values
    assert means["mae"][name].value == pytest.approx(by / 255, rel=1e-5)
    assert means["mse"][name].high == pytest.approx((by / 255) ** 2, rel=1e-5)


def test_each_picture_is_shown_with_its_values_and_the_least_marked(tmp_path):
  x = _pictures(2)
  _, page = _write(tmp_path, x, {"near": _off(x, 2), "far": _off(x, 10)})
  assert page.pictures[:3] == [
    *("Picture 0: original", "Picture 0: near", "Picture 0: far"),
  ]
  assert page.marked[:2] == [f"{(2 / 255) ** 2:.3g}", f"{2 / 255:.3g}"]
  assert f"{10 / 255:.3g}" in page.text


def test_pictures_that_methods_disagree_on_come_first(tmp_path):
  x = _pictures()
  first, other = _off(x, 2), _off(x, 2)
  other[5], other[3] = _off(x[5], 90), _off(x[3], 60)
  # Far from the original, but all methods agree: this is no disagreement.
  first[1] = other[1] = _off(x[1], 120)
  _, page = _write(tmp_path, x, {"a": first, "b": other})
  order = [p.split(":")[0] for p in page.pictures if p.endswith(": original")]
  assert order[:2] == ["Picture 5", "Picture 3"]
  assert len(set(order)) == 4  # two more, at random, none twice
  assert "mse 0.119 apart" in " ".join(page.text)  # (88 / 255)^2


def test_spread_is_the_mean_over_pairs_in_the_stated_distance():
  x = _pictures(3) / np.float32(255)
  made = {"a": x * 0, "b": x * 0 + 0.5, "c": x * 0 + 1}
  apart = reconstruction_page.spreads(made, distances.get("mae"))
  np.testing.assert_allclose(apart, np.full(3, (0.5 + 1 + 0.5) / 3))
  alone = reconstruction_page.spreads({"a": x}, distances.get("mae"))
  np.testing.assert_array_equal(alone, np.zeros(3))


def test_the_sample_follows_from_the_seed(tmp_path):
  x = _pictures(30)
  made = {"only": _off(x, 2)}

  def drawn(seed):
    options = Options(sampled=3, seed=seed, metrics=("mse",))
    return _write(tmp_path, x, made, options)[1].pictures

  assert drawn(0) == drawn(0) != drawn(1)
  assert len(drawn(0)) == 6  # of one method there is no disagreement


def test_floats_and_bytes_of_the_same_pictures_give_the_same_page(tmp_path):
  x = _pictures()
  made = {"a": _off(x, 3)}
  floats = {"a": made["a"] / 255 + np.float64(0.001)}  # rounded away
  _write(tmp_path, x, made)
  page = (tmp_path / "page.html").read_bytes()
  _write(tmp_path, x / 255, floats)
  assert (tmp_path / "page.html").read_bytes() == page


def test_reconstructions_beyond_the_range_are_clipped(tmp_path):
  x = np.full((2, 16, 16, 3), 255, np.uint8)
  means, _ = _write(tmp_path, x, {"linear": np.full(x.shape, 1.3)})
  assert means["mse"]["linear"].value == 0


def test_the_page_is_whole_and_escapes_names(tmp_path):
  x = _pictures(2)
  conditions = {"<b>": "<i>"}
  _write(tmp_path, x, {"<script>": x}, conditions=conditions)
  page = (tmp_path / "page.html").read_text()
  assert "<script" not in page
  assert "&lt;script&gt;" in page
  assert "&lt;b&gt;" in page
  assert "src=" not in page.replace('src="data:', "")
  assert "href=" not in page


def test_distances_that_can_not_serve_are_named_with_the_reason(tmp_path):
  x = _pictures(2, side=12)
  options = Options(metrics=("mse", "lpips"))
  means, page = _write(tmp_path, x, {"a": x}, options)
  assert list(means) == ["mse"]
  assert "Left out" in page.text
  assert "lpips" in page.text
  with pytest.raises(ValueError, match="no distance can serve: lpips: "):
    _write(tmp_path, x, {"a": x}, Options(metrics=("lpips",)))


def test_equal_values_are_all_marked():
  x = np.zeros((2, 2, 1), np.uint8)
  text = gallery.scored("t", x, {"a": x, "b": x}, {"d": [0.5, 0.50001]})
  assert text.count('class="best"') == 2


def test_specs_may_break_where_their_options_begin():
  x = np.zeros((2, 2, 1), np.uint8)
  text = gallery.scored("t", x, {"f(<a)": x}, {"d(k=1, l=2)": [1.0]})
  assert "d(<wbr>k=1, <wbr>l=2)" in text
  assert "f(<wbr>&lt;a)" in text


@pytest.mark.parametrize(
  ("images", "made", "message"),
  [
    (np.zeros((2, 16, 16)), {"a": 0}, "images: expected pictures"),
    (np.zeros((0, 16, 16, 1)), {"a": 0}, "images: expected pictures"),
    (np.zeros((2, 16, 16, 1)), {}, "reconstructions of one method"),
    (np.full((2, 16, 16, 1), 255.0), {"a": 0}, r"floats are in \[0, 1\]"),
    (np.zeros((2, 16, 16, 1), int), {"a": 0}, "uint8 or finite floats"),
    (
      np.zeros((2, 16, 16, 1)),
      {"a": np.zeros((1, 16, 16, 1))},
      r"a: expected reconstructions \[2, 16, 16, 1\]; got \[1, 16, 16, 1\]",
    ),
    (
      np.zeros((2, 16, 16, 1)),
      {"a": np.full((2, 16, 16, 1), np.nan)},
      "a: expected uint8 or finite floats",
    ),
  ],
)
def test_what_are_no_pictures_is_refused(tmp_path, images, made, message):
  made = {k: images if isinstance(v, int) else v for k, v in made.items()}
  with pytest.raises(ValueError, match=message):
    _write(tmp_path, images, made)
  assert not list(tmp_path.iterdir())


def test_options_are_checked(tmp_path):
  with pytest.raises(ValueError, match="at least 0; got -1 and 6"):
    Options(differing=-1)
  x = _pictures(2)
  with pytest.raises(ValueError, match="unknown distance 'no_such'"):
    _write(tmp_path, x, {"a": x}, Options(spread="no_such"))
