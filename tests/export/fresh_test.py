"""Fresh processes are clean, and comparing what they answer can fail."""

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from export import fresh, signatures

FLOAT = signatures.Tensor("float32", (None, 2), "numbers", (0.0, 1.0))
BYTES = signatures.Tensor("string", (None,), "files")


def signature(output, tolerance):
  return signatures.Signature(
    function=dict,
    inputs={},
    outputs={"y_bytes" if output == BYTES else "y": output},
    example={},
    tolerance=tolerance,
  )


def png(value, size=(3, 2)) -> bytes:
  file = io.BytesIO()
  Image.new("RGB", size, (value, 0, 0)).save(file, "PNG")
  return file.getvalue()


def test_a_fresh_process_sees_neither_this_tree_nor_a_gpu(monkeypatch):
  monkeypatch.setenv("PYTHONPATH", str(fresh.HERE.parent))
  program = (
    "import json, os, sys;"
    "print(json.dumps([sys.path, os.environ['CUDA_VISIBLE_DEVICES']]))"
  )
  path, gpus = json.loads(fresh.run(["-c", program]))
  assert not {str(fresh.HERE), str(fresh.HERE.parent), ""} & set(path)
  assert gpus == "-1"


def test_a_failing_process_is_reported_with_its_last_lines():
  with pytest.raises(
    fresh.CheckError, match=r"process failed: .*KeyError: 'x'"
  ):
    fresh.run(["-c", "{}['x']"])
  with pytest.raises(fresh.CheckError, match="no/python could not reload"):
    fresh.run([], python="no/python")


def test_a_process_that_hangs_is_ended(monkeypatch):
  monkeypatch.setattr(fresh, "_TIMEOUT", 0.2)
  with pytest.raises(fresh.CheckError, match=r"timed out after 0\.2 seconds"):
    fresh.run(["-c", "import signal; signal.pause()"])


@pytest.mark.parametrize(
  ("output", "tolerance", "expected", "answered", "message"),
  [
    (FLOAT, 0.1, np.float32([[0, 1]]), np.float32([[0, 0.8]]), "by 0.2, more"),
    (FLOAT, 0.1, np.float32([[0, 1]]), np.float32([[0, np.nan]]), "by inf"),
    (FLOAT, 0.1, np.float32([[0, 1]]), np.float32([[0]]), r"\(1, 2\)"),
    (FLOAT, 0.1, np.float32([[0, 1]]), np.float64([[0, 1]]), "be float32"),
    (BYTES, 1.0, [png(9)], [png(11)], "by 2, more than 1"),
    (BYTES, 1.0, [png(9)], [png(9, (2, 3))], r"\(2, 3, 3\)"),
    (BYTES, 1.0, [png(9)] * 2, [png(9)], "2 answers; .* 1"),
    (BYTES, None, [b"a"], [b"b"], "not the bytes that Keras gives"),
  ],
)
def test_what_differs_is_refused(
  output, tolerance, expected, answered, message
):
  with pytest.raises(fresh.CheckError, match=f"^luma: .*{message}"):
    key = "y_bytes" if output == BYTES else "y"
    fresh.difference(
      signature(output, tolerance),
      {key: expected},
      {key: answered},
      name="luma",
    )


@pytest.mark.parametrize(
  ("output", "tolerance", "expected", "answered", "worst"),
  [
    (FLOAT, 0.3, np.float32([[0, 1]]), np.float32([[0, 0.75]]), 0.25),
    (BYTES, 1.0, [png(9), png(5, (1, 1))], [png(10), png(5, (1, 1))], 1.0),
    (BYTES, None, [b"a"], [b"a"], 0.0),
  ],
)
def test_what_agrees_gives_the_largest_difference(
  output, tolerance, expected, answered, worst
):
  found = signature(output, tolerance)
  key = "y_bytes" if output == BYTES else "y"
  outputs = {key: expected}, {key: answered}
  assert fresh.difference(found, *outputs, name="luma") == worst


def test_the_program_gets_and_gives_numbers_and_bytes(tmp_path, monkeypatch):
  """Stands in for the process, to see both files of arrays."""
  numbers = signatures.Tensor("float32", (None,), "numbers")
  both = signatures.Signature(
    function=dict,
    inputs={"x_bytes": BYTES, "q": numbers},
    outputs={"y_bytes": BYTES, "n": numbers},
    example={"x_bytes": [b"a", b""], "q": np.float32([1, 2])},
    tolerance=None,
  )

  def answer(command):
    program, folder, given, out, *ops = command
    assert program.endswith("run_signatures.py")
    assert (folder, ops) == (str(tmp_path), ["--ops=lib.so"])
    arrays = np.load(given)
    assert arrays["both/q"].tolist() == [1, 2]
    files = [arrays[f"both/x_bytes/{i}"].tobytes() for i in range(2)]
    assert files == [b"a", b""]
    octets = {f"both/y_bytes/{i}": np.frombuffer(b"xy", "u1") for i in (0, 1)}
    np.savez(out, **octets, **{"both/n": np.float32([3, 4])})
    return ""

  monkeypatch.setattr(fresh, "run", answer)
  found = fresh.call_saved_model(tmp_path, {"both": both}, ["lib.so"])["both"]
  assert found["y_bytes"] == [b"xy", b"xy"]
  assert found["n"].tolist() == [3, 4]
  other = dataclasses.replace(both, outputs={"z": numbers})
  with pytest.raises(fresh.CheckError, match="no output both/z"):
    fresh.call_saved_model(tmp_path, {"both": other}, ["lib.so"])


def test_a_relative_difference_is_one_of_the_largest_output():
  found = dataclasses.replace(signature(FLOAT, 0.01), is_relative=True)
  expected = {"y": np.float32([[0, 1000]])}
  near, far = ({"y": np.float32([[gap, 1000]])} for gap in (5, 20))
  assert fresh.difference(found, expected, near, name="y") == 0.005
  with pytest.raises(fresh.CheckError, match=r"by 0\.02, more than 0\.01"):
    fresh.difference(found, expected, far, name="y")


def test_lines_of_a_status_are_compared_as_they_are():
  found = signature(BYTES, 1.0)
  found = dataclasses.replace(found, outputs={"status": BYTES})
  good, bad = {"status": [b"", b"no"]}, {"status": [b"", b""]}
  assert fresh.difference(found, good, good, name="png") == 0
  with pytest.raises(fresh.CheckError, match="status are not the bytes"):
    fresh.difference(found, good, bad, name="png")
