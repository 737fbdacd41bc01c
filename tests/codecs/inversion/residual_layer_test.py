"""The residual layer: exact symbols, rate against error, and damage."""

import hashlib

import numpy as np
import pytest

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.inversion import residual_layer


def residual(height=45, width=70, channels=3, size=20.0, seed=0):
  """Noise in one half of the picture, and zeros in the other."""
  random = np.random.default_rng(seed)
  found = random.normal(0, size, (height, width, channels)).astype(np.float32)
  found[:, width // 2 :] = 0
  return found


def again(rest, step):
  """The string of a residual, and what is read of it."""
  string = residual_layer.write(rest, step)
  return string, residual_layer.read(string, *rest.shape)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (45, 70), (16, 129)])
def test_what_is_read_are_the_symbols_that_were_written(size, channels):
  rest = residual(*size, channels)
  string, kept = again(rest, 16.0)
  assert kept.shape == rest.shape
  room = [(0, -n % 8) for n in size]
  whole = np.pad(rest, [*room, (0, 0)], mode="edge")
  wanted = residual_layer._quantized(
    np.concatenate(
      [
        residual_layer._forward(whole[at : at + 8]) / 16.0
        for at in range(0, len(whole), 8)
      ]
    )
  )
  read = residual_layer.read(string, *whole.shape)
  np.testing.assert_array_equal(symbols_of(read, 16.0), wanted)
  assert np.square(kept - rest).mean() < 16.0**2 / 8
  assert len(string) <= 64 + 8 * residual_layer.count(*size, channels)


def test_smaller_steps_take_more_bytes_and_come_nearer():
  rest = residual()
  # Steps far above the noise make zeros of it all.
  steps = [step for step in residual_layer.STEPS if step <= 64]
  found = [again(rest, step) for step in steps]
  sizes = [len(string) for string, _ in found]
  errors = [np.square(kept - rest).mean() for _, kept in found]
  assert sizes == sorted(sizes, reverse=True)
  assert errors == sorted(errors)
  # Half of the picture has the error of uniform rounding, a twelfth of a
  # squared step, and that of the dead zone on top.
  half = residual_layer.STEPS[0] ** 2 / 12 / 2
  assert half < errors[0] < 2 * half


def test_the_rate_is_near_the_entropy_of_the_symbols():
  """Of Laplacian coefficients that fall with their frequency."""
  random = np.random.default_rng(0)
  fall = 0.75 ** np.add.outer(np.arange(8), np.arange(8)).ravel()
  coefficients = random.laplace(0, 80 * fall, (16, 16, 1, 64))
  rest = np.concatenate(
    [residual_layer._backward(np.float32(row)) for row in coefficients]
  )
  string, kept = again(rest, 16.0)
  symbols = symbols_of(kept, 16.0)[:, 0]
  bits = 0.0
  for of_frequency in symbols.T:
    shares = np.unique(of_frequency, return_counts=True)[1] / len(symbols)
    bits -= (shares * np.log2(shares)).sum() * len(symbols)
  assert bits / 8 < len(string) < 1.1 * bits / 8


def symbols_of(kept, step):
  """The symbols `[blocks, C, 64]` of a residual of whole blocks."""
  rows = [
    residual_layer._forward(kept[at : at + 8]) for at in range(0, len(kept), 8)
  ]
  return np.round(np.concatenate(rows) / step).astype(int)


def test_a_residual_of_zeros_takes_a_few_bytes():
  string, kept = again(np.zeros((64, 64, 3), np.float32), 32.0)
  assert len(string) <= 6
  assert not kept.any()


@pytest.mark.parametrize("step", residual_layer.STEPS)
@pytest.mark.parametrize(
  "color", [(255,), (255, 255, 255), (255, 0, -255), (255, -255, 255)]
)
def test_the_largest_differences_are_stored(step, color):
  """Each color is as far as it goes in one of the transformed channels."""
  rest = np.full((8, 16, len(color)), color, np.float32)
  rest[:, 8:] *= -1
  _, kept = again(rest, step)
  # The only coefficient of a block is its mean, times 8.
  assert np.abs(kept - rest).max() <= 0.75 * step / 8 * len(color) ** 0.5 + 1e-3


def test_the_transform_is_orthonormal():
  row = residual(8, 24)
  coefficients = residual_layer._forward(row)
  assert np.square(coefficients).sum() == pytest.approx(np.square(row).sum())
  np.testing.assert_allclose(
    residual_layer._backward(coefficients), row, atol=1e-4
  )


def test_the_tables_and_their_choice_are_what_they_were():
  """Files are read by them for ever; they follow from whole numbers alone."""
  coded = residual_layer._tables()
  digest = hashlib.sha256()
  every = np.arange(residual_layer._CLASSES, dtype=np.int32)
  for array in (
    coded.tables.ends, coded.tables.starts, coded.offsets,
    coded.of_classes(every), coded.of_blocks(every),
  ):  # fmt: skip
    digest.update(array.astype("<i4").tobytes())
  assert digest.hexdigest() == (
    "13b7acd72f578b9362672da795670554ef45e3485de1e38e2d97bad62b83ada3"
  )
  assert len(coded.tables.last) == 46


def test_strings_of_no_residual_are_refused_or_end():
  """What chance makes of a string is found by the checksum of the file."""
  rest = residual()
  string = residual_layer.write(rest, 32.0)
  with pytest.raises(CorruptStream):
    residual_layer.read(string + b"\1", *rest.shape)
  random = np.random.default_rng(1)
  refused = 0
  for _ in range(50):
    noise = random.bytes(len(string))
    try:
      assert np.isfinite(residual_layer.read(noise, *rest.shape)).all()
    except CorruptStream:
      refused += 1
  assert refused > 40


@pytest.mark.parametrize("step", [7.9, 256.5, 0, -8])
def test_steps_out_of_range_are_refused(step):
  with pytest.raises(ValueError, match="steps from 8 to 256 levels of 255"):
    residual_layer.nearest(step)


def test_the_nearest_step_is_taken():
  assert residual_layer.nearest(33) == pytest.approx(32)
  assert residual_layer.nearest(8) == residual_layer.STEPS[0]
