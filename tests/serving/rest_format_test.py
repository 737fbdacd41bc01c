"""JSON of TF Serving's REST interface becomes arrays, and arrays JSON."""

import base64
import re

import numpy as np
import pytest

from serving import rest_format

SIGNATURES = {
  "png": {"inputs": {"image_bytes": {"dtype": "string", "shape": [None]}}},
  "compress": {
    "inputs": {
      "image_bytes": {"dtype": "string", "shape": [None]},
      "quality": {"dtype": "float32", "shape": [None]},
    }
  },
  "serving_default": {
    "inputs": {"image": {"dtype": "float32", "shape": [None, None]}}
  },
}


def b64(contents):
  return {"b64": base64.b64encode(contents).decode()}


def test_rows_of_the_only_input_are_bare_or_named():
  for row in (b64(b"\xff\0"), {"image_bytes": b64(b"\xff\0")}):
    body = {"signature_name": "png", "instances": [row, row]}
    name, inputs, rows = rest_format.request(body, SIGNATURES)
    assert (name, rows) == ("png", True)
    assert inputs["image_bytes"].tolist() == [b"\xff\0"] * 2


def test_rows_of_several_inputs_become_columns():
  rows = [
    {"image_bytes": b64(b"a"), "quality": 3},
    {"image_bytes": b64(b"b"), "quality": 4.5},
  ]
  _, inputs, _ = rest_format.request(
    {"signature_name": "compress", "instances": rows}, SIGNATURES
  )
  assert inputs["image_bytes"].tolist() == [b"a", b"b"]
  assert inputs["quality"].tolist() == [3.0, 4.5]


def test_columns_are_taken_as_they_are():
  body = {"inputs": {"image": [[0.5, 1], [0, 0.25]]}}
  name, inputs, rows = rest_format.request(body, SIGNATURES)
  assert (name, rows) == ("serving_default", False)
  assert inputs["image"].tolist() == [[0.5, 1.0], [0.0, 0.25]]
  bare = rest_format.request({"inputs": [[0.5, 1]]}, SIGNATURES)[1]
  assert bare["image"].tolist() == [[0.5, 1.0]]


def test_answers_take_the_form_of_the_request():
  outputs = {
    "image_bytes": np.array([b"\xff", b""], np.object_),
    "status": np.array([b"", b"no picture"], np.object_),
  }
  assert rest_format.answer(outputs, rows=True) == {
    "predictions": [
      {"image_bytes": b64(b"\xff"), "status": ""},
      {"image_bytes": b64(b""), "status": "no picture"},
    ]
  }
  assert rest_format.answer(outputs, rows=False) == {
    "outputs": {
      "image_bytes": [b64(b"\xff"), b64(b"")],
      "status": ["", "no picture"],
    }
  }
  one = {"value": np.array([0.5, 2.0])}
  assert rest_format.answer(one, rows=True) == {"predictions": [0.5, 2.0]}
  assert rest_format.answer(one, rows=False) == {"outputs": [0.5, 2.0]}


def test_outputs_without_rows_ask_for_columns():
  with pytest.raises(ValueError, match="has no rows; send `inputs`"):
    rest_format.answer({"a": np.float32(1), "b": np.zeros(2)}, rows=True)


@pytest.mark.parametrize(
  ("body", "line"),
  [
    ([], "a request is a JSON object"),
    ({"signature_name": "no", "inputs": 1}, "no signature 'no'; there are"),
    ({"signature_name": 3, "inputs": 1}, "no signature 3; there are"),
    ({}, "either `instances`, a list of rows, or `inputs`"),
    ({"instances": [], "inputs": 1}, "either `instances`"),
    ({"instances": []}, "a list of at least one row"),
    ({"instances": "abc"}, "a list of at least one row"),
    ({"instances": [{"x": 1}]}, "inputs are image; got ['x']"),
    (
      {"signature_name": "compress", "instances": [b64(b"a")]},
      "inputs are image_bytes, quality; got ['b64']",
    ),
    (
      {"signature_name": "compress", "instances": [3]},
      "inputs are image_bytes, quality; got a bare value",
    ),
    ({"instances": [[1], [1, 2]]}, "image holds numbers in rows of one length"),
    ({"inputs": [[None]]}, "image holds numbers, float32"),
    ({"inputs": [["0.5"]]}, "image holds numbers, float32"),
    ({"inputs": [[True]]}, "image holds numbers, float32"),
    ({"inputs": [[2**80]]}, "image holds numbers, float32"),
    ({"inputs": {"x\ny": 1, "\ud800": 2}}, r"got ['x\ny', '\ud800']"),
    ({"signature_name": "png", "inputs": "abc"}, "is a list of bytes"),
    ({"signature_name": "png", "inputs": [["abc"]]}, "image_bytes holds bytes"),
    ({"instances": [{"image": "abc"}]}, "image holds numbers"),
    (
      {"signature_name": "png", "instances": [{"b64": "%"}]},
      "image_bytes is not base64",
    ),
    (
      {"signature_name": "png", "instances": [{"b64": 3}]},
      "image_bytes is not base64",
    ),
    ({"signature_name": "png", "instances": [3]}, "image_bytes holds bytes"),
  ],
)
def test_what_is_no_request_gets_one_line(body, line):
  with pytest.raises(ValueError, match=re.escape(line)) as caught:
    rest_format.request(body, SIGNATURES)
  assert "\n" not in str(caught.value)
