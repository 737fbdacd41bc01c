"""Where commands put their results."""

import pytest

from tfpercept import cli


@pytest.mark.parametrize(
  "command",
  [
    ["agreement", "--data=no/such/data"],
    ["doctor", "no_such_distance"],
    ["evaluate", "no/such/folder"],
    ["score", "no/such/folder", "no/such/folder"],
  ],
)
def test_a_place_that_can_not_be_written_is_found_before_the_work(
  command, tmp_path, capsys
):
  # Before the mistake in what is to be done, even.
  assert cli.main([*command, f"--out={tmp_path}"]) == 2
  assert "is a folder" in capsys.readouterr().err
