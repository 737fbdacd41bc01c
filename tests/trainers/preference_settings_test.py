"""Settings of a training on choices are refused before the work."""

import pytest

from trainers import preference_settings


@pytest.mark.parametrize("epochs", [3, 7])
def test_an_odd_number_of_epochs_is_refused(epochs):
  with pytest.raises(ValueError, match=f"1 or even; got --epochs={epochs}"):
    preference_settings.Settings(data=("choices",), epochs=epochs)


@pytest.mark.parametrize("epochs", [0, 1, 2, 10])
def test_an_even_number_of_epochs_is_taken(epochs):
  own = preference_settings.Settings(data=("choices",), epochs=epochs)
  assert own.epochs == epochs
