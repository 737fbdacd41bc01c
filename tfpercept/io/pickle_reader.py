"""A reader of pickles of arrays and dictionaries that does not run them.

A pickle is a program. This module does not run it. It interprets only the
opcodes that files of weights consist of, and knows only functions that build
arrays and dictionaries. Anything else raises ValueError. No step copies data,
follows nested values or costs more than is counted for it, so a hostile file
cannot exhaust memory, stack or time.
"""

import io
import math
import pickletools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

MAX_STEPS = 1_000_000
"""Largest number of opcodes in a pickle; 10,000 tensors need a third of it."""
MAX_DIMENSIONS = 32
MAX_ENTRIES = 10_000
"""Largest number of entries of a dictionary."""
_MAX_ARGUMENTS = 16
_HASH_PRIME = (1 << 61) - 1  # integers equal modulo this have the same hash


class Function(NamedTuple):
  """A name that a pickle may use and, if it has `call`, may call."""

  name: str
  call: Callable[..., Any] | None = None


class Machine:
  """An interpreter of the part of the pickle language that weights need.

  Args:
    functions: Functions that pickles may use, by full name; None for names that
      may be used but not called.
    persistent: Function that returns the object of a persistent id, which lies
      outside the pickle; None if pickles may not have such ids.
  """

  def __init__(
    self,
    functions: dict[str, Callable[..., Any] | None],
    persistent: Callable[[Any], Any] | None = None,
  ):
    self._functions = {n: Function(n, call) for n, call in functions.items()}
    self._persistent = persistent

  def run(self, stream: io.BytesIO) -> Any:
    """Returns the value of the next pickle and moves the stream past it."""
    self._stack: list[Any] = []
    self._outer: list[list[Any]] = []  # the stacks below each mark
    self._memo: dict[int, Any] = {}
    # Counted apart, since few opcodes can pass one list to many calls.
    self._work = 0
    for step, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
      if step == MAX_STEPS:
        raise ValueError(f"a pickle of more than {MAX_STEPS} opcodes")
      if opcode.name == "STOP":
        break
      try:
        self._step(opcode.name, argument)
      except (AttributeError, LookupError, TypeError, OverflowError) as error:
        raise ValueError(f"damaged pickle, at {opcode.name}") from error
    if len(self._stack) != 1 or self._outer:
      raise ValueError("damaged pickle, at its end")
    return self._stack.pop()

  def _step(self, name: str, argument: Any) -> None:
    stack = self._stack
    if name in _LITERALS:
      stack.append(argument)
    elif name in _CONSTANTS:
      stack.append(_CONSTANTS[name])
    elif name in _EMPTY:
      stack.append(_EMPTY[name]())
    elif name in ("BINGET", "LONG_BINGET"):
      stack.append(self._memo[argument])
    elif name in ("BINPUT", "LONG_BINPUT"):
      self._memo[argument] = stack[-1]
    elif name == "MEMOIZE":
      self._memo[len(self._memo)] = stack[-1]
    elif name == "MARK":
      self._outer.append(stack)
      self._stack = []
    elif name in _MANY:
      self._stack = self._outer.pop()
      _MANY[name](self._stack, stack)
    elif name in _FEW:
      count, put = _FEW[name]
      items = [stack.pop() for _ in range(count)]
      put(stack, items[::-1])
    elif name not in ("PROTO", "FRAME"):
      self._act(name, argument)

  def _act(self, name: str, argument: Any) -> None:
    """Interprets the opcodes by which a pickle could run code."""
    stack = self._stack
    if name == "GLOBAL":
      stack.append(self._find(argument.replace(" ", ".")))
    elif name == "STACK_GLOBAL":
      attribute, module = stack.pop(), stack.pop()
      stack.append(self._find(".".join([module, attribute])))
    elif name == "REDUCE":
      arguments, function = stack.pop(), stack.pop()
      if not isinstance(function, Function) or function.call is None:
        raise ValueError(f"it calls {kind(function)}, which is no function")
      few(arguments)
      self._work += sum(
        len(a) for a in arguments if isinstance(a, (list, tuple))
      )
      if self._work > MAX_STEPS:
        raise ValueError(f"its calls take more than {MAX_STEPS} values")
      stack.append(function.call(*arguments))
    elif name == "BUILD":
      state = stack.pop()
      if isinstance(stack[-1], (Array, _Dtype)):
        stack[-1].build(*few(state))
      # The state that PyTorch sets on dictionaries is its version; ignored.
      elif not isinstance(stack[-1], dict):
        raise ValueError(f"it changes the state of {kind(stack[-1])}")
    elif name == "BINPERSID" and self._persistent:
      stack.append(self._persistent(stack.pop()))
    else:
      raise ValueError(f"it uses {name}, which no file of weights needs")

  def _find(self, name: str) -> Function:
    name = name.replace("numpy._core.", "numpy.core.")  # its name in NumPy 2
    if name not in self._functions:
      raise ValueError(
        f"it asks for {name:.80}, which could run code; only functions that "
        "build tensors, arrays and dictionaries are allowed"
      )
    return self._functions[name]


def kind(value: Any) -> str:
  """Returns the kind of a value for messages, such as `a list`."""
  if isinstance(value, Function):
    return value.name
  return f"a {type(value).__name__.lstrip('_')}"


def require_sizes(sizes: Any) -> None:
  """Raises ValueError unless `sizes` is a tuple of sizes below 2**40."""
  if (
    not isinstance(sizes, tuple)
    or len(sizes) > MAX_DIMENSIONS
    or not all(type(n) is int and 0 <= n < 1 << 40 for n in sizes)
  ):
    raise ValueError("it has an impossible shape, stride or offset")


def few(values: Any) -> tuple:
  """Returns a tuple of at most 16 values; else raises ValueError."""
  if not isinstance(values, tuple) or len(values) > _MAX_ARGUMENTS:
    raise ValueError(
      "it gives a function something other than a tuple of at most "
      f"{_MAX_ARGUMENTS} values"
    )
  return values


def ordered(pairs: Any = ()) -> dict:
  """Returns a dictionary in place of `collections.OrderedDict`."""
  made: dict = {}
  if not all(isinstance(p, (tuple, list)) and len(p) == 2 for p in pairs):
    raise ValueError("it makes a dictionary of values that are not pairs")
  _put_pairs([made], [part for pair in pairs for part in pair])
  return made


def _put_tuple(stack: list, items: list) -> None:
  stack.append(tuple(items))


def _put_items(stack: list, items: list) -> None:
  if not isinstance(stack[-1], list):
    raise TypeError(stack[-1])
  stack[-1].extend(items)


def _put_pairs(stack: list, items: list) -> None:
  keys, values = items[::2], items[1::2]
  if not isinstance(stack[-1], dict) or not all(
    isinstance(key, (str, int)) for key in keys
  ):
    raise TypeError(stack[-1])
  if any(isinstance(key, int) and abs(key) >= _HASH_PRIME for key in keys):
    raise ValueError("a dictionary with keys of more than 61 bits")
  if len(stack[-1]) + len(keys) > MAX_ENTRIES:
    raise ValueError(f"a dictionary of more than {MAX_ENTRIES} entries")
  stack[-1].update(zip(keys, values, strict=True))


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
_LITERALS = frozenset(
  {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
  }
)
# Opcodes that take everything above the last mark, and opcodes that take a
# fixed number of values.
_MANY = {"TUPLE": _put_tuple, "APPENDS": _put_items, "SETITEMS": _put_pairs}
_FEW = {
  "TUPLE1": (1, _put_tuple),
  "TUPLE2": (2, _put_tuple),
  "TUPLE3": (3, _put_tuple),
  "APPEND": (1, _put_items),
  "SETITEM": (2, _put_pairs),
}


class _Dtype:
  """A numeric NumPy type under construction."""

  def __init__(self, code: str, *unused: Any):
    if not re.fullmatch(r"b1|[iu][1248]|f[248]", code):
      raise ValueError(f"arrays of type {code:.80} are not read")
    self._code, self._order = code, "<"

  def build(self, version: int, order: str, *unused: Any) -> None:
    del version
    if order not in ("<", ">", "|", "="):
      raise ValueError("a type of unknown byte order")
    self._order = order

  @property
  def numpy(self) -> np.dtype:
    return np.dtype(self._order + self._code)


class Array:
  """A NumPy array under construction."""

  def __init__(self, *unused: Any):
    self._array: np.ndarray | None = None

  @classmethod
  def of_buffer(
    cls, data: bytes, dtype: _Dtype, shape: Any, order: str = "C"
  ) -> "Array":
    made = cls()
    made.build(1, shape, dtype, order == "F", data)
    return made

  def build(
    self, version: int, shape: Any, dtype: _Dtype, fortran: bool, data: bytes
  ) -> None:
    del version
    require_sizes(shape)
    found = dtype.numpy
    if math.prod(shape) * found.itemsize != len(data):
      raise ValueError(
        f"an array of shape {shape} and type {found.name} has {len(data)} bytes"
      )
    self._array = np.ndarray(shape, found, data, order="F" if fortran else "C")

  @property
  def size(self) -> int:
    """Number of bytes of `array`."""
    return self._complete().nbytes

  def array(self) -> np.ndarray:
    """Returns a copy in the byte order of this machine."""
    found = self._complete()
    return np.array(found, found.dtype.newbyteorder("="), order="C")

  def _complete(self) -> np.ndarray:
    if self._array is None:
      raise ValueError("an array without contents")
    return self._array


NUMPY: dict[str, Callable[..., Any] | None] = {
  "numpy.ndarray": None,
  "numpy.dtype": _Dtype,
  "numpy.core.multiarray._reconstruct": Array,
  "numpy.core.multiarray.scalar": lambda dtype, data: Array.of_buffer(
    data, dtype, ()
  ),
  "numpy.core.numeric._frombuffer": Array.of_buffer,
}
"""Functions that pickles of NumPy arrays use, by full name."""
