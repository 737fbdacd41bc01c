"""`tfpercept completion`: a script that completes the command in a shell."""

import argparse
from collections.abc import Iterable, Iterator

SHELLS = ("bash", "zsh")


def add(commands: argparse._SubParsersAction) -> None:
  """Adds the command to the parser."""
  parser = commands.add_parser(
    "completion",
    help="print a script that completes this command in a shell",
    description="Prints a script that completes commands, options and their "
    "choices, without starting Python. Keep it in a file that ~/.bashrc or "
    '~/.zshrc reads, or put there: eval "$(tfpercept completion bash)". In '
    "zsh, put it after compinit.",
  )
  parser.add_argument(
    "shell", choices=SHELLS, help="shell that reads the script"
  )
  parser.set_defaults(run=_completion)


def _completion(arguments: argparse.Namespace) -> int:
  from tfpercept import cli

  print(script(cli.parser(), arguments.shell), end="")
  return 0


def script(parser: argparse.ArgumentParser, shell: str) -> str:
  """Returns the script for a parser, of one of `SHELLS`.

  The script completes commands, options, and values that are one of several
  choices. File names are left to the shell.
  """
  found = dict(parsers(parser))
  places = [
    f"    {_quoted(path)}) words={_quoted(_words(one))} ;;"
    for path, one in found.items()
  ]
  values = [
    f"    {_quoted(f'{path} {option}')}) words={_quoted(_choices(action))} ;;"
    for path, one in found.items()
    for action in one._actions
    if action.nargs != 0
    for option in action.option_strings
  ]
  below = "|".join(_quoted(path) for path in found if path)
  filled = (
    _BASH.replace("@NAME@", parser.prog)
    .replace("@COMMANDS@", below)
    .replace("@PLACES@", "\n".join(places))
    .replace("@VALUES@", "\n".join(values))
  )
  return (
    "autoload -U +X bashcompinit && bashcompinit\n" * (shell == "zsh") + filled
  )


def parsers(
  parser: argparse.ArgumentParser, path: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
  """Yields the words that lead to each subparser of one, itself first."""
  yield path, parser
  for action in parser._actions:
    if isinstance(action, argparse._SubParsersAction):
      for word, inner in action.choices.items():
        yield from parsers(inner, f"{path} {word}".strip())


def _words(parser: argparse.ArgumentParser) -> list[str]:
  """Returns the options of a parser, then the choices of its arguments."""
  options = [o for action in parser._actions for o in action.option_strings]
  places = [a for a in parser._actions if not a.option_strings]
  return options + [word for action in places for word in _choices(action)]


def _choices(action: argparse.Action) -> list[str]:
  return [str(choice) for choice in action.choices or ()]


def _quoted(words: str | Iterable[str]) -> str:
  return '"' + (words if isinstance(words, str) else " ".join(words)) + '"'


# Bash splits `--format=csv` into three words. Where nothing is offered, it
# completes names of files, as `-o default` says.
_BASH = """\
_@NAME@_complete() {
  local current="${COMP_WORDS[COMP_CWORD]}"
  local option="${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${path:+$path }${COMP_WORDS[i]}" in
    @COMMANDS@) path="${path:+$path }${COMP_WORDS[i]}" ;;
    esac
  done
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $option == "=" ]]; then
    option="${COMP_WORDS[COMP_CWORD-2]}"
  fi
  COMPREPLY=()
  case "$path $option" in
@VALUES@
    *) case "$path" in
@PLACES@
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ -z $current && ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -X "-*"))
  fi
}
complete -o default -F _@NAME@_complete @NAME@
"""
