"""Flags of a program that are the fields of its settings."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from absl import flags

from tfpercept import settings

# A flag belongs to the program that asks for it, and its help lists it there.
flags.disclaim_key_flags()
_Kind = TypeVar("_Kind", bound=settings.Settings)
_NUMBERS = {int: "whole numbers", float: "numbers"}


class Flags(Generic[_Kind]):
  """A flag for each field that has a help text; those of parts among them.

  The flag has the name, the default, the bounds and the choices of the field.
  A tuple is given between commas, or by a flag that is repeated.

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
      **more: Fields that no flag gives, or that hold something else.

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
  default, more = option.default, {"required": True} if is_required else {}
  if is_required:
    default = None
  name, text = option.name, option.text
  if option.is_many:
    return _define_many(option, default, more)
  if option.choices:
    choices = [str(choice) for choice in option.choices]
    return flags.DEFINE_enum(name, _text(default), choices, text, **more)
  if option.parse or option.hint is str:
    return flags.DEFINE_string(name, _text(default), text, **more)
  if option.hint is bool:
    return flags.DEFINE_bool(name, default, text, **more)
  define: Callable[..., flags.FlagHolder] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
  }[option.hint]
  return define(name, default, text, option.least, option.most, **more)


def _define_many(
  option: settings.Option, default: Any, more: Mapping[str, Any]
) -> flags.FlagHolder:
  """Defines the flag of a field that holds a tuple."""
  texts = default if default is None else [_text(value) for value in default]
  if not option.repeated:
    return flags.DEFINE_list(option.name, texts, option.text, **more)
  if option.choices:
    return flags.DEFINE_multi_enum(
      option.name, texts, option.choices, option.text, **more
    )
  return flags.DEFINE_multi_string(option.name, texts, option.text, **more)


def _text(value: Any) -> str | None:
  if value is None:
    return None
  return f"{value:g}" if isinstance(value, float) else str(value)


def _value(option: settings.Option, given: Any) -> Any:
  """Returns what a flag was given as its field has it."""
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
