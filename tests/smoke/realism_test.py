"""The trainer of realism heads, without and with a critic, to a picture."""

import numpy as np
import pytest

from tests.codecs import small_models
from tests.smoke import runs
from tfpercept import codecs, models
from tfpercept.io import files
from trainers import training_chart

SMALL = (
  "--loss=mae", "--patch=64", "--batch=2", "--precision=float32",
  "--widths=6,6,4,4", "--blocks=0,0,1,0", "--critic_widths=4,4",
  "--steps=4", "--interval=2", "--warm_up=1", "--ramp=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory, photograph):
  root = tmp_path_factory.mktemp("realism")
  small_models.save(root / "codec", photograph(64, 96))
  for i in range(2):
    path = root / "photos" / f"{i}.png"
    files.write_image(path, photograph(80, 96, seed=i))
  return root


def test_both_phases_survive_a_kill_and_make_a_head_that_decodes(place):
  common = (f"--codec={place / 'codec'}", f"--data={place / 'photos'}", *SMALL)
  gentle, killed = runs.unbroken_and_killed(
    place / "gentle", "realism", *common, "--adversarial=0"
  )
  shas = [models.load(run)[1]["sha256"] for run in (gentle, killed)]
  assert shas[0] == shas[1]
  judged, killed = runs.unbroken_and_killed(
    place / "judged", "realism", *common, f"--initial={gentle}",
  )  # fmt: skip
  found = [models.load(run)[1] for run in (judged, killed)]
  assert found[0]["sha256"] == found[1]["sha256"] != shas[0]
  assert (killed / training_chart.FILE).is_file()
  assert found[0]["training"]["settings"]["initial"] == shas[0]
  plain, real = (
    codecs.get(
      f"hyperprior(model={str(place / 'codec')!r}, realism={t}, "
      f"head={str(judged)!r})"
    )
    for t in (0.0, 1.0)
  )
  data = plain.compress(files.read_image(place / "photos" / "0.png"), quality=2)
  assert np.any(real.decompress(data) != plain.decompress(data))


def test_a_mistake_is_answered_in_a_line(place):
  done = runs.run(
    "realism", "--codec=srcnn_x4_mse", *SMALL, f"--out={place / 'none'}"
  )
  assert done.returncode == 1
  assert "codes no pictures" in done.stderr.strip().splitlines()[-1]
