"""Settings: frozen dataclasses whose fields state their type, range and help.

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Crops(settings.Settings):
      patch: int = settings.option(48, "Side of the crops.", least=8)

Programs derive their flags from such fields (`programs/derived_flags.py`), a
command its options (`tfpercept/cli/options.py`), and a training writes them
into its `run.json`.
"""

import dataclasses
import functools
import numbers
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

REQUIRED = dataclasses.MISSING
"""The default of a field that a user has to give."""
_NEVER = object()  # no value of a field: it is always written
_OPTION = "option"
_KINDS: dict[Any, tuple[Any, str]] = {
  bool: (bool, "true or false"),
  int: (numbers.Integral, "whole numbers"),
  float: (numbers.Real, "numbers"),
  str: (str, "text"),
}
_Kind = TypeVar("_Kind", bound="Settings")


@dataclasses.dataclass(frozen=True)
class Option:
  """A field of settings, with its help, type and range.

  Attributes:
    name: Name of the field.
    hint: Annotation of the field, without None if it may be None.
    may_be_none: Whether the field may be None.
    default: Default value; `REQUIRED` if there is none.
    text: Help for users; empty if no user is asked for the field.
    least: Lowest number that the field takes, or None.
    above: Number that all numbers of the field are above, or None.
    most: Highest number that the field takes, or None.
    choices: Values that the field takes, if they are few.
    repeated: Whether several values are given one by one, and not between
      commas.
    parse: Function from the text that a user gives to a value, if the
      annotation does not determine it.
    formerly: Earlier name of the field, or None.
  """

  name: str
  hint: Any
  may_be_none: bool
  default: Any
  text: str
  least: float | None
  above: float | None
  most: float | None
  choices: tuple[Any, ...]
  repeated: bool
  parse: Callable[[str], Any] | None
  formerly: str | None

  @property
  def key(self) -> str:
    """The name of its value in files, which does not change."""
    return self.formerly or self.name

  @property
  def is_part(self) -> bool:
    """Whether its value is a dataclass of settings itself."""
    return isinstance(self.hint, type) and issubclass(self.hint, Settings)

  @property
  def is_many(self) -> bool:
    """Whether its value is a tuple."""
    return typing.get_origin(self.hint) is tuple

  @property
  def item(self) -> Any:
    """The type of its value; of the values in it, where that is a tuple."""
    return typing.get_args(self.hint)[0] if self.is_many else self.hint


def option(
  default: Any,
  text: str = "",
  *,
  least: float | None = None,
  above: float | None = None,
  most: float | None = None,
  choices: Sequence[Any] = (),
  repeated: bool = False,
  parse: Callable[[str], Any] | None = None,
  formerly: str | None = None,
  absent: Any = _NEVER,
) -> Any:
  """Returns a field of a dataclass of settings.

  Args:
    default: Default value, or `REQUIRED`.
    text: Help for users; without it, no user is asked for the field.
    least: Lowest number that the field takes.
    above: Number that all numbers of the field are above.
    most: Highest number that the field takes.
    choices: Values that the field takes, if they are few.
    repeated: Whether several values are given one by one, and not between
      commas.
    parse: Function from the text that a user gives to a value, if the
      annotation does not determine it.
    formerly: Earlier name of the field. Files keep it, so that older runs
      resume, and its flag works as well.
    absent: Value that is not written: settings that were written without the
      field had this value. A field that a later version adds needs one if older
      runs are to resume.
  """
  told = {
    "text": text,
    "least": least,
    "above": above,
    "most": most,
    "choices": tuple(choices),
    "repeated": repeated,
    "parse": parse,
    "formerly": formerly,
  }
  return dataclasses.field(
    default=default, metadata={_OPTION: told, "absent": absent}
  )


def again(kind: type[Any], name: str, default: Any) -> Any:
  """Returns a field of another dataclass of settings with another default.

  A subclass that names it so keeps the text and the bounds of its base.

  Args:
    kind: The dataclass that has the field.
    name: Name of the field.
    default: The other default value.
  """
  (found,) = (f for f in dataclasses.fields(kind) if f.name == name)
  return dataclasses.field(default=default, metadata=found.metadata)


def options(kind: type[Any]) -> tuple[Option, ...]:
  """Returns the fields of a dataclass of settings, in order."""
  hints = typing.get_type_hints(kind)
  nothing: dict[str, Any] = dict.fromkeys(("least", "above", "most", "parse"))
  nothing |= {"text": "", "choices": (), "repeated": False, "formerly": None}
  return tuple(
    Option(
      name=field.name,
      hint=_without_none(hints[field.name]),
      may_be_none=type(None) in typing.get_args(hints[field.name]),
      default=field.default,
      **field.metadata.get(_OPTION, nothing),
    )
    for field in dataclasses.fields(kind)
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """A base of settings; it has none itself.

  Raises:
    ValueError: if a value is not one that its field takes.
  """

  def __post_init__(self) -> None:
    values = [(one, getattr(self, one.name)) for one in options(type(self))]
    for one, value in values:
      _check_kind(one, value)
    self.check()
    for one, value in values:
      _check_range(one, value)

  def check(self) -> None:
    """Raises ValueError where values do not go together, in words of its own.

    Values have the types of their fields by then; their ranges are looked at
    afterwards.
    """

  def to_json(self) -> dict[str, Any]:
    """Returns the settings as plain JSON values, without what is absent.

    What may be absent comes last, and of that what a base has at the very end.
    """
    absent = self.absent()
    values = {
      one.key: _plain(getattr(self, one.name)) for one in options(type(self))
    }
    always = [name for name in values if name not in absent]
    present = [name for name in absent if values[name] != absent[name]]
    return {name: values[name] for name in (*always, *reversed(present))}

  @classmethod
  def absent(cls) -> dict[str, Any]:
    """Returns what may be missing in a file, by its name there."""
    keys = {one.name: one.key for one in options(cls)}
    return {
      keys[field.name]: _plain(field.metadata["absent"])
      for field in dataclasses.fields(cls)
      if field.metadata.get("absent", _NEVER) is not _NEVER
    }

  @classmethod
  def read(cls: type[_Kind], values: Mapping[str, Any]) -> _Kind:
    """Returns the settings among JSON values; other values are ignored.

    Args:
      values: Result of `to_json` of these settings, or of settings with more
        fields.

    Raises:
      ValueError: if a field is missing that cannot be, or has a value
        that it does not take.
    """
    found = {**cls.absent(), **values}
    keys = {one.key for one in options(cls)}
    if lost := sorted(keys - found.keys()):
      raise ValueError(
        f"the settings lack {', '.join(lost)}: another version or another "
        "program wrote them"
      )
    return cls(**{o.name: _typed(o, found[o.key]) for o in options(cls)})


def _without_none(hint: Any) -> Any:
  if typing.get_origin(hint) not in (types.UnionType, typing.Union):
    return hint
  kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
  return functools.reduce(lambda one, other: one | other, kinds)


def _check_kind(one: Option, value: Any) -> None:
  """Raises ValueError if a value has not the type of a field."""
  if one.is_part or (value is None and one.may_be_none):
    return
  if one.is_many and not isinstance(value, (tuple, list)):
    raise ValueError(f"{one.name} takes several values; got {value!r}")
  kind, words = _KINDS.get(one.item, (object, ""))
  for each in value if one.is_many else (value,):
    # A bool is a number to Python, and a slip here.
    is_slip = isinstance(each, bool) and kind not in (bool, object)
    if is_slip or not isinstance(each, kind):
      raise ValueError(f"{one.name} takes {words}; got {each!r}")


def _check_range(one: Option, value: Any) -> None:
  """Raises ValueError if a value is none of those that a field takes."""
  if one.is_part or (value is None and one.may_be_none):
    return
  for each in value if one.is_many else (value,):
    if one.choices and each not in one.choices:
      choices = ", ".join(map(str, one.choices))
      raise ValueError(f"{one.name} is one of {choices}; got {each!r}")
    if one.least is not None and not each >= one.least:
      raise ValueError(f"{one.name} is at least {one.least}; got {each}")
    if one.above is not None and not each > one.above:
      raise ValueError(f"{one.name} is above {one.above:g}; got {each}")
    if one.most is not None and not each <= one.most:
      raise ValueError(f"{one.name} is at most {one.most}; got {each}")


def _plain(value: Any) -> Any:
  """Returns a value as JSON has it."""
  if isinstance(value, Settings):
    return value.to_json()
  if isinstance(value, Mapping):
    return {key: _plain(each) for key, each in value.items()}
  if isinstance(value, (tuple, list)):
    return [_plain(each) for each in value]
  return value


def _typed(one: Option, value: Any) -> Any:
  """Returns a JSON value as a field has it."""
  if one.is_part:
    if not isinstance(value, Mapping):
      raise ValueError(f"{one.name} holds settings; got {value!r}")
    return one.hint.read(value)
  return tuple(value) if one.is_many and isinstance(value, list) else value
