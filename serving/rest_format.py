"""Requests and answers of TF Serving's REST interface, as JSON values.

Reference: TensorFlow Serving, "RESTful API", Predict API. Rows (`instances`,
`predictions`) and columns (`inputs`, `outputs`) are both known. Bytes are
`{"b64": TEXT}`; an output of bytes has a name that ends in `_bytes`.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np

_DEFAULT = "serving_default"


def request(
  body: Any, signatures: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, np.ndarray], bool]:
  """Returns what a request asks for.

  Args:
    body: JSON value of the request.
    signatures: Descriptions of the signatures, as in a manifest.

  Returns:
    Name of the signature; its inputs by name; whether they came as rows.

  Raises:
    ValueError: if the request is none, with one line for who asked.
  """
  if not isinstance(body, dict):
    raise ValueError("a request is a JSON object")
  name = body.get("signature_name", _DEFAULT)
  if not isinstance(name, str) or name not in signatures:
    raise ValueError(
      f"no signature {name!r}; there are {', '.join(sorted(signatures))}"
    )
  if ("instances" in body) == ("inputs" in body):
    raise ValueError(
      "a request has either `instances`, a list of rows, or `inputs`"
    )
  wanted = signatures[name]["inputs"]
  rows = "instances" in body
  if rows:
    columns = _columns(body["instances"], wanted)
  else:
    columns = _named(body["inputs"], wanted)
  return name, {k: _array(k, v, wanted[k]) for k, v in columns.items()}, rows


def answer(outputs: Mapping[str, np.ndarray], *, rows: bool) -> dict[str, Any]:
  """Returns an answer in the form of its request.

  Args:
    outputs: Outputs of a signature by name.
    rows: Whether the request had rows.

  Raises:
    ValueError: if rows are wanted of outputs that have none.
  """
  columns = {name: _values(name, value) for name, value in outputs.items()}
  if not rows:
    if len(columns) == 1:
      return {"outputs": next(iter(columns.values()))}
    return {"outputs": columns}
  counts = {len(x) if x.ndim else None for x in outputs.values()}
  if len(counts) != 1 or None in counts:
    raise ValueError("this signature has no rows; send `inputs`")
  if len(columns) == 1:
    return {"predictions": next(iter(columns.values()))}
  return {
    "predictions": [
      dict(zip(columns, row, strict=True))
      for row in zip(*columns.values(), strict=True)
    ]
  }


def _columns(instances: Any, wanted: Mapping[str, Any]) -> dict[str, list[Any]]:
  """Returns the inputs that rows give, as one list for each."""
  if not isinstance(instances, list) or not instances:
    raise ValueError("`instances` is a list of at least one row")
  named = [_named(row, wanted) for row in instances]
  return {name: [row[name] for row in named] for name in wanted}


def _named(value: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
  """Returns values by name; a bare one is that of the only input."""
  if isinstance(value, dict) and value.keys() == wanted.keys():
    return value
  is_bare = not isinstance(value, dict) or value.keys() == {"b64"}
  if is_bare and len(wanted) == 1:
    return {next(iter(wanted)): value}
  got = repr(list(value)) if isinstance(value, dict) else "a bare value"
  raise ValueError(f"inputs are {', '.join(wanted)}; got {got:.200}")


def _array(name: str, value: Any, tensor: Mapping[str, Any]) -> np.ndarray:
  """Returns an input as NumPy reads it; whether it fits is asked later."""
  if tensor["dtype"] == "string":
    if not isinstance(value, list):
      raise ValueError(f"{name} is a list of bytes")
    return np.array([_decoded(name, item) for item in value], np.object_)
  try:
    found = np.array(value)
  except ValueError as error:  # rows of unlike lengths
    raise ValueError(f"{name} holds numbers in rows of one length") from error
  if found.dtype.kind not in "iuf" and found.size:
    raise ValueError(f"{name} holds numbers, {tensor['dtype']}")
  return found


def _decoded(name: str, value: Any) -> bytes:
  if isinstance(value, str):
    return value.encode("utf-8", "surrogatepass")
  try:
    if isinstance(value, dict) and value.keys() == {"b64"}:
      return base64.b64decode(value["b64"], validate=True)
  except (TypeError, ValueError, binascii.Error) as error:
    raise ValueError(f"{name} is not base64: {error}") from error
  raise ValueError(f'{name} holds bytes, as {{"b64": TEXT}}')


def _values(name: str, value: np.ndarray) -> Any:
  if value.dtype.kind not in "OSU":
    return value.tolist()
  return _encoded(value.tolist(), is_bytes=name.endswith("_bytes"))


def _encoded(value: Any, *, is_bytes: bool) -> Any:
  if isinstance(value, list):
    return [_encoded(item, is_bytes=is_bytes) for item in value]
  if is_bytes:
    return {"b64": base64.b64encode(value).decode()}
  return value.decode("utf-8", "replace")
