"""The trainer of HiFiC through both stages, to files that decode."""

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import codecs, models
from tfpercept.io import files
from trainers import training_chart

SMALL = (
  "--base=2", "--latents=6", "--blocks=1", "--hyper_width=4",
  "--hyper_latents=4", "--linear",
)  # fmt: skip
TRAINING = (
  "--patch=64", "--batch=2", "--precision=float32", "--loss=mae",
  "--held_out=1", "--learning_rate=1e-3",
)  # fmt: skip
SECOND = (
  *TRAINING, "--stage=adversarial", "--critic_widths=4,4", "--critic_warmup=1",
  "--rate_control=dual",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photograph):
  place = tmp_path_factory.mktemp("photos")
  for i in range(3):
    files.write_image(place / f"{i}.png", photograph(100, 120, seed=i))
  return place


def same(pair):
  manifests = [models.load(run)[1] for run in pair]
  assert manifests[0]["sha256"] == manifests[1]["sha256"]
  assert manifests[0]["files"] == manifests[1]["files"]
  return manifests[0]


def same_curves(pair):
  """Curves are drawn at the end, of the steps before a kill as well."""
  drawn = [(run / training_chart.FILE).read_bytes() for run in pair]
  assert drawn[0] == drawn[1]


def test_both_stages_survive_a_kill_and_end_with_a_codec(tmp_path, folder):
  first, killed = runs.unbroken_and_killed(
    tmp_path / "first", "hific", f"--data={folder}", *TRAINING, *SMALL,
    "--steps=3", "--interval=2",
  )  # fmt: skip
  begun = same((first, killed))
  assert begun["training"]["settings"]["stage"] == "perceptual"
  assert begun["training"]["skip_nonfinite"] == 10
  second = runs.unbroken_and_killed(
    tmp_path / "second", "hific", f"--data={folder}", *SECOND,
    f"--initial={first}", "--steps=5", "--interval=2",
  )  # fmt: skip
  ended = same(second)
  assert ended["training"]["settings"]["initial"] == begun["sha256"]
  assert ended["sha256"] != begun["sha256"]
  same_curves(second)
  codec = codecs.get(f"hyperprior(model={str(second[0])!r})")
  picture = files.read_image(folder / "0.png")
  again = codec.decompress(codec.compress(picture))
  assert np.mean((again - picture.astype(float)) ** 2) < 3000
  _refuses(tmp_path, folder, first)


def _refuses(place, folder, first):
  """Mistakes are answered in a line, and nothing is written."""
  for flags, message in (
    ((*SECOND, f"--initial={first}", "--base=4"), "drop --base"),
    ((*TRAINING, *SMALL, "--rate_weights=1,2"), "the larger one first"),
  ):
    out = place / "refused"
    done = runs.run("hific", f"--data={folder}", *flags, f"--out={out}")
    assert done.returncode == 1
    assert message in done.stderr.strip().splitlines()[-1]
    assert not (out / "model").exists()
