"""A SavedModel is written whole, once other programs agree with Keras."""

import json
import shutil

import keras
import numpy as np
import pytest

from export import fresh, manifest, saved_model, signatures
from tests import forked
from tests.export import networks


@pytest.fixture
def run(tmp_path):
  return networks.save_run(tmp_path / "run")


def command(*arguments):
  return forked.run("export.saved_model", *arguments)


def answering(monkeypatch, change=lambda outputs: outputs):
  """Stands in for the fresh processes, to test what follows from them."""

  def answer(folder, served, libraries):
    assert not libraries
    assert (folder / "saved_model.pb").is_file()
    return {k: change(dict(s.expected())) for k, s in served.items()}

  monkeypatch.setattr(fresh, "call_saved_model", answer)


def test_the_command_reloads_every_signature_and_writes_a_whole_folder(
  run, tmp_path
):
  out = tmp_path / "out[1]*?\\{x}"  # a name, and no pattern
  done = command(f"--run={run}", f"--out={out}", "--version=3")
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[-1] == f"Exported {out / '3'}"
  assert [p.name for p in out.iterdir()] == ["3"]
  found = manifest.verify(out / "3")
  assert list(found["checks"]) == ["serving_default", "luma", "png"]
  programs = {check["reloaded_by"] for check in found["checks"].values()}
  assert programs == {"run_signatures"}
  for name in ("saved_model.pb", "variables/variables.index"):
    assert name in found["sha256"]
  assert "assets.extra/tf_serving_warmup_requests" in found["sha256"]


def test_the_command_refuses_bad_input_in_one_line(tmp_path):
  done = command(f"--run={tmp_path}", f"--out={tmp_path / 'out'}")
  assert done.returncode == 1
  assert done.stderr.splitlines()[-1].startswith("error: no trained model in")
  assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["variables", "graph", "weights"])
def test_a_corrupted_export_fails_the_check(run, tmp_path, damage):
  exported = signatures.load(run)
  luma = {"luma": exported.served()["luma"]}
  folder = tmp_path / "1"
  if damage == "weights":  # what a writer that mixes up variables does
    weights = exported.network.get_weights()
    exported.network.set_weights([w * 1.01 for w in weights])
  saved_model.write_graph(luma, folder)
  if damage == "weights":
    exported.network.set_weights(weights)
    message = "luma: the reloaded export differs from Keras by"
  elif damage == "variables":
    shutil.rmtree(folder / "variables")
    message = "a fresh process failed: .*variables"
  else:
    graph = (folder / "saved_model.pb").read_bytes()
    (folder / "saved_model.pb").write_bytes(graph[:-100])
    message = "a fresh process failed: "
  with pytest.raises(fresh.CheckError, match=message):
    saved_model.check(folder, luma)


def test_a_failed_check_leaves_nothing(run, tmp_path, monkeypatch):
  def spoil(outputs):
    image = outputs.get("image")
    return outputs if image is None else {"image": image + np.float32(1e-3)}

  answering(monkeypatch, spoil)
  with pytest.raises(fresh.CheckError, match=r"serving_default: .* by 0\.001"):
    saved_model.export(run, tmp_path / "out")
  assert not list((tmp_path / "out").iterdir())


def test_an_existing_version_is_refused_with_the_next_one(
  run, tmp_path, monkeypatch
):
  answering(monkeypatch)
  written = saved_model.export(run, tmp_path / "out", 4)
  assert written == tmp_path / "out" / "4"
  before = json.dumps(manifest.verify(written))
  with pytest.raises(ValueError, match=r"version 4, .* give --version=5, or"):
    saved_model.export(run, tmp_path / "out", 4)
  with pytest.raises(ValueError, match="positive number; got 0"):
    saved_model.export(run, tmp_path / "out", 0)
  assert json.dumps(manifest.verify(written)) == before


def test_a_damaged_run_is_refused(run, tmp_path):
  weights = run / "model" / "weights.npz"
  weights.write_bytes(weights.read_bytes()[:-1])
  with pytest.raises(ValueError, match="copy the whole model folder again"):
    saved_model.export(run, tmp_path / "out")
  (run / "model" / "manifest.json").write_text("{")
  with pytest.raises(ValueError, match="is not a model manifest"):
    saved_model.export(run, tmp_path / "out")
  assert not (tmp_path / "out").exists()


def test_networks_are_exported_in_float32_whatever_the_policy(run):
  keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    network = signatures.load(run).network
  finally:
    keras.mixed_precision.set_global_policy("float32")
  assert {c.compute_dtype for c in network.convolutions} == {"float32"}
