"""The program that judges shapes of priors, on pictures of a folder."""

from tests.smoke import runs
from tfpercept.io import files


def test_the_program_prints_each_quality(tmp_path, photograph):
  for seed in range(4):
    picture = photograph(64, 64, seed=seed)
    files.write_image(tmp_path / f"{seed}.png", picture)
  done = runs.run("prior_shapes", f"--data={tmp_path}", "--qualities=3,7")
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  assert lines[0].split()[:3] == ["quality", "normal", "Laplace"]
  assert [line.split()[0] for line in lines[1:3]] == ["3", "7"]
  assert float(lines[1].split()[1]) < float(lines[2].split()[1])
  assert "of 4 pictures by photo_mse" in done.stdout
  (tmp_path / "0.png").unlink()
  done = runs.run("prior_shapes", f"--data={tmp_path}")
  assert done.returncode == 1
  assert "needs 4 pictures or more" in done.stderr.strip().splitlines()[-1]
