"""Files in NumPy's own format are read within limits."""

import io
import os
import zipfile

import numpy as np
import pytest

from tfpercept.io import npz_reader


@pytest.fixture
def path(tmp_path):
  return tmp_path / "weights.npz"


def header(shape: str, descr: str = "'<f4'") -> bytes:
  """Returns the header of an array file, whatever it claims."""
  text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"
  text = text.ljust(117) + "\n"
  return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def write(path, contents, compression=zipfile.ZIP_DEFLATED):
  with zipfile.ZipFile(path, "w", compression) as archive:
    archive.writestr("x.npy", contents)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were(path, save):
  arrays = {
    "a|kernel": np.arange(6, dtype=np.float16).reshape(2, 3),
    "b": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "c": np.array(3, np.int64),
    "d": np.zeros((0, 2)),
  }
  save(path, **arrays)
  found = npz_reader.read(path)
  assert list(found) == list(arrays)
  for name, array in arrays.items():
    np.testing.assert_array_equal(found[name], array)
    assert found[name].dtype == array.dtype
    assert found[name].flags.writeable


class Executes:
  def __reduce__(self):
    return os.mkdir, ("mark",)


def test_pickled_objects_are_not_loaded(path, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  np.savez(path, x=np.array([Executes()], dtype=object))
  with pytest.raises(ValueError, match="holds objects"):
    npz_reader.read(path)
  assert not (tmp_path / "mark").exists()
  with np.load(path, allow_pickle=True) as arrays:
    arrays["x"]
  assert (tmp_path / "mark").exists()  # the attack is a real one


@pytest.mark.parametrize(
  ("contents", "message"),
  [
    (header(f"({1 << 60},)") + bytes(8), "has 8 bytes"),
    (header(f"({1 << 80}, 0)"), "cannot be read"),
    (header("(-1, -2)") + bytes(8), "cannot be read"),
    (header("(2,)") + bytes(4), "has 4 bytes"),
    (header("open('mark', 'w')"), "cannot be read"),
    (header("(1,)", "'|O'") + bytes(8), "holds objects"),
    (header("(1,)", "'|b1', []: 1"), "damaged header"),
    (header("(1,)", "()"), "damaged header"),
    (header("(1,)", "-" * 60_000 + "1"), "damaged header"),
    (header("(1,)", "(" * 9), "damaged header"),
    (header("(True,)") + bytes(4), "impossible shape"),
    (header(f"({1 << 40},)", "'|S0'"), "only numbers"),
    (header(f"({1 << 40},)", "'|V0'"), "only numbers"),
    (header("(1,)", "'<U2'") + bytes(8), "only numbers"),
    (header("(1,)", "'<f4,<f4'") + bytes(8), "only numbers"),
    (b"\x93NUMPY\x09\x00", "unknown version"),
    (b"no array", "cannot be read"),
    (b"", "cannot be read"),
  ],
)
def test_headers_that_lie_are_refused(
  path, tmp_path, monkeypatch, contents, message
):
  monkeypatch.chdir(tmp_path)
  write(path, contents)
  with pytest.raises(ValueError, match=message):
    npz_reader.read(path)
  assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_does_not_use_are_refused(path, compression):
  write(path, header("(1,)") + bytes(4), compression)
  with pytest.raises(ValueError, match="that NumPy never uses"):
    npz_reader.read(path)


def test_bombs_are_refused_before_they_are_unpacked(path, monkeypatch):
  monkeypatch.setattr(npz_reader, "MAX_BYTES", 1 << 20)
  write(path, header(f"({1 << 20},)") + bytes(1 << 22))
  assert path.stat().st_size < 1 << 13
  with pytest.raises(ValueError, match="unpacks to more than 1048576 bytes"):
    npz_reader.read(path)


def test_a_bomb_that_belittles_itself_unpacks_to_what_it_says(path):
  write(path, header("(2,)") + bytes(1 << 22))
  data = bytearray(path.read_bytes())
  for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
    place = data.index(signature) + offset
    data[place : place + 4] = (128 + 8).to_bytes(4, "little")
  path.write_bytes(data)
  with pytest.raises(ValueError, match="cannot be read"):
    npz_reader.read(path)


def test_damaged_files_are_refused(path):
  file = io.BytesIO()
  np.savez_compressed(file, x=np.arange(100.0))
  data = file.getvalue()
  for end in range(0, len(data), 7):
    path.write_bytes(data[:end])
    with pytest.raises(ValueError, match="cannot be read"):
      npz_reader.read(path)
  for place in range(60, 200):  # within the packed numbers
    path.write_bytes(
      data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    )
    with pytest.raises(ValueError, match="cannot be read"):
      npz_reader.read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("twin", ["x.npy", "x"])
def test_an_array_that_is_named_twice_is_refused(path, twin):
  with zipfile.ZipFile(path, "w") as archive:
    for name, value in (("x.npy", 1.0), (twin, 2.0)):
      data = io.BytesIO()
      np.save(data, np.array(value))
      archive.writestr(name, data.getvalue())
  with pytest.raises(ValueError, match="it names x twice"):
    npz_reader.read(path)
