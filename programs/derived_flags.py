"""Flags of a program, derived from the fields of its settings."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from absl import flags

from tfpercept import settings

# A flag belongs to the program that asks for it, and its help lists it there.
flags.disclaim_key_flags()
_Kind = TypeVar("_Kind", bound=settings.Settings)
_Definition = tuple[Callable[..., flags.FlagHolder], tuple[Any, ...]]
_NUMBERS = {int: "whole numbers", float: "numbers"}


class Flags(Generic[_Kind]):
  """A flag for each field that has a help text, also in nested settings.

  The flag has the name, the default, the bounds and the choices of the field.
  The values of a tuple are given with commas, or by a repeated flag. The flag
  of an earlier name stands for that of the field.

  Args:
    kind: The dataclass of settings.
  """

  def __init__(self, kind: type[_Kind]):
    self._kind = kind
    self._parts: dict[str, Flags] = {}
    self._holders: dict[str, flags.FlagHolder] = {}
    for option in settings.options(kind):
      if option.is_part:
        self._parts[option.name] = Flags(option.hint)
      elif option.text:
        self._holders[option.name] = _define(option)

  def read(self, **more: Any) -> _Kind:
    """Returns the settings, once flags are parsed.

    Args:
      **more: Values of fields that no flag gives, or instead of a flag.

    Raises:
      ValueError: if a value is not one that its field takes.
    """
    values: dict[str, Any] = {
      name: flags_of.read()
      for name, flags_of in self._parts.items()
      if name not in more
    }
    for option in settings.options(self._kind):
      if option.name in self._holders and option.name not in more:
        given = self._holders[option.name].value
        values[option.name] = _value(option, given)
    return self._kind(**values, **more)

  def given(self) -> list[str]:
    """Returns the names of the flags that are on the command line."""
    mine = [name for name, flag in self._holders.items() if flag.present]
    return [*mine, *(n for part in self._parts.values() for n in part.given())]


def _define(option: settings.Option) -> flags.FlagHolder:
  """Defines the flag of a field."""
  is_required = option.default is settings.REQUIRED
  default = None if is_required else option.default
  told = _many if option.is_many else _single
  define, arguments = told(option, default)
  more = {"required": True} if is_required else {}
  holder = define(option.name, *arguments, **more)
  if option.formerly:
    flags.DEFINE_alias(option.formerly, option.name)
  return holder


def _single(option: settings.Option, default: Any) -> _Definition:
  """Returns the function and arguments that define a flag of one value."""
  if option.choices:
    choices = [str(choice) for choice in option.choices]
    return flags.DEFINE_enum, (_text(default), choices, option.text)
  if option.parse or option.hint is str:
    return flags.DEFINE_string, (_text(default), option.text)
  if option.hint is bool:
    return flags.DEFINE_bool, (default, option.text)
  bounds = (option.least, option.most)
  define = flags.DEFINE_integer if option.hint is int else flags.DEFINE_float
  return define, (default, option.text, *bounds)


def _many(option: settings.Option, default: Any) -> _Definition:
  """Returns the function and arguments that define a flag of a tuple."""
  texts = default if default is None else [_text(value) for value in default]
  if not option.repeated:
    return flags.DEFINE_list, (texts, option.text)
  if option.choices:
    return flags.DEFINE_multi_enum, (texts, option.choices, option.text)
  return flags.DEFINE_multi_string, (texts, option.text)


def _text(value: Any) -> str | None:
  if value is None:
    return None
  return f"{value:g}" if isinstance(value, float) else str(value)


def _value(option: settings.Option, given: Any) -> Any:
  """Returns the value of a field from the value of its flag."""
  if given is None:
    return None
  if option.is_many:
    return tuple(_one(option, text) for text in given)
  return _one(option, given)


def _one(option: settings.Option, given: Any) -> Any:
  if option.parse:
    return option.parse(given)
  if option.item not in _NUMBERS or not isinstance(given, str):
    return given
  try:
    return option.item(given)
  except ValueError as error:
    raise ValueError(
      f"--{option.name} takes {_NUMBERS[option.item]}; got {given!r}"
    ) from error
