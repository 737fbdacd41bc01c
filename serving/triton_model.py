"""Model of Triton's Python backend that answers a signature of an export.

`serving.triton` copies this file as `model.py`, with `exported.py` and the
export, into each version of a model in its repository.
"""

import json
import pathlib
from typing import Any

import exported
import numpy as np
import triton_python_backend_utils as triton


class TritonPythonModel:
  """A signature of an export, by the names that Triton calls."""

  def initialize(self, args: dict[str, str]) -> None:
    """Loads the export; a failure leaves the former version at work.

    Args:
      args: Configuration and place of the model.

    Raises:
      ValueError: if the export is damaged or lacks the signature.
    """
    config = json.loads(args["model_config"])
    self._signature = config["parameters"]["signature"]["string_value"]
    self._merges = config["max_batch_size"] > 0
    self._names = [entry["name"] for entry in config["input"]]
    here = pathlib.Path(args["model_repository"]) / args["model_version"]
    self._exported = exported.Exported(here / "export")
    if self._signature not in self._exported.signatures:
      raise ValueError(f"the export has no signature {self._signature!r}")

  def execute(self, requests: list[Any]) -> list[Any]:
    """Answers requests, merged into one batch where that can be.

    Args:
      requests: Requests that Triton's scheduler has gathered.
    """
    given = [self._inputs(request) for request in requests]
    if self._merges:
      answers = self._exported.answer_all(self._signature, given)
    else:
      answers = [self._exported.alone(self._signature, x) for x in given]
    return [self._response(answer) for answer in answers]

  def _inputs(self, request: Any) -> dict[str, np.ndarray]:
    described = self._exported.signatures[self._signature]["inputs"]
    found = {}
    for name in self._names:
      value = triton.get_input_tensor_by_name(request, name).as_numpy()
      # A tensor of Triton has at least one axis, a number of ours none.
      found[name] = value if described[name]["shape"] else value.reshape(())
    return found

  def _response(self, answer: dict[str, np.ndarray] | Exception) -> Any:
    if isinstance(answer, Exception):
      is_refused = isinstance(answer, exported.RefusedError)
      kind = triton.TritonError
      error = kind(
        exported.plain(str(answer)),
        kind.INVALID_ARG if is_refused else kind.INTERNAL,
      )
      return triton.InferenceResponse(error=error)
    tensors = [
      triton.Tensor(name, np.atleast_1d(x)) for name, x in answer.items()
    ]
    return triton.InferenceResponse(output_tensors=tensors)
