"""A manifest says what an export is, and notices when it is no longer that."""

import pytest

from export import manifest, signatures
from tests.export import networks


@pytest.fixture
def folder(tmp_path):
  exported = signatures.load(networks.save_run(tmp_path / "run"))
  folder = tmp_path / "export"
  (folder / "deep").mkdir(parents=True)
  (folder / "deep" / "a.bin").write_bytes(b"a")
  (folder / "b.bin").write_bytes(b"b")
  manifest.write(folder, exported, exported.served(), kind="test")
  return folder


def test_it_holds_types_ranges_objective_training_and_sums(folder):
  found = manifest.verify(folder)
  assert found["kind"] == "test"
  assert (found["model"], found["scale"]) == ("srcnn", networks.SCALE)
  assert found["config"]["kernels"] == [9, 1, 5]
  assert found["objective"] == "mse"
  assert found["training"] == {"steps": 0, "seed": 0}
  image = found["signatures"]["serving_default"]["inputs"]["image"]
  assert image["shape"] == [None, None, None, 3]
  assert (image["dtype"], image["range"]) == ("float32", [0.0, 1.0])
  assert found["sha256"] == {
    # From sha256sum.
    "b.bin": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
    "deep/a.bin": (
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    ),
  }


def test_folders_of_one_name_keep_their_licenses_cards_and_authors(tmp_path):
  runs = [tmp_path / name / "model" for name in ("head", "codec")]
  for run in runs:
    networks.save_run(run)
    (run / "model" / "README.md").write_text(
      f"| Licence | of {run.parent.name}: [all](../ATTRIBUTION.md) |\n"
    )
    (run / "ATTRIBUTION.md").write_text(f"authors of {run.parent.name}\n")
  exported = signatures.load(runs[0])
  exported.runs = tuple(runs)
  folder = tmp_path / "export"
  folder.mkdir()
  manifest.write(folder, exported, exported.served(), kind="test")
  found = manifest.verify(folder)
  assert found["licenses"] == {
    f"{name}/model": f"of {name}: [all](../ATTRIBUTION.md)"
    for name in ("head", "codec")
  }
  for card, name in zip(found["cards"], ("head", "codec"), strict=True):
    path = folder / card
    assert f"of {name}:" in path.read_text()
    authors = path.parent.parent / "ATTRIBUTION.md"
    assert authors.read_text() == f"authors of {name}\n"


@pytest.mark.parametrize(
  ("damage", "message"),
  [
    (lambda f: (f / "b.bin").write_bytes(b"c"), r"changed: b\.bin"),
    (lambda f: (f / "deep" / "a.bin").unlink(), r"missing: deep/a\.bin"),
    (lambda f: (f / "c.bin").touch(), r"not listed: c\.bin"),
    (lambda f: (f / "manifest.json").unlink(), r"there is no manifest\.json"),
    (lambda f: (f / "manifest.json").write_text("{"), "not an export manifest"),
    (
      lambda f: (f / "manifest.json").write_text("[]"),
      "not an export manifest",
    ),
    (
      lambda f: (f / "manifest.json").write_text('{"format": "other"}'),
      "its format is 'other'",
    ),
  ],
)
def test_damage_is_found(folder, damage, message):
  damage(folder)
  with pytest.raises(ValueError, match=message):
    manifest.verify(folder)


def test_what_systems_leave_in_folders_is_no_damage(folder):
  (folder / "__MACOSX").mkdir()
  for name in (".DS_Store", "deep/Thumbs.db", "deep/._a.bin", "__MACOSX/b.bin"):
    (folder / name).touch()
  assert sorted(manifest.verify(folder)["sha256"]) == ["b.bin", "deep/a.bin"]


def test_the_command_checks_folders(folder, capsys):
  manifest.main(["manifest", str(folder)])
  assert "2 files as they were exported" in capsys.readouterr().out
  (folder / "b.bin").unlink()
  with pytest.raises(SystemExit, match=r"^error: .*missing: b\.bin"):
    manifest.main(["manifest", str(folder)])


def test_the_manifest_of_a_run_is_no_export(folder, tmp_path):
  with pytest.raises(ValueError, match="its format is 'tfpercept-model-1'"):
    manifest.verify(tmp_path / "run" / "model")
