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
    outputs={"y": output},
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
    fresh.difference(
      signature(output, tolerance),
      {"y": expected},
      {"y": answered},
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
  outputs = {"y": expected}, {"y": answered}
  assert fresh.difference(found, *outputs, name="luma") == worst


def test_bytes_and_numbers_are_reloaded_by_programs_that_take_them():
  numbers = signature(FLOAT, 0.1)
  both = dataclasses.replace(numbers, inputs={"x_bytes": BYTES})
  assert fresh.program(numbers) == "saved_model_cli"
  only = dataclasses.replace(signature(BYTES, None), inputs={"x_bytes": BYTES})
  assert fresh.program(only) == "run_files"
  with pytest.raises(ValueError, match="no program"):
    fresh.program(both)
  files = signature(BYTES, None)
  one = signatures.Tensor("float32", (), "number")
  beside = dataclasses.replace(files, inputs={"x_bytes": BYTES, "q": one})
  assert fresh.program(beside) == "run_files"
