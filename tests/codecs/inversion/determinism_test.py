"""A file of a latent is one picture, whatever the process computes with."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.codecs import determinism
from tests.codecs.inversion import released_test
from tfpercept.io import files


@pytest.mark.parametrize(
  "settings",
  [
    {"TF_NUM_INTRAOP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"},
    {"TF_NUM_INTRAOP_THREADS": "8", "ONEDNN_MAX_CPU_ISA": "AVX2"},
  ],
  ids=["1 thread, no oneDNN", "8 threads, AVX2"],
)
def test_processes_with_other_kernels_make_pictures_a_level_apart_at_most(
  tmp_path, settings
):
  coded = sorted(released_test.FOLDER.glob("*.tfp"))
  subprocess.run(
    [
      *(sys.executable, "-m", "tfpercept.cli", "decompress"),
      *(*map(str, coded), f"--out={tmp_path}"),
    ],
    env={**os.environ, **settings},
    check=True,
  )
  assert len(coded) == len(released_test.SYMBOLS)
  for path in coded:
    # The picture of the machine that wrote the file.
    expected = files.read_image(path.with_suffix(".png")).astype(int)
    found = files.read_image(tmp_path / f"{path.stem}.png")
    apart = np.abs(found - expected)
    assert apart.max() <= determinism.LEVELS
    assert np.mean(apart > 0) < 0.01
