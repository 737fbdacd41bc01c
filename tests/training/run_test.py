"""A run folder belongs to its settings."""

import dataclasses
import json
import math
import os
import shutil

import numpy as np
import pytest

from tfpercept import settings, training
from tfpercept.data import identity
from tfpercept.io import files, folders
from tfpercept.training import precision


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kernels(settings.Settings):
  kernels: tuple[int, ...] = (9, 5, 5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures(settings.Settings):
  data: tuple[str, ...]


def test_a_folder_is_claimed_once_and_recognised_again(tmp_path):
  run = training.Run(out=tmp_path, steps=3, settings=Kernels())
  run.claim()
  run.claim()
  with pytest.raises(ValueError, match="seed: 0 there, 1 now"):
    training.Run(out=tmp_path, steps=3, seed=1, settings=run.settings).claim()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Older(settings.Settings):
  """Settings as an older version had them."""

  patch: int = 16
  quality: int = 3
  sharp: bool = settings.option(False, absent=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Newer(settings.Settings):
  """Two settings came, one of which was 2 all the time; one went."""

  patch: int = 16
  sharp: bool = settings.option(False, absent=False)
  levels: int = settings.option(4, absent=2)
  batch: int = 1


def claim(folder, own):
  training.Run(out=folder, steps=3, settings=own).claim()


def test_a_setting_that_is_absent_is_what_it_was_without_it(tmp_path):
  @dataclasses.dataclass(frozen=True, kw_only=True)
  class Before(settings.Settings):
    patch: int = 16
    batch: int = 1

  claim(tmp_path, Before())
  kept = (tmp_path / "run.json").read_bytes()
  claim(tmp_path, Newer(levels=2))
  with pytest.raises(ValueError, match="levels: None there, 4 now") as caught:
    claim(tmp_path, Newer())
  assert "version" not in str(caught.value)
  with pytest.raises(ValueError, match="sharp: None there, True now"):
    claim(tmp_path, Newer(levels=2, sharp=True))
  claim(tmp_path, Before())
  assert (tmp_path / "run.json").read_bytes() == kept
  # What says nothing of it, and what says that it is so, are the same.
  told = json.loads(kept)
  told["settings"] |= {"levels": 2, "sharp": False}
  (tmp_path / "run.json").write_text(json.dumps(told))
  claim(tmp_path, Newer(levels=2))


def test_a_setting_that_an_older_version_lacked_is_named(tmp_path):
  claim(tmp_path, Older(quality=3))
  with pytest.raises(ValueError, match="batch: None there, 1 now") as caught:
    claim(tmp_path, Newer(levels=2))
  text = str(caught.value)
  assert "quality: 3 there, None now" in text
  assert "Nothing is called quality here: a newer version wrote it" in text
  assert "It says nothing of batch: an older version wrote it" in text


def test_a_setting_of_a_newer_version_is_named_unless_it_is_off(tmp_path):
  claim(tmp_path, Older())
  told = json.loads((tmp_path / "run.json").read_text())
  told["settings"]["focus"] = None
  told["fuel"] = None
  (tmp_path / "run.json").write_text(json.dumps(told))
  claim(tmp_path, Older())
  told["settings"]["focus"] = 0.5
  (tmp_path / "run.json").write_text(json.dumps(told))
  with pytest.raises(
    ValueError, match=r"focus: 0\.5 there, None now"
  ) as caught:
    claim(tmp_path, Older())
  assert "Nothing is called focus here" in str(caught.value)


def test_a_run_that_lost_its_steps_is_refused(tmp_path):
  claim(tmp_path, Older())
  told = json.loads((tmp_path / "run.json").read_text())
  del told["steps"]
  (tmp_path / "run.json").write_text(json.dumps(told))
  with pytest.raises(ValueError, match="It says nothing of steps"):
    claim(tmp_path, Older())


def test_a_run_folder_may_be_moved(tmp_path):
  training.Run(out=tmp_path / "a", steps=3).claim()
  settings = (tmp_path / "a/run.json").read_bytes()
  (tmp_path / "a").rename(tmp_path / "b")
  training.Run(out=tmp_path / "b", steps=3).claim()
  assert (tmp_path / "b/run.json").read_bytes() == settings


def test_a_damaged_run_file_is_named(tmp_path):
  (tmp_path / "run.json").write_text("{")
  with pytest.raises(ValueError, match=r"run\.json is damaged"):
    training.Run(out=tmp_path, steps=3).claim()


@pytest.mark.parametrize(
  "options",
  [
    {"steps": 0},
    {"steps": 10.5},
    {"interval": 0},
    {"learning_rate": 0.0},
    {"learning_rate": math.inf},
    {"learning_rate": math.nan},
    {"warmup": -1},
  ],
)
def test_settings_that_train_nothing_are_refused(options, tmp_path):
  with pytest.raises(ValueError, match=r"must be positive|is 0 or more steps"):
    training.Run(**{"out": tmp_path, "steps": 1, **options})


def test_an_unknown_strategy_or_precision_is_refused(tmp_path):
  with pytest.raises(ValueError, match="strategy is one of none, mirrored"):
    training.prepare(training.Run(out=tmp_path, steps=1, strategy="tpu"))
  with pytest.raises(ValueError, match="precision is one of"):
    precision.policy("float8")


def test_a_run_remembers_which_precision_auto_was(tmp_path):
  run = training.Run(out=tmp_path, steps=1)
  assert run.precision == precision.resolve("auto") != "auto"
  assert run.to_json()["precision"] == run.precision


def test_precision_is_a_keras_policy():
  assert precision.policy("float32") == "float32"
  assert precision.policy("bfloat16") == "mixed_bfloat16"
  assert precision.policy("auto") in ("float32", "mixed_bfloat16")


@pytest.fixture
def pictures(tmp_path):
  for level in range(3):
    image = np.full((4, 5, 3), level, np.uint8)
    files.write_image(tmp_path / "d" / f"{level}.png", image)
  return tmp_path / "d"


def bound(out, data, **options):
  """The run of a trainer that was given a folder of pictures."""
  run = training.Run(
    out=out, steps=3, settings=Pictures(data=(str(data),)), **options
  )
  return run.on(data=lambda: identity.of([str(data)]))


def test_a_run_knows_its_data_by_their_content(pictures, tmp_path, monkeypatch):
  out = tmp_path / "run"
  run = bound(out, pictures)
  assert not out.exists()  # what is only looked at is not made
  run.claim()
  assert "sources" not in json.loads((out / "run.json").read_text())
  monkeypatch.chdir(tmp_path)
  for name in (f"{pictures}/", "d", "./d"):
    bound(out, name).claim()
  shutil.copy(pictures / "0.png", pictures / "aaa.png")
  (pictures / "2.png").unlink()
  with pytest.raises(ValueError, match="on other data") as caught:
    bound(out, pictures)
  assert f"{pictures}/aaa.png was added; {pictures}/2.png is gone" in str(
    caught.value
  )
  with pytest.raises(ValueError, match="trained on other data"):
    training.check_data(out, data=lambda: identity.of([str(pictures)]))


def test_another_setting_is_said_before_data_are_looked_at(pictures, tmp_path):
  bound(tmp_path / "run", pictures).claim()
  with pytest.raises(ValueError, match="seed: 0 there, 1 now"):
    training.Run(out=tmp_path / "run", steps=3, seed=1).on(data=pytest.fail)


def test_a_run_that_took_no_note_of_its_data_resumes(
  pictures, tmp_path, caplog, monkeypatch
):
  out = tmp_path / "run"
  own = Pictures(data=(str(pictures),))
  training.Run(out=out, steps=3, settings=own).claim()
  assert not (out / "data.json").exists()
  monkeypatch.chdir(tmp_path)
  bound(out, "d/").claim()  # nor is another spelling of the path another run
  assert "cannot be checked" in caplog.text
  assert (out / "data.json").exists()
  other = shutil.copytree(pictures, tmp_path / "e")
  (other / "0.png").unlink()
  with pytest.raises(ValueError, match=r"0\.png is gone"):
    bound(out, other)


def test_data_that_a_note_does_not_name_are_noted(pictures, tmp_path, caplog):
  out = tmp_path / "run"
  bound(out, pictures).claim()
  noted = json.loads((out / "data.json").read_text())
  run = dataclasses.replace(
    bound(out, pictures), sources={"weights": noted["data"], **noted}
  )
  run.claim()
  assert "without a note of its weights" in caplog.text
  both = json.loads((out / "data.json").read_text())
  assert both == {"weights": noted["data"], **noted}


def test_weights_of_the_loss_are_known_by_their_content_too(tmp_path):
  weights = tmp_path / "w.npz"
  weights.write_bytes(b"one")
  options = {"loss": f"0.5*lpips(weights={str(weights)!r}) + mse", "steps": 3}
  training.Run(out=tmp_path / "run", **options).on().claim()
  training.Run(out=tmp_path / "run", **options).on()
  weights.write_bytes(b"two")
  with pytest.raises(ValueError, match=r"loss: .*w\.npz has changed"):
    training.Run(out=tmp_path / "run", **options).on()


def test_only_weights_of_the_loss_are_files(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  for name in ("vgg", "RGB"):
    (tmp_path / name).write_bytes(b"of something else")
  for spec in ("lpips(net='vgg')", "0.5*robust(color='RGB') + mse"):
    run = training.Run(out=tmp_path / "run", steps=3, loss=spec).on()
    assert run.sources == {}


def test_damaged_notes_are_named(pictures, tmp_path):
  out = tmp_path / "run"
  bound(out, pictures).claim()
  for text in ("[]", '{"data": 3}', ""):
    (out / "data.json").write_text(text)
    with pytest.raises(ValueError, match=r"data\.json is damaged"):
      bound(out, pictures)
  (out / "run.json").write_text("[]")
  with pytest.raises(ValueError, match=r"run\.json is damaged"):
    bound(out, pictures)


def test_a_longer_run_is_told_how_to_train_further(tmp_path):
  training.Run(out=tmp_path, steps=3).claim()
  longer = "give --initial=a and a new --out"
  with pytest.raises(ValueError, match="To train further, give --initial=a"):
    training.Run(out=tmp_path, steps=4, longer=longer).claim()
  with pytest.raises(ValueError, match="steps: 3 there, 2 now") as caught:
    training.Run(out=tmp_path, steps=2, longer=longer).claim()
  assert "further" not in str(caught.value)


def test_checkpoints_of_nobody_are_not_trained_over(tmp_path):
  (tmp_path / "checkpoints").mkdir()
  (tmp_path / "checkpoints" / "ckpt-3.index").write_bytes(b"")
  with pytest.raises(ValueError, match=r"no run\.json that says of what run"):
    training.Run(out=tmp_path, steps=3).claim()


def test_a_place_that_can_not_be_written_is_told_first(tmp_path):
  (tmp_path / "file").write_text("x")
  (tmp_path / "loop").symlink_to("loop")
  (tmp_path / "lost").symlink_to("nowhere")
  for name, message in {
    "file": "file is no folder",
    "file/run": "file is no folder",
    "loop/run": "is a link to loop",
    "lost": "is a link to nowhere",
    "a/" + 300 * "n": "a name has at most 255 bytes",
  }.items():
    with pytest.raises(OSError, match=message):
      folders.require(tmp_path / name)
  folders.require(tmp_path / "a" / (255 * "n"))
  assert sorted(os.listdir(tmp_path)) == ["file", "loop", "lost"]


def test_a_full_or_read_only_disk_is_told_first(tmp_path, monkeypatch):
  def no_room(*arguments, **options):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(folders.tempfile, "TemporaryFile", no_room)
  with pytest.raises(OSError, match="cannot be written: No space left"):
    folders.require(tmp_path / "run")
