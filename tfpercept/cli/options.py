"""Options of a command that are fields of a dataclass of settings."""

import argparse
import dataclasses
from typing import Any, TypeVar

from tfpercept import settings

_Settings = TypeVar("_Settings", bound=settings.Settings)


def add(parser: argparse.ArgumentParser, kind: type[settings.Settings]) -> None:
  """Adds an option for each field that has a help text.

  The option has the type, the default and the choices of the field. In its
  text `%(default)s` stands for the default.

  Args:
    parser: Parser to add the options to.
    kind: Dataclass of the settings, with a number or a string in those fields.
  """
  for option in settings.options(kind):
    if option.text:
      parser.add_argument(
        f"--{option.name}",
        type=option.hint,
        default=option.default,
        choices=option.choices or None,
        help=option.text,
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
