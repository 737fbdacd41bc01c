"""A shell completes the command as its script says."""

import shutil
import subprocess

import pytest

from tfpercept import cli

needs_bash = pytest.mark.skipif(
  not shutil.which("bash"), reason="bash is not installed"
)
# The words that bash would have, the last of them being typed.
COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_tfpercept_complete
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
  path = tmp_path_factory.mktemp("completion") / "tfpercept.bash"
  path.write_text(cli.completion.script(cli.parser(), "bash"))
  return path


def completed(script, *words):
  done = subprocess.run(
    ["bash", "-c", COMPLETE, "bash", script, "tfpercept", *words],
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stderr == ""
  return done.stdout.split()


@needs_bash
@pytest.mark.parametrize(
  ("words", "wanted"),
  [
    (["sc"], ["score"]),
    (["co"], ["compress", "completion"]),
    (["ranking", ""], ["make", "analyse"]),
    (["weights", "p"], ["pack"]),
    (["score", "--me"], ["--metric"]),
    (["score", "--alpha", "b"], ["black"]),
    (["score", "a.png", "--alpha", "=", "wh"], ["white"]),
    (["score", "--alpha", "="], ["white", "black", "ignore", "error"]),
    (["ranking", "make", "--mode", ""], ["rank", "pairs"]),
    (["completion", ""], ["bash", "zsh"]),
    # Names of files, which bash looks for where nothing is offered.
    (["score", ""], []),
    (["score", "--out", ""], []),
    (["compress", "--model", "x"], []),
  ],
)
def test_words_are_completed(script, words, wanted):
  assert completed(script, *words) == wanted


@needs_bash
def test_every_command_and_option_is_offered(script):
  for path, parser in cli.completion.parsers(cli.parser()):
    options = [o for action in parser._actions for o in action.option_strings]
    assert set(completed(script, *path.split(), "-")) == set(options), path


def test_the_command_prints_the_script_of_the_shell(capsys, script):
  assert cli.main(["completion", "bash"]) == 0
  bash = capsys.readouterr().out
  assert bash == script.read_text()
  assert cli.main(["completion", "zsh"]) == 0
  zsh = capsys.readouterr().out
  assert zsh.endswith(bash)
  assert "bashcompinit" in zsh.removesuffix(bash)
