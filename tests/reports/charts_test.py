"""Numbers as colours."""

import sys

import numpy as np
import pytest

from tfpercept.reports import charts


def test_colors_run_from_black_to_yellow_and_stop_there():
  found = charts.colored(np.array([[-1.0, 0.0, 0.5, 1.0, 2.0]]))[0]
  assert found.dtype == np.uint8
  np.testing.assert_array_equal(found[0], found[1])
  np.testing.assert_array_equal(found[3], found[4])
  assert found[1].sum() < 10
  assert (found[3, :2] > 240).all()
  assert found[1].sum() < found[2].sum() < found[3].sum()


def test_a_heat_map_leaves_out_what_is_no_number():
  one = charts.heat_map(
    np.array([[0.5]]), ["a"], ["b"], span=(0.0, 1.0), title="t"
  )
  none = charts.heat_map(
    np.array([[np.nan]]), ["a"], ["b"], span=(0.0, 1.0), title="t"
  )
  assert one.dtype == np.uint8
  assert one.shape == none.shape
  assert (none == 255).mean() > (one == 255).mean()


def test_a_band_shows_its_interval_where_there_is_one():
  curve = np.array([[1.0, 2.0, 5.0], [9.0, 5.0, 2.0]])
  wide = {"a": np.concatenate([curve, curve[1:] - 1, curve[1:] + 1])}
  none = {"a": np.concatenate([curve, np.full([2, 3], np.nan)])}
  drawn, plain = (charts.bands(s, x="n", y="error") for s in (wide, none))
  assert drawn.shape == plain.shape
  assert drawn.dtype == np.uint8
  # The band is pale; ink and grid are there without it.
  assert (drawn < 255).any(axis=-1).sum() > (plain < 255).any(axis=-1).sum()


@pytest.mark.parametrize(
  "draw",
  [
    lambda: charts.colored(np.zeros([1, 1])),
    lambda: charts.heat_map(
      np.zeros([1, 1]), ["a"], ["b"], span=(0.0, 1.0), title="t"
    ),
    lambda: charts.bands({"a": np.ones([4, 2])}, x="x", y="y"),
  ],
)
def test_without_matplotlib_the_error_says_what_to_install(draw, monkeypatch):
  monkeypatch.setitem(sys.modules, "matplotlib", None)
  with pytest.raises(ValueError, match="pip install 'tfpercept"):
    draw()


def test_lines_are_svg_in_the_colour_of_text_and_repeat():
  drawn = [
    charts.Line("ours", [0.1, 0.5, 2.0], [20.0, 25.0, 90.0]),
    charts.Line("<theirs>", [0.1, 0.5], [19.0, 24.0], is_behind=True),
  ]
  options = {"x": "rate", "y": "dB", "title": "a < b"}
  chart = charts.lines(drawn, **options)
  assert chart.startswith('<svg role="img" aria-label="a &lt; b"')
  assert "currentColor" in chart
  assert "&lt;theirs&gt;" in chart
  assert chart == charts.lines(drawn, **options)
  # Within the span is nothing above 25 dB.
  assert ">80<" in chart
  assert ">80<" not in charts.lines(drawn, span=(0, 1), **options)


def test_a_sheet_has_the_very_pixels_side_by_side():
  random = np.random.default_rng(0)
  shown = {
    text: random.integers(0, 256, (40, 60, 3), np.uint8)
    for text in ("original", "jpeg\n900 bytes\npsnr 30 dB", "webp\n901 bytes")
  }
  sheet = charts.sheet("kodim01", shown)
  height, width, _ = sheet.shape
  assert width == 3 * (60 + 8) + 8
  row = height - 40 - 8
  for place, image in enumerate(shown.values()):
    left = 8 + place * 68
    found = sheet[row : row + 40, left : left + 60]
    np.testing.assert_array_equal(found, image)
  # Text above each picture, and white to the right of the title.
  for left in (8, 76, 144):
    assert sheet[20:row, left : left + 40].min() < 128


def test_a_sheet_of_grey_and_of_several_sizes():
  grey = np.full([20, 30, 1], 7, np.uint8)
  assert (charts.sheet("a", {"b": grey})[-20, 20] == 7).all()
  with pytest.raises(ValueError, match=r"\(20, 30\), \(21, 30\)"):
    charts.sheet("a", {"b": grey, "c": np.zeros([21, 30, 3], np.uint8)})
  with pytest.raises(ValueError, match="pictures of one size"):
    charts.sheet("a", {})


def test_panels_draw_each_series_on_its_own_axes():
  line = {"": ([1, 2], [3.0, 4.0])}
  one = charts.panels({"a": line}, x="step")
  two = charts.panels(
    {"a": line, "b": {"": ([1, 2], [float("nan"), 4.0])}}, x="step"
  )
  assert two.shape == (one.shape[0], 2 * one.shape[1], 3)
  five = charts.panels(dict.fromkeys("abcde", line), x="step")
  assert five.shape == (2 * one.shape[0], 4 * one.shape[1], 3)
  with pytest.raises(ValueError, match="at least one series"):
    charts.panels({}, x="step")


def test_a_curve_has_one_color_on_all_axes_of_panels():
  line = ([1, 2], [3.0, 4.0])
  alone, shown = (
    charts.panels({"a": lines, "b": {"y": line}}, x="step")
    for lines in ({"x": line}, {"x": line, "y": line})
  )
  half = alone.shape[1] // 2
  np.testing.assert_array_equal(alone[:, half:], shown[:, half:])
  assert not np.array_equal(alone[:, :half], shown[:, :half])


_FORMULA = "$5_$6 {$\\phantom$}"  # of which matplotlib would make an error


@pytest.mark.parametrize(
  "draw",
  [
    lambda name: charts.lines(
      [charts.Line(name, [0.0], [1.0])], x=name, y=name, title=name
    ),
    lambda name: charts.planes(
      [charts.Plane(name, name, {name: [(name, 0.0, 1.0)]})], title=name
    ),
    lambda name: charts.heat_map(
      np.zeros([1, 1]), [name], [name], span=(0.0, 1.0), title=name
    ),
    lambda name: charts.bands({name: np.ones([4, 2])}, x=name, y=name),
    lambda name: charts.panels({name: {name: ([1], [1.0])}}, x=name),
    lambda name: charts.sheet(name, {name: np.zeros([8, 8, 3], np.uint8)}),
  ],
)
def test_names_are_no_formulas(draw):
  drawn = draw(_FORMULA)
  if isinstance(drawn, str):
    assert _FORMULA in drawn
