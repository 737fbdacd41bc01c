"""What charts of toy codecs show changes with what they are given."""

import sys

import numpy as np
import pytest

from tfpercept.evaluation.toy_sources import cells as toy_cells
from tfpercept.evaluation.toy_sources import charts, transform_gains


def plane(labels):
  return toy_cells.Cells(
    (-1.0, 1.0, -1.0, 1.0),
    labels,
    np.zeros([1, 2]),
    np.ones(1),
    np.ones([4, 4]),
  )


def test_borders_are_drawn_between_cells_alone():
  one = np.zeros([50, 50], int)
  two = one.copy()
  two[:, 25:] = 1
  whole, halves = (charts.cells(plane(labels)) for labels in (one, two))
  assert whole.dtype == np.uint8
  assert whole.shape == halves.shape
  changed = (whole != halves).any(axis=-1)
  rows, columns = np.nonzero(changed)
  # A vertical line, somewhat right of the middle, where the axis is.
  assert np.ptp(rows) > 300
  assert np.ptp(columns) < 20


def test_curves_are_drawn_for_all_that_is_given():
  x = np.linspace(-2, 2, 50)
  curves = {"a": np.round(x), "b": x / 2}
  both = charts.transfer(curves, x)
  assert (both != charts.transfer({"a": np.round(x)}, x)).any()
  functions = charts.functions(np.stack([x, -x]))
  assert (functions != charts.functions(x[None])).any()


def test_dashed_curves_are_added():
  values = transform_gains.spectrum(0.9)
  curve = transform_gains.ideal(values, levels=np.geomspace(1e-3, 10, 30))
  rounded = transform_gains.quantized(values[::256], steps=np.array([0.2, 2.0]))
  plain = charts.rate_distortion({"a": curve}, dashed={})
  more = charts.rate_distortion({"a": curve}, dashed={"a": rounded})
  assert plain.shape == more.shape
  assert (plain != more).any()


def test_the_absence_of_matplotlib_is_answered_with_its_extra(monkeypatch):
  monkeypatch.setitem(sys.modules, "matplotlib", None)
  with pytest.raises(ValueError, match=r"tfpercept\[report\]"):
    charts.functions(np.zeros([1, 2]))
