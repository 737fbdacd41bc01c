"""Model of Triton's Python backend that answers a signature of an export.

`serving.triton` copies this file as `model.py`, with `exported.py` and the
export, into each version of a model in its repository.
"""

import json
import pathlib
from typing import Any

import numpy as np
import triton_python_backend_utils as triton
from exported import Exported, RefusedError


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
    self._exported = Exported(here / "export")
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
      answers = [self._alone(inputs) for inputs in given]
    return [self._response(answer) for answer in answers]

  def _inputs(self, request: Any) -> dict[str, np.ndarray]:
    return {
      name: triton.get_input_tensor_by_name(request, name).as_numpy()
      for name in self._names
    }

  def _alone(self, inputs: dict[str, np.ndarray]) -> Any:
    try:
      return self._exported.answer(self._signature, inputs)
    except RefusedError as error:
      return error

  def _response(self, answer: Any) -> Any:
    if isinstance(answer, RefusedError):
      error = triton.TritonError(str(answer), triton.TritonError.INVALID_ARG)
      return triton.InferenceResponse(error=error)
    tensors = [triton.Tensor(name, x) for name, x in answer.items()]
    return triton.InferenceResponse(output_tensors=tensors)
