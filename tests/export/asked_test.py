"""Flags name one thing to export."""

import pytest
from absl import flags

from export import asked
from tests.export import networks


def given(*arguments, size=False):
  values = flags.FlagValues()
  asked.define(values)
  if size:
    flags.DEFINE_string("size", None, "", flag_values=values)
  values(["program", *arguments])
  return values


def test_a_run_or_a_distance_is_named(tmp_path):
  run = networks.save_run(tmp_path)
  assert asked.signatures_of(given(f"--run={run}")).manifest["model"] == "srcnn"
  found = asked.signatures_of(given("--distance=2*mae", "--channels=1"))
  assert found.manifest["distance"] == "2.0*mae"
  assert found.channels == 1
  found = asked.signatures_of(
    given("--distance=mae", "--size=20x30", size=True)
  )
  assert found.served()["score"].inputs["image"].shape == (1, 20, 30, 3)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ([], "give one of --run, .* and --distance"),
    (["--run=a", "--distance=mae"], "give one of --run"),
    (["--run=a", "--size=9x9"], "--size is for distances"),
    (["--run=a", "--channels=1"], "--channels is for distances"),
    (["--distance=mae", "--size=9"], "--size is height x width, .* got '9'"),
    (["--distance=ms_ssim", "--size=9x9"], "at least 161x161"),
    (["--distance=mea"], "unknown distance 'mea'"),
  ],
)
def test_other_flags_are_answered_in_words(arguments, message):
  with pytest.raises(ValueError, match=message):
    asked.signatures_of(given(*arguments, size=True))
