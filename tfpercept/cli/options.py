"""Options of a command that are fields of a dataclass of settings."""

import argparse
import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar


class _Dataclass(Protocol):
  __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


_Settings = TypeVar("_Settings", bound=_Dataclass)


def add(
  parser: argparse.ArgumentParser,
  defaults: object,
  texts: Mapping[str, str],
  *,
  choices: Mapping[str, Sequence[Any]] = types.MappingProxyType({}),
) -> None:
  """Adds an option for each of some fields, of its type and default.

  Args:
    parser: Parser to add the options to.
    defaults: Settings with the default of each field, a number or a string.
    texts: Help by field, in which `%(default)s` stands for the default.
    choices: Allowed values by field, where they are few.
  """
  for name, text in texts.items():
    default = getattr(defaults, name)
    parser.add_argument(
      f"--{name}",
      type=type(default),
      default=default,
      choices=choices.get(name),
      help=text,
    )


def read(
  kind: type[_Settings], arguments: argparse.Namespace, **more: Any
) -> _Settings:
  """Returns settings: each field from the option of its name.

  Args:
    kind: Dataclass of the settings.
    arguments: Parsed options.
    **more: Fields whose options have other names.

  Raises:
    ValueError: if `kind` refuses a value.
  """
  names = {field.name for field in dataclasses.fields(kind)} - more.keys()
  return kind(**{name: getattr(arguments, name) for name in names}, **more)
