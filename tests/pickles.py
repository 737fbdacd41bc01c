"""Writes pickles opcode by opcode, also such as no library would write."""

import dataclasses
import io
import pickle
import struct
import zipfile
from typing import Any


@dataclasses.dataclass(frozen=True)
class Name:
  """A global, such as `Name("os", "system")`."""

  module: str
  attribute: str


@dataclasses.dataclass(frozen=True)
class Call:
  """The result of calling a global."""

  function: Any
  arguments: tuple


@dataclasses.dataclass(frozen=True)
class Reference:
  """A persistent id."""

  identity: Any


@dataclasses.dataclass(frozen=True)
class Raw:
  """Opcodes as they are."""

  opcodes: bytes


def dump(value: Any) -> bytes:
  """Returns a pickle of protocol 2 that makes a value."""
  return b"\x80\x02" + encode(value) + b"."


def encode(value: Any) -> bytes:
  """Returns the opcodes that push a value."""
  if isinstance(value, Raw):
    return value.opcodes
  if isinstance(value, Name):
    return f"c{value.module}\n{value.attribute}\n".encode()
  if isinstance(value, Call):
    return encode(value.function) + encode(value.arguments) + b"R"
  if isinstance(value, Reference):
    return encode(value.identity) + b"Q"
  if isinstance(value, tuple):
    return b"(" + b"".join(map(encode, value)) + b"t"
  if isinstance(value, list):
    return b"](" + b"".join(map(encode, value)) + b"e"
  if isinstance(value, dict):
    parts = (part for pair in value.items() for part in pair)
    return b"}(" + b"".join(map(encode, parts)) + b"u"
  return pickle.dumps(value, protocol=2)[2:-1]  # a number, text, None


def storage(key: str = "0", count: int = 6, kind: str = "Float") -> Reference:
  """A reference to a storage, as PyTorch writes it."""
  name = Name("torch", f"{kind}Storage")
  return Reference(("storage", name, key, "cpu", count))


def tensor(
  shape: Any = (2, 3),
  *,
  stride: Any = (3, 1),
  offset: Any = 0,
  source: Any = None,
) -> Call:
  """A tensor, as PyTorch writes it."""
  empty = Call(Name("collections", "OrderedDict"), ())
  return Call(
    Name("torch._utils", "_rebuild_tensor_v2"),
    (source or storage(), offset, shape, stride, False, empty),
  )


FLOATS = struct.pack("<6f", *range(6))


def five(value: Any, storages: dict[str, bytes] | None = None) -> bytes:
  """A file of PyTorch's old format; storages are of 4-byte numbers."""
  storages = {"0": FLOATS} if storages is None else storages
  parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, value)
  data = b"".join(map(dump, (*parts, list(storages))))
  return data + b"".join(
    struct.pack("<q", len(raw) // 4) + raw for raw in storages.values()
  )


def archive(
  value: Any,
  storages: dict[str, bytes] | None = None,
  *,
  compression: int = zipfile.ZIP_STORED,
  byteorder: bytes = b"little",
) -> bytes:
  """A file of PyTorch's newer format."""
  storages = {"0": FLOATS} if storages is None else storages
  file = io.BytesIO()
  with zipfile.ZipFile(file, "w", compression) as made:
    made.writestr("model/data.pkl", dump(value))
    made.writestr("model/byteorder", byteorder)
    for key, raw in storages.items():
      made.writestr(f"model/data/{key}", raw)
    made.writestr("model/version", "3\n")
  return file.getvalue()
