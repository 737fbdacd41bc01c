"""A safe reader of weight files of PyTorch and of pickled NumPy arrays.

Formats: PyTorch's old one of five pickles followed by raw storages, its newer
one in an archive, and a single pickle of (nested) dictionaries of NumPy arrays.
No code in a file runs; `pickle_reader` explains why a hostile file is harmless.
"""

import dataclasses
import io
import math
import os
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfpercept.io import pickle_reader

MAX_BYTES = 1 << 30
"""Largest size in bytes of a file, and of its arrays together."""
MAX_ARRAYS = pickle_reader.MAX_ENTRIES
MAX_DEPTH = 16
MAX_NAME = 200

_MAGIC = 0x1950A86A20F9469CFC6C  # value of the first of the five pickles
_PROTOCOL = 1001  # value of the second

_WHOLE: tuple[list, list] = (
  [],
  [None],
)  # last entries of a persistent id that refers to a whole storage
_BFLOAT16 = "bfloat16"  # a type that NumPy lacks
_STORAGES = {
  "torch.DoubleStorage": "<f8",
  "torch.FloatStorage": "<f4",
  "torch.HalfStorage": "<f2",
  "torch.BFloat16Storage": _BFLOAT16,
  "torch.LongStorage": "<i8",
  "torch.IntStorage": "<i4",
  "torch.ShortStorage": "<i2",
  "torch.CharStorage": "|i1",
  "torch.ByteStorage": "|u1",
  "torch.BoolStorage": "|b1",
}


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
  """Returns the arrays of a file by name.

  Names of nested dictionaries are joined by `|`. Types stay as they are, except
  that bfloat16 comes as float32.

  Raises:
    ValueError: if the file is damaged, too large, of another format, or holds
      anything but tensors and arrays in dictionaries.
  """
  path = pathlib.Path(path)
  size = path.stat().st_size
  if size > MAX_BYTES:
    raise ValueError(f"{path} has {size} bytes; at most {MAX_BYTES} are read")
  data = path.read_bytes()
  try:
    return dict(_flat(_parse(data)))
  # Our own errors, and those that zipfile raises for damage.
  except (
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
  ) as error:
    raise ValueError(f"{path} cannot be read as weights: {error}") from error


@dataclasses.dataclass
class _Storage:
  """A run of numbers of which tensors are views."""

  type: str
  count: int
  data: bytes = b""

  @property
  def dtype(self) -> np.dtype:
    return np.dtype("<u2" if self.type == _BFLOAT16 else self.type)

  @property
  def size(self) -> int:
    """Size in bytes."""
    return self.count * self.dtype.itemsize


class _Tensor:
  """A view of a storage that lies inside it.

  It has no more numbers than the storage, so a small file cannot claim a large
  tensor by repeating numbers.
  """

  def __init__(
    self, storage: Any, offset: Any, shape: Any, stride: Any, *unused: Any
  ):
    if not isinstance(storage, _Storage):
      raise ValueError("a tensor without storage")
    for sizes in (shape, stride, (offset,)):
      pickle_reader.require_sizes(sizes)
    steps = zip(shape, stride, strict=True)
    last = offset + sum((n - 1) * step for n, step in steps)
    if math.prod(shape) > storage.count or (
      0 not in shape and last >= storage.count
    ):
      raise ValueError(
        f"a tensor of shape {shape}, stride {stride} and offset {offset} does "
        f"not fit in its storage of {storage.count} numbers"
      )
    self._storage, self._offset = storage, offset
    self._shape, self._stride = shape, stride

  @property
  def size(self) -> int:
    """Number of bytes of `array`."""
    width = 4 if self._storage.type == _BFLOAT16 else 1
    return math.prod(self._shape) * max(width, self._storage.dtype.itemsize)

  def array(self) -> np.ndarray:
    """Returns a copy in the byte order of this machine."""
    dtype = self._storage.dtype
    found = np.zeros(self._shape, dtype)
    if found.size:
      view: np.ndarray = np.ndarray(
        self._shape,
        dtype,
        self._storage.data,
        self._offset * dtype.itemsize,
        [step * dtype.itemsize for step in self._stride],
      )
      found[...] = view
    if self._storage.type == _BFLOAT16:  # the upper half of a float32
      wide = np.asarray(np.left_shift(found, 16, dtype="<u4"))
      found = wide.view("<f4")
    return found.astype(found.dtype.newbyteorder("="), copy=False)


class _Names:
  """The functions that a file of PyTorch may use, and its storages."""

  def __init__(self) -> None:
    self.storages: dict[str, _Storage] = {}
    self.functions = {
      **pickle_reader.NUMPY,
      **dict.fromkeys(_STORAGES),
      "collections.OrderedDict": pickle_reader.ordered,
      "torch._utils._rebuild_tensor": _Tensor,
      "torch._utils._rebuild_tensor_v2": _Tensor,
      "torch._utils._rebuild_parameter": lambda tensor, *unused: tensor,
    }

  def storage(self, identity: Any) -> _Storage:
    """Returns the storage of an id ("storage", type, key, device, count)."""
    kind, function, key, _, count, *view = pickle_reader.few(identity)
    if kind != "storage" or not isinstance(key, str) or view not in _WHOLE:
      raise ValueError("it refers to something other than a whole storage")
    pickle_reader.require_sizes((count,))
    described = _Storage(_STORAGES[function.name], count)
    if self.storages.setdefault(key, described) != described:
      raise ValueError(f"storage {key!r} is described in two ways")
    return self.storages[key]


def _parse(data: bytes) -> Any:
  """Returns the value of a file in any of the three formats."""
  if data.startswith(b"PK\x03\x04"):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
      return _parse_archive(archive, len(data))
  stream = io.BytesIO(data)
  value = pickle_reader.Machine(_Names().functions).run(stream)
  return _parse_rest(stream) if value == _MAGIC else value


def _parse_rest(stream: io.BytesIO) -> Any:
  """Reads the rest of a file of the old format after its magic number."""
  names, plain = _Names(), pickle_reader.Machine({})
  protocol, system = plain.run(stream), plain.run(stream)
  if protocol != _PROTOCOL:
    raise ValueError(f"it is not of format {_PROTOCOL}")
  if not isinstance(system, dict) or not system.get("little_endian"):
    raise ValueError("it was not written by a little-endian machine")
  value = pickle_reader.Machine(names.functions, names.storage).run(stream)
  keys = plain.run(stream)
  if not (
    isinstance(keys, list)
    and all(isinstance(key, str) for key in keys)
    and sorted(keys) == sorted(names.storages)
  ):
    raise ValueError("its list of storages is not that of its tensors")
  for key in keys:
    storage = names.storages[key]
    (count,) = np.frombuffer(_take(stream, 8), "<i8")
    if count != storage.count:
      raise ValueError(
        f"storage {key!r} should have {storage.count} numbers; it has {count}"
      )
    storage.data = _take(stream, storage.size)
  return value


def _take(stream: io.BytesIO, count: int) -> bytes:
  data = stream.read(count)
  if len(data) != count:
    raise ValueError(f"it ends early: {count} bytes wanted, {len(data)} left")
  return data


def _parse_archive(archive: zipfile.ZipFile, size: int) -> Any:
  """Reads a file of the newer format."""
  entries = {info.filename: info for info in archive.infolist()}
  for info in entries.values():
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
      raise ValueError(f"entry {info.filename!r} is compressed or encrypted")
  if sum(info.file_size for info in entries.values()) > size:
    raise ValueError("its entries claim more bytes than it has")
  found = [name for name in entries if name.endswith("/data.pkl")]
  if len(found) != 1:
    raise ValueError("it lacks the entry data.pkl that torch.save writes")
  folder = found[0].removesuffix("data.pkl")
  order = entries.get(f"{folder}byteorder")
  if order is not None and archive.read(order) != b"little":
    raise ValueError("it was not written by a little-endian machine")
  names = _Names()
  machine = pickle_reader.Machine(names.functions, names.storage)
  value = machine.run(io.BytesIO(archive.read(found[0])))
  for key, storage in names.storages.items():
    entry = entries.get(f"{folder}data/{key}")
    if entry is None or entry.file_size != storage.size:
      raise ValueError(
        f"storage {key!r} should have {storage.size} bytes; it has "
        f"{entry.file_size if entry else 'none'}"
      )
    storage.data = archive.read(entry)
  return value


def _flat(value: Any) -> Iterator[tuple[str, np.ndarray]]:
  """Yields the arrays of nested dictionaries, within the limits."""
  if not isinstance(value, dict):
    raise ValueError(f"it holds {pickle_reader.kind(value)}, not a dictionary")
  count, size = 0, 0
  pending: list[tuple[tuple[str, ...], Any]] = [((), value)]
  while pending:
    path, item = pending.pop()
    if isinstance(item, dict):
      count += len(item)
      if count > MAX_ARRAYS or len(path) >= MAX_DEPTH:
        raise ValueError(
          f"it has more than {MAX_ARRAYS} entries, or nests them more than "
          f"{MAX_DEPTH} deep"
        )
      if any(len(str(key)) > MAX_NAME for key in item):
        raise ValueError(f"a name of more than {MAX_NAME} characters")
      pending += [((*path, str(k)), v) for k, v in reversed(item.items())]
      continue
    name = "|".join(path)
    if not isinstance(item, (_Tensor, pickle_reader.Array)):
      raise ValueError(
        f"{name!r} is {pickle_reader.kind(item)}; only tensors and arrays are "
        "read"
      )
    size += item.size
    if size > MAX_BYTES:
      raise ValueError(f"its arrays have more than {MAX_BYTES} bytes")
    yield name, item.array()
