"""The table of probes is trained, printed, and not computed twice."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import models, registry
from tfpercept.evaluation.probing import published as probing_published
from tfpercept.io import files

ROOT = pathlib.Path(__file__).parents[2]
_PEOPLE, _EACH, _SIDE = 6, 15, 32


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
  """Six people, each a stripe somewhere, lit from fifteen sides."""
  random = np.random.default_rng(0)
  identity = np.repeat(np.arange(_PEOPLE), _EACH).astype(np.uint8)
  azimuth = random.integers(-90, 91, len(identity)).astype(np.int16)
  elevation = random.integers(-40, 41, len(identity)).astype(np.int16)
  rows, columns = np.mgrid[:_SIDE, :_SIDE] / (_SIDE - 1) * 2 - 1
  light = 128 + 0.6 * azimuth[:, None, None] * columns
  light = light + elevation[:, None, None] * rows
  light[np.arange(len(identity)), 4 * identity + 4] += 60
  path = tmp_path_factory.mktemp("faces") / "faces.npz"
  np.savez(
    path,
    images=np.clip(light, 0, 255).astype(np.uint8),
    identity=identity,
    azimuth=azimuth,
    elevation=elevation,
  )
  return path


def _table(*flags):
  return runs.run("probe_table", *flags)


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
  """Trains two losses for two steps each, and probes their codes."""
  folder = tmp_path_factory.mktemp("table")
  preset = folder / "tiny.flags"
  lines = [
    *("--loss=mse", "--loss=mae", f"--data={faces}", f"--side={_SIDE}"),
    *("--widths=4", "--code=5", "--held_out=0", "--batch=8", "--steps=9"),
  ]
  preset.write_text("\n".join(lines))
  flags = [f"--out={folder / 'out'}", f"--data={faces}", f"--preset={preset}"]
  flags += ["--seeds=1", "--labels=1,4", "--steps=2"]
  done = _table(*flags)
  assert done.returncode == 0, done.stderr
  return folder / "out", flags, done


def test_networks_are_trained_and_their_codes_probed(trained):
  out, _, done = trained
  lines = done.stdout.splitlines()
  assert lines[0].startswith("| codes | interval over | identity, % | pub")
  methods = [line.split(" | ")[0][2:] for line in lines[2:8]]
  assert methods == [
    *("mse", "mae", "untrained encoder", "PCA", "pixels", "chance"),
  ]
  assert "| mse | 5 folds | " in lines[2]
  assert " | 277.46 | " in lines[2]
  assert "| pixels | 5 folds | " in lines[6]
  assert "Error of identity in %, by labels a person:" in lines
  assert "so nobody wins" in lines[-1]
  assert (out / "table.md").read_text() == done.stdout
  assert (out / "label_budget.png").read_bytes().startswith(b"\x89PNG")
  values = json.loads((out / "table.json").read_text())
  assert len(values["mse"]["azimuth, new people"]["folds"]["0"]) == 5


def test_pixels_tell_who_it_is_and_chance_does_not(trained):
  values = json.loads((trained[0] / "table.json").read_text())
  assert values["pixels"]["identity"]["value"] < 10
  assert values["chance"]["identity"]["value"] == pytest.approx(500 / 6, abs=1)
  pixels, chance = (values[m]["azimuth"]["value"] for m in ("pixels", "chance"))
  assert pixels < 0.2 * chance


def test_the_number_of_steps_replaces_that_of_the_preset(trained):
  run = json.loads((trained[0] / "seed_0" / "mse" / "run.json").read_text())
  assert run["steps"] == 2


def test_what_is_done_is_not_done_again(trained):
  out, flags, done = trained
  kept = {path: path.stat().st_mtime_ns for path in out.rglob("*.json")}
  again = _table(*flags)
  assert again.returncode == 0, again.stderr
  assert again.stdout == done.stdout
  assert again.stderr.count("trained already") == 1
  probed = {p for p in kept if p.parent.name == "probes"}
  assert len(probed) == 2 * 5
  assert {p: p.stat().st_mtime_ns for p in probed} == {
    p: kept[p] for p in probed
  }


def test_runs_of_more_seeds_are_not_in_a_table_of_fewer(trained):
  out, flags, done = trained
  shutil.copytree(out / "seed_0", out / "seed_1")
  try:
    again = _table(*flags)
  finally:
    shutil.rmtree(out / "seed_1")
  assert again.stdout == done.stdout


def test_trained_networks_are_probed_and_all_losses_answered(faces, tmp_path):
  for spec in ("ms_ssim(scales=1)", "mae", "mse"):
    network = models.Autoencoder(side=_SIDE, code=4, widths=(4,), seed=3)
    network.build()
    models.save(
      network,
      tmp_path / spec[:3] / "model",
      objective=spec,
      training={"seed": 3},
    )
  done = _table(
    f"--models={tmp_path}",
    f"--out={tmp_path / 'out'}",
    f"--data={faces}",
    "--labels=",
  )
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  assert [line.split(" | ")[0][2:] for line in lines[2:5]] == [
    *("mse", "mae", "ms_ssim(scales=1)"),
  ]
  # The networks are the same but for the name of the loss.
  assert "- azimuth: ms_ssim(scales=1) against mse: undecided, +0.0 " in (
    done.stdout
  )
  assert lines[-1] == (
    "ms_ssim(scales=1) wins against both on 0 of 3 questions of the paper."
  )
  assert not (tmp_path / "out" / "label_budget.png").exists()


def test_a_folder_without_networks_ends_in_one_line(faces, tmp_path):
  done = _table(f"--out={tmp_path}", f"--data={faces}", f"--models={tmp_path}")
  assert done.returncode == 1
  assert done.stderr.strip().splitlines()[-1] == (
    f"error: no trained network below {tmp_path}"
  )


@pytest.mark.parametrize("value", ["0", "x"])
def test_numbers_of_labels_are_checked(tmp_path, value):
  done = _table(f"--out={tmp_path}", f"--labels=2,{value}")
  assert done.returncode == 1
  assert "whole numbers above 0; got" in done.stderr.strip().splitlines()[-1]


def test_the_preset_trains_the_published_losses_on_all_pictures():
  preset = ROOT / "trainers/presets/yaleb_autoencoder.flags"
  lines = preset.read_text().splitlines()
  losses = [x.removeprefix("--loss=") for x in lines if x.startswith("--loss=")]
  terms = [registry.parse_spec(loss)[0] for loss in losses]
  assert {term.name for term in terms} == set(probing_published.SNELL)
  # Windows that do not see the borders are compared with two forms that do.
  seen = [t.options.get("border") for t in terms if t.name == "ms_ssim"]
  assert seen == [None, "mirror", "mirror"]
  assert "--held_out=0" in lines


def test_a_page_shows_what_the_trained_networks_rebuild(trained):
  page = trained[0] / "page.html"
  done = runs.run(
    *("reconstruction_page", f"--models={trained[0]}", f"--out={page}"),
    *("--pictures=3", "--distances=mse,ssim"),
    f"--folders={trained[0] / 'folders'}",
  )
  assert done.returncode == 0, done.stderr
  assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
    *("mse", "ssim", str(page)),
  ]
  text = page.read_text()
  assert "3 of 90 those trained on" in text
  assert text.count('alt="Picture 1: mae"') == 1
  assert "mse: loss" in text
  folders = sorted(path.name for path in (trained[0] / "folders").iterdir())
  assert {"mae", "mse", "originals"} <= set(folders)
  for name in folders:
    found = files.list_images(trained[0] / "folders" / name)
    assert [path.name for path in found] == [f"{i:04d}.png" for i in range(3)]
