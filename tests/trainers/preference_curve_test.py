"""The curve of a training is read, or named."""

import pytest

from trainers import preference_curve


def test_a_damaged_curve_is_named(tmp_path):
  for text in ("{", "[1]", '{"a": 1}', '{"1": null}'):
    (tmp_path / "curve.json").write_text(text)
    with pytest.raises(ValueError, match=r"curve\.json is damaged"):
      preference_curve.read(tmp_path / "curve.json")
