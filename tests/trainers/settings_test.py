"""The settings of each trainer: what a run keeps of them, and the presets."""

import json

import pytest

from programs import derived_flags, program
from tfpercept import distances, registry, training
from trainers import (
  autoencoder_training,
  compression_settings,
  digit_training,
  gan_training,
  hific_settings,
  pim_training,
  preference_settings,
  processes,
  realism_training,
  super_resolution,
  toy_coding,
  variational,
)

NETWORK = {"kind": "convolutional", "widths": [32, 64, 128]}
PICTURES = {
  "data": ["packaged"],
  "side": 48,
  "channels": 1,
  "fit": "resize",
  "held_out": 0.05,
  "batch": 32,
}
TOY = {
  "source": "banana",
  "method": "nonlinear",
  "lmbda": 8.0,
  "latents": 2,
  "entries": 256,
  "batch": 1024,
}
# As `run.json` had them before settings were dataclasses: run folders and the
# manifests of models have these keys.
KEPT = {
  super_resolution.Settings: (
    {},
    {
      "data": ["packaged"],
      "rescale": [1.0],
      "scale": 4,
      "patch": 48,
      "batch": 16,
      "model": {"kernels": [9, 5, 5], "filters": [64, 32]},
    },
  ),
  autoencoder_training.Settings: (
    {},
    {**PICTURES, "model": {**NETWORK, "code": 64, "output": "sigmoid"}},
  ),
  gan_training.Settings: (
    {"widths": (8, 4)},
    {
      **PICTURES,
      "network": "dcgan",
      "latent": 100,
      "widths": [8, 4],
      "critic_widths": [32, 64, 128, 256],
      "game": "non_saturating",
      "adversarial_weight": 1.0,
      "critic_warm_up": 0,
      "critic_rate": 1.0,
      "decay": 0.995,
    },
  ),
  variational.Settings: (
    {},
    {
      **PICTURES,
      "model": {**NETWORK, "latent": 16},
      "beta": "auto",
      "kl_warmup": 0,
      "free_nats": 0.0,
      "nats_per_latent": 1.5,
      "calibration_steps": 1000,
    },
  ),
  compression_settings.Settings: (
    {"model": {"latents": 3}, "initial": "abc", "skip_damaged": True},
    {
      "data": ["packaged"],
      "sides": [],
      "largest": 1.0,
      "patch": 192,
      "batch": 4,
      "architecture": "mean_scale_hyperprior",
      "model": {"latents": 3},
      "lmbda": None,
      "quantiser": "mixed",
      "fall": 0.3,
      "ema": None,
      "initial": "abc",
      "skip_damaged": True,
    },
  ),
  hific_settings.Settings: (
    {"model": {"base": 3}},
    {
      "data": ["packaged"],
      "sides": [],
      "largest": 0.95,
      "held_out": 4,
      "patch": 256,
      "batch": 8,
      "stage": "perceptual",
      "model": {"base": 3},
      "k_m": 0.00234375,
      "k_p": 1.0,
      "target": 0.14,
      "rate_weights": [2.0, 0.0625],
      "rate_control": "switch",
      "dual_pace": 0.1,
      "rate_warmup": 0,
      "quantizer": "mixed",
      "fall": 0.3,
      "ema": 0.999,
      "game": "non_saturating",
      "beta": 0.15,
      "critic_space": "pixels",
      "critic_widths": [64, 128, 256, 512],
      "critic_warmup": 1000,
      "critic_rate": 1.0,
      "in_turns": False,
    },
  ),
  pim_training.Settings: (
    {"clips": ("a.mp4",)},
    {
      "clips": ["a.mp4"],
      "max_side": 640,
      "gap": 1,
      "photos": [],
      "patch": 64,
      "batch": 16,
      "marginal": "bands",
      "model": {
        "mixtures": 1,
        "front_end": "steerable",
        "width": 64,
        "z_dim": 10,
        "linear_head": False,
      },
    },
  ),
  preference_settings.Settings: (
    {"data": ("a",)},
    {
      "data": ["a"],
      "judge_by": [],
      "held_out": [],
      "head": "ratio",
      "patch": 64,
      "batch": 50,
      "beta_1": 0.5,
      "epochs": 0,
    },
  ),
  digit_training.Settings: (
    {"data": "a.npz"},
    {
      "data": "a.npz",
      "batch": 128,
      "shift": 2,
      "dropout": 0.3,
      "model": {"filters": [16, 32, 32, 64, 64], "width": 64},
    },
  ),
  toy_coding.Settings: (TOY, TOY),
  realism_training.Settings: (
    {"codec_identity": "2a1475845cdb6373"},
    {
      "data": ["packaged"],
      "sides": [],
      "largest": 1.0,
      "patch": 128,
      "batch": 4,
      "codec": "photo_mse",
      "codec_identity": "2a1475845cdb6373",
      "qualities": None,
      "distortion": 0.0006,
      "perceptual": 1.0,
      "adversarial": 0.4,
      "game": "non_saturating",
      "warm_up": 200,
      "ramp": 500,
      "critic_widths": [48, 96, 192, 192],
      "widths": [96, 96, 64, 32],
      "blocks": [3, 3, 3, 2],
      "conditioned": False,
      "fall": 0.3,
      "ema": 0.999,
    },
  ),
}


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.__module__)
def test_a_run_keeps_its_settings_under_their_names(kind, tmp_path):
  given, kept = KEPT[kind]
  own = kind(**given)
  run = training.Run(out=tmp_path, steps=1, settings=own)
  run.claim()
  found = json.loads((tmp_path / "run.json").read_text())["settings"]
  assert found == kept
  # A folder that was written so before is taken up as well.
  (tmp_path / "run.json").write_text(
    json.dumps({**run.to_json(), "settings": kept})
  )
  run.claim()
  assert kind.read(found) == own


def test_the_way_to_a_given_beta_is_none():
  own = variational.Settings(beta=0.5)
  assert own.nats_per_latent is None and own.calibration_steps is None
  assert not own.to_json().keys() & {"nats_per_latent", "calibration_steps"}
  assert variational.Settings.read(own.to_json()) == own


@pytest.mark.parametrize("patch", [100, 32])
def test_crops_of_codecs_have_whole_latents(patch):
  for kind in (compression_settings.Settings, hific_settings.Settings):
    with pytest.raises(ValueError, match="patch is "):
      kind(model={}, patch=patch)


def test_a_network_has_the_channels_of_its_own_sizes():
  tiny = compression_settings.Channels()
  found = tiny.arguments("mean_scale_hyperprior")
  assert (found["widths"], found["blocks"]) == ((48, 64, 96), 2)
  found = tiny.arguments("hific")
  assert (found["base"], found["blocks"]) == (16, 3)
  none = compression_settings.Channels(blocks=0, latents=5)
  found = none.arguments("hific")
  assert (found["blocks"], found["latents"]) == (0, 5)
  own = hific_settings.Channels(size="large", latents=5)
  found = own.arguments({"k_m": 0.3, "rate": 1.0})
  assert (found["base"], found["latents"], found["blocks"]) == (60, 5, 9)
  assert found["lmbda"] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
  ("preset", "kind", "expected"),
  [
    ("srcnn_x4_mae", super_resolution.Settings, {"batch": 10}),
    ("srcnn_x4_mse", super_resolution.Settings, {"patch": 64}),
    ("srcnn_x4_ms_ssim", super_resolution.Settings, {"batch": 10}),
    ("srcnn_x4_ms_ssim_mirror", super_resolution.Settings, {"batch": 10}),
    ("yaleb_autoencoder", autoencoder_training.Settings, {"held_out": 0.0}),
    ("vae_faces", variational.Settings, {"nats_per_latent": 1.25}),
    ("vae_mnist", variational.Settings, {"fit": "pad", "final_rate": 0.177}),
    ("photo_mse", compression_settings.Settings, {"sides": [1000, 700, 500]}),
    ("photo_ms_ssim", compression_settings.Settings, {"ema": 0.9995}),
    ("photo_perceptual", compression_settings.Settings, {"lmbda": [0.04, 30]}),
    (
      "photo_slices", compression_settings.Settings,
      {"architecture": "channel_wise_hyperprior"},
    ),
    ("hific_tiny", hific_settings.Settings, {"rate_weights": [2.0, 0.0625]}),
    (
      "hific_tiny_adversarial", hific_settings.Settings,
      {"stage": "adversarial", "critic_warmup": 150},
    ),
    ("pim_1", pim_training.Settings, {"gap": 1}),
    ("judged_gan", preference_settings.Settings, {"patch": 96}),
    ("judged_jpeg", preference_settings.Settings, {"tile": 8}),
    ("judged_jpeg_linear", preference_settings.Settings, {"pull": 1e-4}),
    ("lpips_bapps", preference_settings.Settings, {"head": "ranking"}),
    ("watson_bapps", preference_settings.Settings, {"epochs": 20}),
    ("mnist_classifier", digit_training.Settings, {"dropout": 0.3}),
    ("realism_terms", realism_training.Settings, {"warm_up": 100}),
    ("emoji", gan_training.Settings, {"latent": 192}),
    ("faces_klt", gan_training.Settings, {"channels": 1}),
    ("faces_dcgan", gan_training.Settings, {"network": "dcgan"}),
  ],
)  # fmt: skip
def test_presets_are_settings(preset, kind, expected, apart_flags):
  made = derived_flags.Flags(kind)
  lines = program.lines(processes.PRESETS / f"{preset}.flags")
  if not any(line.startswith("--data=") for line in lines):
    lines.append("--data=a")
  apart_flags(["trainer", *lines], known_only=True)
  needs = (compression_settings.Settings, hific_settings.Settings)
  more = {"model": {}} if kind in needs else {}
  if kind is realism_training.Settings:
    more = {"codec_identity": "abc"}
  found = made.read(**more).to_json()
  assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
  "preset", ["photo_ms_ssim", "photo_perceptual", "photo_slices"]
)
def test_twins_start_at_photo_mse_with_an_objective_that_exists(preset):
  lines = program.lines(processes.PRESETS / f"{preset}.flags")
  flags = dict(line.split("=", maxsplit=1) for line in lines)
  first = program.lines(processes.PRESETS / "photo_mse.flags")
  differ = {"initial", "loss", "lmbda", "architecture", "seed"}
  kept = {key: value for key, value in flags.items() if key[2:] not in differ}
  assert [f"{key}={value}" for key, value in kept.items()] == [
    line for line in first if line.split("=")[0][2:] not in differ
  ]
  assert flags["--initial"] == "photo_mse"
  names = [term.name for term in registry.parse_spec(flags["--loss"])]
  assert names and all(name in distances.names() for name in names)


def test_every_preset_is_tested():
  tested = test_presets_are_settings.pytestmark[0].args[1]
  presets = {path.stem for path in processes.PRESETS.glob("*.flags")}
  # That of toy sources has flags of the program alone.
  assert {name for name, *_ in tested} == presets - {"toy_banana"}


@pytest.mark.parametrize(
  "kind",
  [compression_settings.Settings, hific_settings.Settings,
   realism_training.Settings],
)  # fmt: skip
def test_an_average_that_never_moves_is_refused(kind):
  needs = {"codec_identity": ""}
  if kind is not realism_training.Settings:
    needs = {"model": {}}
  with pytest.raises(ValueError, match=r"ema.* 0\.9999"):
    kind(ema=1.0, **needs)
  assert kind(ema=0.9999, **needs).ema == 0.9999


@pytest.mark.parametrize(
  ("architecture", "channels"),
  [
    ("factorized_prior", {"hyper_width": 8}),
    ("hific", {"widths": (1, 2, 3)}),
  ],
)
def test_channels_that_a_network_lacks_are_refused(architecture, channels):
  own = compression_settings.Channels(**channels)
  (name,) = channels
  with pytest.raises(ValueError, match=f"{architecture} has no --{name}"):
    own.arguments(architecture)
  assert compression_settings.Channels(blocks=1).arguments(architecture)
