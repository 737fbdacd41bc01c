"""Coding tables of latents."""

import numpy as np
import pytest

from tfpercept.codecs.base import CorruptStream
from tfpercept.codecs.inversion import latent_tables

STEPS = np.float32([2.0, 0.5])


@pytest.fixture(scope="module")
def kept():
  random = np.random.default_rng(0)
  deviations = np.array([0.01, 0.3, 2.0, 40.0])
  return latent_tables.make(
    (random.normal(size=(4000, 4)) * deviations).astype(np.float32), STEPS
  )


def test_symbols_come_back_and_take_about_their_entropy(kept):
  coding = latent_tables.checked(kept)
  random = np.random.default_rng(1)
  z = random.normal(size=(500, 4)) * [0.01, 0.3, 2.0, 40.0]
  for level, step in enumerate(STEPS):
    symbols = np.clip(np.round(z / step), *coding.limits(level))
    symbols = symbols.astype(np.int32)
    string = coding.write(symbols.ravel(), level)
    again = coding.read(string, len(z), level)
    np.testing.assert_array_equal(again.reshape(symbols.shape), symbols)
    bits = coding.bits(symbols, level)
    assert abs(8 * len(string) - bits.sum()) < 40
    # A normal of many steps' deviation has log2(deviation sqrt(2 pi e)) bits.
    wide = np.log2(40 / step * np.sqrt(2 * np.pi * np.e))
    assert abs(bits[:, 3].mean() - wide) < 0.15
    assert bits[:, 0].mean() < 0.01


def test_a_latent_takes_the_table_that_codes_it_shortest(kept):
  coding = latent_tables.checked(kept)
  # That of the wide latent reaches farther than that of the narrow one.
  low, high = coding.limits(1)
  assert (high == -low).all()
  assert high[0] <= high[1] < high[2] < high[3] <= latent_tables.MAX_SYMBOL


def test_economical_symbols_cost_less_in_bits_and_errors_together(kept):
  coding = latent_tables.checked(kept)
  random = np.random.default_rng(2)
  values = random.normal(size=(2000, 4)) * [0.02, 0.6, 4.0, 80.0]
  plain = np.clip(np.round(values), *coding.limits(1)).astype(np.int32)
  found = coding.economical(values, 1)
  bits, errors = (
    [f(s) for s in (plain, found)]
    for f in (
      lambda s: coding.bits(s, 1).sum(), lambda s: np.square(s - values).sum()
    )
  )  # fmt: skip
  assert bits[1] < 0.99 * bits[0]
  assert errors[1] + latent_tables.PRICE * bits[1] < (
    errors[0] + latent_tables.PRICE * bits[0]
  )
  assert np.abs(found - plain).max() == 1


def test_a_wrong_end_is_found(kept):
  coding = latent_tables.checked(kept)
  string = coding.write(np.int32([0, 1, -2, 60]), 1)
  with pytest.raises(CorruptStream):
    coding.read(string + b"\x01", 1, 1)


@pytest.mark.parametrize(
  ("name", "value", "why"),
  [
    ("steps", np.float32([1.0]), "one finite quantizer step"),
    ("steps", np.float32([1.0, -1.0]), "above 0"),
    ("indexes", np.int32([[0, 99999]] * 2), "numbers from 0"),
    ("indexes", np.float32([[0]]), "indexes should be int32"),
    ("offsets", np.int32([0]), "an offset each"),
    ("tables", np.int32([3, 0, 9]), "no table"),
  ],
)
def test_other_arrays_are_refused(kept, name, value, why):
  with pytest.raises(ValueError, match=why):
    latent_tables.checked({**kept, name: value})
