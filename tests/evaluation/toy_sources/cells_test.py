"""Cells are where codecs say so."""

import numpy as np
import pytest

from tfpercept import models
from tfpercept.data import toy
from tfpercept.evaluation.toy_sources import cells


def quantizer(points, weight=100.0):
  points = np.asarray(points, np.float32)
  codec = models.ToyVectorQuantizer(
    dimensions=points.shape[1], entries=len(points), weight=weight
  )
  codec.start(points)
  return codec


def test_borders_of_equally_likely_entries_lie_half_way():
  codec = quantizer([[-0.5, 0], [0.5, 0], [40, 40]])
  found = cells.cells(codec, toy.get("circle"), side=101, count=2000)
  left, right, bottom, top = found.extent
  assert left < -1 and right > 1 and bottom < -1 and top > 1
  # Rows run upwards, columns to the right; both cells are halves of the plane.
  assert len(np.unique(found.labels)) == 2
  assert (found.labels == found.labels[:1]).all()
  columns = np.linspace(left, right, 101)
  border = columns[np.flatnonzero(np.diff(found.labels[0]))[0]]
  assert border == pytest.approx(0, abs=(right - left) / 100)
  np.testing.assert_array_equal(
    found.points[np.argsort(found.points[:, 0])], [[-0.5, 0], [0.5, 0]]
  )
  # Standard error 0.011.
  np.testing.assert_allclose(found.shares, 0.5, atol=0.05)
  assert found.density.sum() > 1980  # nearly all are in the picture


def test_the_sphere_is_a_map_of_longitude_and_height():
  codec = quantizer([[0, 0, 0.7], [0, 0, -0.7]])
  found = cells.cells(codec, toy.get("sphere"), side=51, count=500)
  assert found.extent == (-180, 180, -1, 1)
  np.testing.assert_array_equal(np.sort(found.points[:, 1]), [-1, 1])
  assert (found.labels[:25] == found.labels[0, 0]).all()  # the south
  assert (found.labels[26:] == found.labels[-1, 0]).all()
  assert found.labels[0, 0] != found.labels[-1, 0]


@pytest.mark.parametrize(
  ("spec", "expected"),
  [("banana", True), ("sphere", True), ("laplace", False), ("ramp", False),
   ("sphere(dimensions=4)", False)],
)  # fmt: skip
def test_only_planes_and_the_sphere_have_cells(spec, expected):
  source = toy.get(spec)
  assert cells.has_cells(source) is expected
  if not expected:
    with pytest.raises(ValueError, match="plane or on a sphere"):
      cells.cells(quantizer([[0.0]]), source)


def test_a_transfer_curve_is_a_staircase():
  codec = quantizer([[-1.0], [0.0], [2.0]])
  found = cells.transfer(codec, np.array([-9.0, -0.6, -0.4, 0.9, 1.1]))
  np.testing.assert_array_equal(found, [-1, -1, 0, 0, 2])


def test_functions_come_by_falling_use():
  source = toy.get("ramp(points=8)")
  x = source.test_set(40, 5).numpy()
  codec = quantizer(x)
  found = cells.functions(codec, source, most=5)
  assert found.shape == (5, 8)
  uses = np.unique(
    codec.code(source.test_set(10_000, 0)).symbols, return_counts=True
  )
  order = uses[0][np.argsort(-uses[1], kind="stable")[:5]]
  np.testing.assert_array_equal(found, x[order])
