"""Registries of factories by name, and the language of specs.

A spec is a sum of weighted names with literal options. It has the same meaning
in a flag, in `losses.get`, in a checkpoint and in a manifest:

    ms_ssim
    ms_ssim(scales=3)
    0.84*ms_ssim + 0.16*mae

Specs are read with `ast` and nothing in them is ever evaluated.
"""

import ast
import dataclasses
import difflib
import inspect
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

_LONGEST = 200  # bytes; the name of a file has at most 255
# Weights of a spec. Times values near 1, and as gradients, they fit float32.
_LEAST, _MOST = 1e-30, 1e30

T = TypeVar("T", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Term:
  """One summand of a spec: `weight * name(**options)`."""

  name: str
  options: dict[str, Any] = dataclasses.field(default_factory=dict)
  weight: float = 1.0

  def __str__(self) -> str:
    options = ", ".join(f"{k}={_plain(v)!r}" for k, v in self.options.items())
    call = f"{self.name}({options})" if options else self.name
    return call if self.weight == 1.0 else f"{self.weight!r}*{call}"


def _plain(value: Any) -> Any:
  """Returns a value with Python numbers; those of NumPy have no literal."""
  if isinstance(value, (list, tuple)):
    return type(value)(_plain(v) for v in value)
  return value.item() if isinstance(value, np.generic) else value


class Registry:
  """A mapping from names to factories, with errors that suggest a valid name.

  Args:
    kind: Name in the singular of the registered objects, for messages.
    reserved: Keyword arguments of the factories that a spec cannot set.
    meant: Registered name by other names that people use, in small letters
      without `_`. The other names are refused with a hint to the registered
      one.
  """

  def __init__(
    self,
    kind: str,
    *,
    reserved: tuple[str, ...] = (),
    meant: Mapping[str, str] | None = None,
  ):
    self._kind = kind
    self._meant = dict(meant or {})
    self._reserved = reserved
    self._factories: dict[str, Callable[..., Any]] = {}

  def register(self, name: str) -> Callable[[T], T]:
    """Returns a decorator that registers a factory under a new name."""

    def decorate(factory: T) -> T:
      if name in self._factories:
        raise ValueError(f"{self._kind} {name!r} is registered already")
      self._factories[name] = factory
      return factory

    return decorate

  def names(self) -> tuple[str, ...]:
    """Returns the registered names, sorted."""
    return tuple(sorted(self._factories))

  def __contains__(self, name: str) -> bool:
    return name in self._factories

  def __iter__(self) -> Iterator[str]:
    return iter(self.names())

  def get(self, name: str) -> Callable[..., Any]:
    """Returns the factory of `name`.

    Raises:
      ValueError: if there is none; the message suggests the nearest name.
    """
    if name not in self._factories:
      near = self._nearest(name)
      hint = f" Did you mean {near!r}?" if near else ""
      raise ValueError(
        f"unknown {self._kind} {name!r}.{hint} "
        f"Registered: {', '.join(self.names())}."
      )
    return self._factories[name]

  def _nearest(self, name: str) -> str | None:
    """Returns the registered name that was probably meant, if any.

    It equals `name` up to case and `_`, has that other name, or is similar.
    """
    plain = {n.replace("_", ""): n for n in self._factories}
    plain |= self._meant
    key = name.lower().replace("_", "")
    if key in plain:
      return plain[key]
    near = difflib.get_close_matches(name, self._factories, n=1, cutoff=0.5)
    near = near or difflib.get_close_matches(key, plain, n=1, cutoff=0.5)
    return plain.get(near[0], near[0]) if near else None

  def options(self, name: str) -> dict[str, Any]:
    """Returns the defaults of the options that a spec can set, by name."""
    return {
      p.name: p.default
      for p in _parameters(self.get(name))
      if p.kind is p.KEYWORD_ONLY and p.name not in self._reserved
    }

  def term(self, name: str, config: Mapping[str, Any]) -> Term:
    """Returns the term of a spec for what has this config.

    It leaves out the options that have their default.
    """
    options = {
      key: config[key]
      for key, default in self.options(name).items()
      if key in config and not _equal(config[key], default)
    }
    return Term(name, options)

  def create(self, name: str, options: dict[str, Any], **extra: Any) -> Any:
    """Calls the factory of `name` and returns its result.

    Args:
      name: Registered name of the factory.
      options: Options from a spec; an unknown one raises ValueError.
      **extra: Reserved arguments of the factory.
    """
    factory = self.get(name)
    known = self.options(name)
    for option in options:
      if option not in known:
        near = difflib.get_close_matches(option, known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        offer = ", ".join(known) or "none"
        raise ValueError(
          f"{self._kind} {name!r} has no option {option!r}.{hint} "
          f"Its options: {offer}."
        )
    return factory(**options, **extra)


def _parameters(factory: Callable[..., Any]) -> list[inspect.Parameter]:
  """Returns the parameters of a factory.

  For a class they are those of its `__init__`. For the class itself, Python
  3.10 and 3.11.2 would return those of `__new__(cls, *args, **kwargs)` of a
  base class, which Keras gives to layers.
  """
  if inspect.isclass(factory) and factory.__init__ is not object.__init__:
    factory = factory.__init__
  return list(inspect.signature(factory).parameters.values())


def _equal(a: Any, b: Any) -> bool:
  """Compares options; a list read back from JSON equals its tuple."""
  if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
    return list(a) == list(b)
  return a == b


def parse_spec(spec: str) -> tuple[Term, ...]:
  """Parses a spec into its terms.

  Args:
    spec: Text such as `"0.84*ms_ssim(scales=3) + 0.16*mae"`. Only sums,
      positive numbers as weights (1e-30 to 1e30), names and literal keyword
      arguments are accepted.

  Returns:
    The terms in the written order, at least one.

  Raises:
    ValueError: if `spec` is anything else; the message quotes the wrong part.
  """
  if not isinstance(spec, str) or not spec.strip():
    raise ValueError(
      f"a spec is a string such as '0.84*ms_ssim + 0.16*mae'; got {spec!r}"
    )
  if len(spec) > 10_000:
    raise ValueError(f"a spec has at most 10000 characters; got {len(spec)}")
  try:
    return tuple(_terms(_parse(spec), spec))
  except (SyntaxError, MemoryError, RecursionError) as error:
    raise ValueError(
      f"malformed spec {spec!r}: {error}. Write it as 'name', "
      "'name(option=1)' or '0.5*name + 0.5*name'."
    ) from error


def format_spec(terms: tuple[Term, ...]) -> str:
  """Returns the spec of some terms, which `parse_spec` turns back."""
  return " + ".join(str(term) for term in terms)


def file_names(specs: Iterable[str]) -> dict[str, str]:
  """Returns a part of a file name for each spec, all different, none long."""
  found: dict[str, str] = {}
  for spec in specs:
    name = plain = re.sub(r"[^A-Za-z0-9.-]+", "_", spec).strip("_")[:_LONGEST]
    # Some disks do not distinguish case.
    taken = {other.lower() for other in found.values()}
    number = 2
    while name.lower() in taken:
      name, number = f"{plain}_{number}", number + 1
    found[spec] = name
  return found


def weight_files(spec: str) -> list[str]:
  """Returns the files of weights that a spec names, of those that there are."""
  try:
    terms = parse_spec(spec)
  except ValueError:
    return []  # some trainers have an objective of their own
  found = (term.options.get("weights") for term in terms)
  return [
    path for path in found if isinstance(path, str) and os.path.isfile(path)
  ]


def _parse(spec: str) -> ast.expr:
  try:
    return ast.parse(spec.strip(), mode="eval").body
  except ValueError as error:  # Python 3.11.2 raises it for a NUL character
    raise SyntaxError(str(error)) from error


def _terms(node: ast.expr, spec: str) -> Iterator[Term]:
  if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
    yield from _terms(node.left, spec)
    yield from _terms(node.right, spec)
  elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
    number, call = node.left, node.right
    if isinstance(number, (ast.Name, ast.Call)):
      number, call = call, number
    name, options = _call(call, spec)
    yield Term(name, options, _weight(number, spec))
  else:
    yield Term(*_call(node, spec))


def _weight(node: ast.expr, spec: str) -> float:
  value = node.value if isinstance(node, ast.Constant) else None
  if (
    not isinstance(value, (int, float))
    or isinstance(value, bool)
    or not _LEAST <= value <= _MOST
  ):
    raise ValueError(
      "a weight in a spec is a positive number, as in '0.5*mse', of "
      f"{_LEAST:g} to {_MOST:g}; got {ast.unparse(node)!r} in {spec!r}"
    )
  return float(value)


def _call(node: ast.expr, spec: str) -> tuple[str, dict[str, Any]]:
  if isinstance(node, ast.Name):
    return node.id, {}
  if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
    raise ValueError(
      f"expected 'name', 'name(option=1)' or a sum of weighted ones; got "
      f"{ast.unparse(node)!r} in {spec!r}{_without_dashes(spec)}"
    )
  given = [(k.arg, k.value) for k in node.keywords if k.arg is not None]
  if node.args or len(given) < len(node.keywords):
    raise ValueError(
      f"options are given by name, as in 'ms_ssim(scales=3)'; got "
      f"{ast.unparse(node)!r} in {spec!r}"
    )
  options: dict[str, Any] = {}
  for option, value in given:
    if option in options:
      raise ValueError(f"option {option!r} is given twice in {spec!r}")
    try:
      options[option] = ast.literal_eval(value)
    except (ValueError, TypeError) as error:
      raise ValueError(
        f"option {option!r} must be a literal such as 3, 'alex' or "
        f"(0.5, 0.5); got {ast.unparse(value)!r} in {spec!r}"
      ) from error
    if any(
      isinstance(n, ast.Constant) and _is_endless(n.value)
      for n in ast.walk(value)
    ):
      raise ValueError(
        f"option {option!r} must be finite; got "
        f"{ast.unparse(value)!r} in {spec!r}"
      )
  return node.func.id, options


def _without_dashes(spec: str) -> str:
  """Returns a hint to the spelling of a name with dashes, such as MS-SSIM."""
  dashed = re.search(r"[A-Za-z]\w*(-[A-Za-z]\w*)+", spec)
  if not dashed:
    return ""
  name = dashed[0].lower().replace("-", "_")
  return f". Names have no dashes. Did you mean {name!r}?"


def _is_endless(value: Any) -> bool:
  return isinstance(value, float) and math.isinf(value)
