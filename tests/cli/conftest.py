"""What tests of several commands need."""

import pytest

from tests.codecs import small_models


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, photograph):
  """A run folder with a small codec that was never trained."""
  folder = tmp_path_factory.mktemp("runs") / "small"
  small_models.save(folder / "model", photograph(64, 64, 3))
  return folder
