"""The table of small pictures from its flags to its page."""

import numpy as np

from tests.codecs import small_generators
from tests.smoke import runs


def test_the_table_has_all_methods_and_the_page_its_pictures(tmp_path):
  data = tmp_path / "small.npz"
  np.savez(
    data,
    x_train=small_generators.pictures(12),
    x_test=small_generators.pictures(3, seed=8),
  )
  model = small_generators.save("pca", tmp_path / "m")
  done = runs.run(
    "inversion_table", f"--data={data}", "--side=32", "--pictures=3",
    "--photo=", f"--models=mine={model}", "--residuals=16",
    f"--out={tmp_path}/out",
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  text = (tmp_path / "out" / "table.md").read_text()
  assert text.strip() == done.stdout.strip()
  for name in (
    "PNG",
    "K-means",
    "JPEG, quality 1 |",
    "PCA",
    "mine beside PCA",
    "| PCA, residual 16 |",
    "| mine, residual 16 |",
  ):
    assert name in text
  assert "proves nothing" in text
  page = (tmp_path / "out" / "report.html").read_text()
  # Originals and eight methods on both parts.
  assert page.count("<img") == 2 * 3 * 9
  done = runs.run(
    "inversion_table", f"--data={data}", "--models=no name",
    f"--out={tmp_path}/out",
  )  # fmt: skip
  assert done.returncode == 1 and "NAME=RUN" in done.stderr

  whole = tmp_path / "whole.npz"
  np.savez(whole, small_generators.pictures(12))
  done = runs.run(
    "inversion_table", f"--data={whole}", "--side=32", f"--models=mine={model}",
    f"--out={tmp_path}/out",
  )  # fmt: skip
  assert done.returncode == 1 and "has no part 'test'" in done.stderr
