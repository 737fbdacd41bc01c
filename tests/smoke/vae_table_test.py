"""The table of VAEs is printed, written and drawn from trained networks."""

import dataclasses
import json

import numpy as np
import pytest

from tests.smoke import runs
from tfpercept import distances, models
from tfpercept.evaluation.generative import samples
from tfpercept.io import files
from trainers import processes, vae_benchmark

FACES = vae_benchmark.BENCHMARKS["faces"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  folder = tmp_path_factory.mktemp("table")
  released = folder / "weights"  # whatever they are
  released.mkdir()
  for name in ("watson_dct", "watson_dft"):
    initial = distances.get(f"{name}(channels=1)").checkpoint()
    np.savez(released / f"{name}_gray.npz", **initial)
  pictures = np.random.default_rng(0).integers(0, 256, (40, 48, 48), np.uint8)
  np.savez(folder / "faces.npz", images=pictures)
  settings = {
    "data": [str(folder / "faces.npz")],
    "side": 48,
    "channels": 1,
    "fit": "resize",
    "held_out": 0.5,
    "batch": 4,
    "model": {},
    "nats_per_latent": 1.0,
  }
  trained = [
    (folder / f"seed_{seed}", {"latent": 3, "seed": seed}) for seed in (0, 1)
  ]
  for place, options in [*trained, (folder / "plane", {"latent": 2})]:
    losses = FACES.losses.values()
    benchmark = {vae_benchmark.folder_of(spec, place): spec for spec in losses}
    for run, spec in {place / "initial": "mse", **benchmark}.items():
      network = models.VAE(side=48, widths=(2, 2), **options)
      network.build()
      models.save(
        network,
        run / "model",
        objective=spec,
        beta=0.1,
        collapsed=spec == "mse",
        training={
          "steps": 2,
          "learning_rate": 0.1,
          "precision": "float32",
          "settings": settings,
        },
      )
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv("TFPERCEPT_WEIGHTS", str(released))
    done = runs.run(
      *("vae_table", "--table=faces", "--seeds=0,1", "--plane"),
      *("--samples=20", "--nocosts", "--compared=4", f"--out={folder}"),
    )
  assert done.returncode == 0, done.stderr
  return folder, done


def test_nothing_is_trained_twice(table):
  said = table[1].stderr
  assert said.count("trained already") == 3 * (len(FACES.losses) + 1)
  assert said.count("measured\n") == 2 * len(FACES.losses)


def test_the_table_is_printed_as_it_is_written(table):
  folder, done = table
  text = (folder / "table.md").read_text()
  assert text == done.stdout
  lines = text.splitlines()
  names = " | ".join(FACES.losses)
  assert f"| distance | {names} |" in lines
  assert f"| measure | held out | {names} |" in lines
  assert any(line.startswith("| mse | ") for line in lines)
  assert "2 trainings from different seeds" in text
  (theirs,) = (x for x in lines if x.startswith("| sharpness of the authors'"))
  assert theirs.endswith(" | 0.282 | 0.342 | 0.653 |")
  assert "| watson_dft(channels=1, weights='released') | " in text


def test_claims_are_answered_with_figures_where_they_were_measured(table):
  found = json.loads((table[0] / "table.json").read_text())
  assert set(found["rows"]) == set(FACES.losses)
  assert found["rows"]["SSIM"]["trainings"] == 2
  sharper, cheaper = found["answers"].values()
  assert sharper[0].startswith(("holds", "does not hold"))
  assert "Sharpness of samples: Watson-DFT " in sharper[1]
  assert cheaper == ["not measured", ""]


def test_the_page_shows_all_networks_and_what_collapsed(table):
  page = (table[0] / "report.html").read_text()
  for title in ("What holds here", "Samples", "Reconstructions", "The plane"):
    assert f"<h2>{title}" in page
  # Sheets of samples, ways and planes; six reconstructions in each row.
  losses = len(FACES.losses)
  assert page.count("<img ") == (losses + 1) + 2 * losses + 6 * (losses + 1)
  assert "MSE, seed 0, MSE, seed 1" in page
  assert str(table[0]) not in page


def test_samples_and_planes_are_pictures_of_their_own_too(table):
  losses = len(FACES.losses)
  for name, columns, count in (
    ("samples", 8, losses + 1),
    ("plane", 14, losses),
  ):
    picture = files.read_image(table[0] / f"{name}.png")
    sheet = 48 * columns + samples.GAP * (columns - 1)
    assert count * sheet < picture.shape[1] < count * (sheet + 10) + 10


def test_a_preset_that_can_not_be_trained_is_answered_in_a_line(tmp_path):
  done = runs.run(
    *("vae_table", "--table=faces"),
    *(f"--preset={tmp_path / 'no.flags'}", f"--out={tmp_path / 'out'}"),
  )
  assert done.returncode == 1
  assert done.stderr.strip().splitlines()[-1].startswith("error: ")


def test_a_loss_without_its_weights_is_left_out(tmp_path, monkeypatch):
  monkeypatch.setenv("TFPERCEPT_WEIGHTS", str(tmp_path))
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  losses, missing = vae_benchmark.at_hand(FACES)
  assert list(losses) == ["MSE", "SSIM", "Adaptive"]
  assert "tfpercept weights fetch watson_dft_gray" in missing["Watson-DFT"]


def test_a_loss_that_was_not_trained_is_left_out_where_asked(tmp_path):
  benchmark = dataclasses.replace(FACES, losses={"MSE": "mse", "SSIM": "ssim"})
  (tmp_path / "ssim" / "model").mkdir(parents=True)
  losses, missing = vae_benchmark.at_hand(benchmark, [tmp_path])
  assert losses == {"SSIM": "ssim"}
  assert missing == {"MSE": "not trained"}
  with pytest.raises(ValueError, match=r"nothing to compare \(MSE: not tra"):
    vae_benchmark.at_hand(benchmark, [tmp_path], [tmp_path / "other"])
  once = dataclasses.replace(benchmark, once=frozenset({"SSIM"}))
  found, _ = vae_benchmark.at_hand(once, [tmp_path], [tmp_path / "other"])
  assert found == losses


@pytest.mark.parametrize(
  ("name", "wanted"),
  [
    ("mnist", ["watson_dft", "ssim", "robust", "lpips"]),
    ("faces", ["mse", "ssim", "robust", "watson_dft"]),
  ],
)
def test_the_losses_of_a_benchmark_are_those_of_the_paper(name, wanted):
  benchmark = vae_benchmark.BENCHMARKS[name]
  heads = [spec.split("(")[0] for spec in benchmark.losses.values()]
  assert heads == wanted
  preset = (processes.PRESETS / f"vae_{name}.flags").read_text()
  assert "--loss" not in preset
  assert {*benchmark.betas, *benchmark.steps} <= {*benchmark.losses}
  # Of theirs, two more losses are known.
  others = {*benchmark.sharpness} - {*benchmark.losses}
  assert others in (set(), {"LPIPS-VGG", "LPIPS-SqueezeNet"})


def test_seeds_of_unequal_lengths_are_told_apart():
  lengths = {("MSE", 0): 30, ("MSE", 1): 3, ("SSIM", 0): 30, ("SSIM", 1): 30}
  told = {key: {"training": {"steps": n}} for key, n in lengths.items()}
  assert vae_benchmark.steps(told) == {
    "MSE, seed 0": 30, "MSE, seed 1": 3, "SSIM": 30
  }  # fmt: skip


def test_the_weights_of_losses_of_digits_are_the_authors():
  betas = vae_benchmark.BENCHMARKS["mnist"].betas
  assert betas["SSIM"] == pytest.approx(0.0158, rel=1e-3)
  assert betas["LPIPS-VGG"] == pytest.approx(1.234e-4, rel=1e-3)
  # The authors' sum over three equal channels is that of Y alone.
  theirs = distances.get(
    'robust(adaptive=True, size=(32, 32, 3), representation="dct")'
  )
  ours = distances.get(vae_benchmark.BENCHMARKS["mnist"].losses["Adaptive"])
  x, y = np.random.default_rng(0).random((2, 1, 32, 32, 1), np.float32)
  sums = [
    theirs(x.repeat(3, -1), y.repeat(3, -1)) * 3 * 1024,
    ours(x, y) / betas["Adaptive"],
  ]
  np.testing.assert_allclose(*sums, rtol=1e-3)
