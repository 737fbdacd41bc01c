"""Weight files are read without PyTorch, and hostile ones do nothing."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from tests import pickles
from tfpercept.io import pickle_reader, torch_reader

FORMATS = pytest.mark.parametrize("form", [pickles.five, pickles.archive])
SIX = np.arange(6, dtype=np.float32)


@pytest.fixture
def read(tmp_path):
  def read_bytes(data):
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    return torch_reader.read(path)

  return read_bytes


@FORMATS
def test_tensors_are_views_of_their_storages(read, form):
  found = read(
    form(
      {
        "whole": pickles.tensor(),
        "turned": pickles.tensor((3, 2), stride=(1, 3)),
        "part": pickles.tensor((2,), stride=(2,), offset=1),
        "scalar": pickles.tensor((), stride=(), offset=5),
        "empty": pickles.tensor((0, 7), stride=(7, 1)),
      }
    )
  )
  whole = SIX.reshape(2, 3)
  expected = {
    "whole": whole,
    "turned": whole.T,
    "part": SIX[1:4:2],
    "scalar": SIX[5],
    "empty": np.zeros((0, 7), np.float32),
  }
  assert list(found) == list(expected)
  for name, array in expected.items():
    np.testing.assert_array_equal(found[name], array)
    assert found[name].dtype == np.float32
    assert found[name].flags.writeable


@FORMATS
def test_dictionaries_are_flattened_and_parameters_are_tensors(read, form):
  parameter = pickles.Call(
    pickles.Name("torch._utils", "_rebuild_parameter"),
    (pickles.tensor(), True, None),
  )
  pairs = [("bias", parameter)]
  ordered = pickles.Call(pickles.Name("collections", "OrderedDict"), (pairs,))
  assert list(read(form({"net": {"a": ordered}, "b": pickles.tensor()}))) == [
    "net|a|bias",
    "b",
  ]


@pytest.mark.parametrize(
  ("kind", "raw", "expected"),
  [
    ("Double", struct.pack("<d", 1.5), np.float64(1.5)),
    ("Half", np.float16([1.5]).tobytes(), np.float16(1.5)),
    ("BFloat16", b"\xc0\x3f", np.float32(1.5)),
    ("Long", struct.pack("<q", -3), np.int64(-3)),
    ("Byte", b"\xff", np.uint8(255)),
    ("Bool", b"\x01", np.bool_(True)),
  ],
)
def test_each_type_of_storage_is_read(read, kind, raw, expected):
  source = pickles.storage(count=1, kind=kind)
  value = {"x": pickles.tensor((), stride=(), source=source)}
  found = read(pickles.archive(value, {"0": raw}))["x"]
  assert found == expected
  assert found.dtype == expected.dtype


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
  "array",
  [
    SIX.reshape(2, 3),
    np.asfortranarray(SIX.reshape(2, 3)),
    SIX.astype(">f4"),
    np.float16(SIX),
    np.int8(-3),
    np.array(2.5),
    np.zeros((0, 3)),
  ],
)
def test_pickled_numpy_arrays_are_read(read, protocol, array):
  data = pickle.dumps({"net": {"x": array}}, protocol=protocol)
  found = read(data)["net|x"]
  np.testing.assert_array_equal(found, array)
  assert found.dtype == array.dtype.newbyteorder("=")


def test_the_authors_files_agree_with_their_copies_in_npz(shared):
  found = sorted((shared / "data/weights").rglob("*.pth"))
  assert len(found) >= 16
  for path in found:
    arrays = torch_reader.read(path)
    with np.load(path.with_suffix(".npz")) as copies:
      assert set(arrays) == set(copies.files)
      for name, array in arrays.items():
        np.testing.assert_array_equal(array, copies[name])
        assert array.dtype == copies[name].dtype


class Executes:
  """A pickle of this runs a command when a common reader opens it."""

  def __init__(self, function, *arguments):
    self.reduced = function, arguments

  def __reduce__(self):
    return self.reduced


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_hostile_pickles_run_nothing(read, tmp_path, protocol):
  mark = tmp_path / "mark"
  hostile = Executes(os.mkdir, str(mark)), Executes(eval, f"open('{mark}','w')")
  for attack in hostile:
    with pytest.raises(ValueError, match="cannot be read as weights"):
      read(pickle.dumps({"x": attack}, protocol=protocol))
    assert not mark.exists()
  pickle.loads(pickle.dumps(hostile[0], protocol=protocol))
  assert mark.exists()  # the attack is a real one


REFUSED = {
  "os.system, which could run code": pickles.Call(
    pickles.Name("os", "system"), ("true",)
  ),
  "builtins.eval, which could run code": pickles.Name("builtins", "eval"),
  "torch.load, which could run code": pickles.Name("torch", "load"),
  "calls a str, which is no function": pickles.Call("os.system", ()),
  "calls torch.FloatStorage, which is no function": pickles.Call(
    pickles.Name("torch", "FloatStorage"), ()
  ),
  "changes the state of a tuple": pickles.Raw(b")}b"),
  "uses OBJ": pickles.Raw(b"(cnumpy\ndtype\no"),
  "uses INST": pickles.Raw(b"(ios\nsystem\n"),
  "uses NEWOBJ": pickles.Raw(b"ccollections\nOrderedDict\n)\x81"),
  "uses EXT1": pickles.Raw(b"\x82\x01"),
  "damaged pickle, at REDUCE": pickles.Call(
    pickles.Name("torch._utils", "_rebuild_tensor_v2"), (1,)
  ),
  "damaged pickle, at STACK_GLOBAL": pickles.Raw(b")}\x93"),
  "damaged pickle, at SETITEM": pickles.Raw(b"}}}s"),  # a key that is a dict
  "damaged pickle, at BINGET": pickles.Raw(b"h\x09"),
  "a tensor without storage": pickles.tensor(source=(1, 2)),
  "other than a whole storage": pickles.tensor(
    source=pickles.Reference(("module", "os", "0", "cpu", 6))
  ),
  "other than a whole storage: part": pickles.tensor(
    source=pickles.Reference(
      ("storage", pickles.Name("torch", "FloatStorage"), "0", "cpu", 6, ("1",))
    )
  ),
  "does not fit in its storage of 6": pickles.tensor((3, 3)),
  "does not fit in its storage of 6: stride": pickles.tensor(stride=(4, 1)),
  "does not fit in its storage of 6: offset": pickles.tensor(offset=1),
  "does not fit in its storage of 6: repeated": pickles.tensor(
    (1 << 20, 1 << 19), stride=(0, 0)
  ),
  "an impossible shape, stride or offset": pickles.tensor((-2, -3)),
  "an impossible shape, stride or offset: float": pickles.tensor(offset=0.0),
  "an impossible shape, stride or offset: sixty-four": pickles.tensor(
    (1,) * 64, stride=(1,) * 64
  ),
  "only tensors and arrays are read": "text",
  "only tensors and arrays are read: list": [pickles.tensor()],
  "only tensors and arrays are read: function": pickles.Name("numpy", "dtype"),
}


@FORMATS
@pytest.mark.parametrize("message", REFUSED)
def test_anything_but_tensors_and_arrays_is_refused(read, form, message):
  value = {"good": pickles.tensor(), "bad": REFUSED[message]}
  with pytest.raises(ValueError, match=message.split(":")[0]):
    read(form(value))


@FORMATS
def test_storages_that_claim_more_than_there_is_take_no_memory(read, form):
  value = {"x": pickles.tensor(source=pickles.storage(count=1 << 39))}
  with pytest.raises(ValueError, match="storage '0' should have"):
    read(form(value))
  value = {"x": pickles.tensor(source=pickles.storage(count=1 << 60))}
  with pytest.raises(ValueError, match="impossible shape, stride or offset"):
    read(form(value))


@FORMATS
def test_a_storage_described_in_two_ways_is_refused(read, form):
  other = pickles.storage(count=3, kind="Double")
  value = {
    "a": pickles.tensor(),
    "b": pickles.tensor((3,), stride=(1,), source=other),
  }
  with pytest.raises(ValueError, match="described in two ways"):
    read(form(value))


@FORMATS
def test_a_file_that_ends_early_is_refused_wherever_it_ends(read, form):
  data = form({"x": pickles.tensor()})
  read(data)
  for end in range(len(data)):
    with pytest.raises(ValueError, match="cannot be read as weights"):
      read(data[:end])


@pytest.mark.parametrize(
  ("data", "message"),
  [
    (pickle.dumps(0x1950A86A20F9469CFC6D, protocol=2), "holds a int, not a"),
    (pickles.dump(0x1950A86A20F9469CFC6C) + pickles.dump(1002) * 2, "1001"),
    (b"\x89HDF\r\n\x1a\n", "cannot be read as weights"),
    (pickles.archive({}, byteorder=b"big"), "little-endian"),
    (pickles.archive({}, compression=zipfile.ZIP_DEFLATED), "compressed"),
    (pickles.archive({}).replace(b"data.pkl", b"data.pkx"), "lacks the entry"),
    (pickles.five({"x": pickles.tensor()}, {"1": pickles.FLOATS}), "its list"),
    (pickles.archive({"x": pickles.tensor()}, {}), "it has none"),
  ],
)
def test_files_of_other_kinds_are_refused(read, data, message):
  with pytest.raises(ValueError, match=message):
    read(data)


def test_entries_of_an_archive_that_claim_more_than_it_has_are_refused(read):
  data = bytearray(pickles.archive({"x": pickles.tensor()}))
  directory = data.index(b"PK\x01\x02")
  data[directory + 20 : directory + 28] = struct.pack("<II", 1 << 31, 1 << 31)
  with pytest.raises(ValueError, match="claim more bytes"):
    read(bytes(data))


def test_deep_and_endless_nesting_is_refused(read):
  deep = pickles.tensor()
  for _ in range(20):
    deep = {"x": deep}
  with pytest.raises(ValueError, match="nests them more than 16 deep"):
    read(pickles.five(deep))
  tuples = pickles.Raw(b")" + b"\x85" * 50_000)  # a tuple in a tuple in ...
  with pytest.raises(ValueError, match="only tensors and arrays"):
    read(pickles.dump({"x": tuples}))
  itself = b"}q\x00X\x01\x00\x00\x00xh\x00s"  # d = {}; d["x"] = d
  with pytest.raises(ValueError, match="nests them more than 16 deep"):
    read(pickles.dump(pickles.Raw(itself)))


def test_many_names_for_little_data_are_refused(read, monkeypatch):
  # Each level holds the one below a hundred times: 1e32 arrays in the end.
  value = b"}"
  for level in range(15):
    memo = bytes([100 + level])
    pairs = pickles.encode("0") + value + b"q" + memo
    for key in range(1, 100):
      pairs += pickles.encode(str(key)) + b"h" + memo
    value = b"}(" + pairs + b"u"
  with pytest.raises(ValueError, match="more than 10000 entries"):
    read(pickles.dump(pickles.Raw(value)))
  monkeypatch.setattr(torch_reader, "MAX_BYTES", 1 << 14)
  source = pickles.storage(count=3000)
  large = pickles.tensor((3000,), stride=(1,), source=source)
  with pytest.raises(ValueError, match="have more than 16384 bytes"):
    read(pickles.five({"a": large, "b": large}, {"0": bytes(12000)}))


def test_limits_hold(read, monkeypatch):
  with pytest.raises(ValueError, match="more than 200 characters"):
    read(pickles.five({"x" * 201: pickles.tensor()}))
  monkeypatch.setattr(pickle_reader, "MAX_STEPS", 1000)
  with pytest.raises(ValueError, match="more than 1000 opcodes"):
    read(pickles.dump(pickles.Raw(b"}" * 1000)))
  monkeypatch.setattr(torch_reader, "MAX_BYTES", 10)
  with pytest.raises(ValueError, match="at most 10 are read"):
    read(pickles.five({"x": pickles.tensor()}))


PARAMETER = pickles.Name("torch._utils", "_rebuild_parameter")
ORDERED = pickles.Name("collections", "OrderedDict")


def call(name, arguments):
  """A call whose arguments need be no tuple."""
  return pickles.encode(name) + pickles.encode(arguments) + b"R"


def test_arguments_that_are_many_or_no_tuple_are_not_unpacked(read):
  reference = pickles.Reference("storage" * 9)
  for value in (
    pickles.Raw(call(PARAMETER, "x" * 10)),
    pickles.Raw(call(PARAMETER, [1])),
    pickles.Raw(call(PARAMETER, tuple(range(17)))),
  ):
    with pytest.raises(ValueError, match="at most 16 values"):
      read(pickles.dump({"x": value}))
  with pytest.raises(ValueError, match="at most 16 values"):
    read(pickles.five({"x": pickles.tensor(source=reference)}))


def test_states_that_are_no_tuple_are_not_unpacked(read):
  array = pickles.Call(
    pickles.Name("numpy.core.multiarray", "_reconstruct"), ()
  )
  state = pickles.encode(array) + pickles.encode("x" * 10) + b"b"
  with pytest.raises(ValueError, match="at most 16 values"):
    read(pickles.dump({"x": pickles.Raw(state)}))


def test_a_list_given_again_and_again_is_counted_each_time(read, monkeypatch):
  monkeypatch.setattr(pickle_reader, "MAX_STEPS", 10_000)
  begin = pickles.encode([0] * 100) + b"q\x01"
  stack = begin + (pickles.encode(PARAMETER) + b"h\x01h\x01\x86R") * 60
  with pytest.raises(ValueError, match="calls take more than 10000 values"):
    read(pickles.dump(pickles.Raw(stack)))


@pytest.mark.parametrize("pair", [(1, 2, 3), "ab", [0] * 1000])
def test_an_ordered_dictionary_is_of_pairs(read, pair):
  value = pickles.Call(ORDERED, ([("x", 1), pair],))
  with pytest.raises(ValueError, match="not pairs"):
    read(pickles.dump(value))


def test_dictionaries_that_would_be_slow_are_refused(read):
  with pytest.raises(ValueError, match="keys of more than 61 bits"):
    read(pickles.dump({(2**61 - 1) * n: None for n in range(1, 4)}))
  with pytest.raises(ValueError, match="more than 10000 entries"):
    read(pickles.dump(dict.fromkeys(range(10_001))))


def test_arrays_with_objects_or_wrong_sizes_are_refused(read):
  with pytest.raises(ValueError, match="arrays of type O8"):
    read(pickle.dumps({"x": np.array([None])}, protocol=3))
  data = pickle.dumps({"x": SIX}, protocol=3)
  for shape in (b"K\x07\x85", b"J\xff\xff\xff\x7f\x85"):  # for K 6 and a tuple
    wrong = data.replace(b"K\x06\x85", shape)
    assert wrong != data
    with pytest.raises(ValueError, match="has 24 bytes"):
      read(wrong)


def test_numbers_that_are_no_arrays_are_refused(read):
  with pytest.raises(ValueError, match="'epoch' is a int"):
    read(pickle.dumps({"epoch": 3}, protocol=3))


def test_an_archive_of_something_else_is_refused(read):
  file = io.BytesIO()
  with zipfile.ZipFile(file, "w") as made:
    made.writestr("a.txt", "text")
  with pytest.raises(ValueError, match="lacks the entry"):
    read(file.getvalue())


@FORMATS
def test_damage_anywhere_is_read_or_refused(read, form):
  data = form({"x": pickles.tensor()})
  refused = 0
  for place in range(0, len(data), 3):
    for value in (0, 0xFF):
      try:
        read(data[:place] + bytes([value]) + data[place + 1 :])
      except ValueError:  # and nothing else
        refused += 1
  assert refused > len(data) // 6  # a quarter of them; the rest is harmless
