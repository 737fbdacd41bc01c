r"""Asks a model on a Triton server about a file.

    python -m serving.ask --model=srcnn_png --file=photo.png --out=photo_x4.png
    python -m serving.ask --model=codec_compress --set=quality=4 \
        --file=photo.png --out=photo.tfp

The answer is written to `--out` if it is a file, and printed if it is numbers.
"""

import contextlib
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from absl import flags

from programs import program
from tfpercept.io import files

T = TypeVar("T")


class Client:
  """A client of a Triton server over gRPC.

  Args:
    address: Address and port of gRPC, such as `127.0.0.1:8001`.
    patience: Seconds to try again for while the server can not be reached.
  """

  def __init__(self, address: str, *, patience: float = 0.0):
    with _installed():
      from tritonclient import grpc, utils
    self._grpc, self._utils = grpc, utils
    self._client = grpc.InferenceServerClient(address)
    self._patience = patience

  def ask(
    self, model: str, inputs: Mapping[str, np.ndarray], *, batched: bool = True
  ) -> dict[str, np.ndarray]:
    """Returns the outputs of a model by name.

    Args:
      model: Name of the model.
      inputs: Inputs by name; arrays of objects hold bytes.
      batched: Whether a number of each element lacks the axis that Triton gives
        to it.

    Raises:
      program.ProgramError: if the server refuses, with its line, or can not be
        reached.
    """
    given = []
    for name, value in inputs.items():
      shaped = value[..., None] if value.ndim < 1 + batched else value
      entry = self._grpc.InferInput(
        name, shaped.shape, self._utils.np_to_triton_dtype(shaped.dtype)
      )
      entry.set_data_from_numpy(shaped)
      given.append(entry)
    answer = self._tried(lambda: self._client.infer(model, given))
    return {
      output.name: answer.as_numpy(output.name)
      for output in answer.get_response().outputs
    }

  def inputs(self, model: str) -> dict[str, str]:
    """Returns the type of each input of a model, such as `BYTES` or `FP32`.

    Args:
      model: Name of the model.

    Raises:
      program.ProgramError: as `ask` does.
    """
    answer = self._tried(lambda: self._client.get_model_metadata(model))
    return {entry.name: entry.datatype for entry in answer.inputs}

  def close(self) -> None:
    """Closes the connection."""
    self._client.close()

  def _tried(self, call: Callable[[], T]) -> T:
    """Calls until the server can be reached."""
    end = time.monotonic() + self._patience
    while True:
      try:
        return call()
      except self._utils.InferenceServerException as error:
        away = error.status() == "StatusCode.UNAVAILABLE"
        if not away or time.monotonic() > end:
          raise ServerError(error.message(), error.status()) from error
      time.sleep(0.2)


class ServerError(program.ProgramError):
  """An answer of a server that is an error.

  Args:
    message: Message of the server.
    status: Status of gRPC, such as `StatusCode.INVALID_ARGUMENT`.

  Attributes:
    status: The status.
  """

  def __init__(self, message: str, status: str):
    super().__init__(message)
    self.status = status


@contextlib.contextmanager
def _installed() -> Iterator[None]:
  try:
    yield
  except ImportError as error:
    raise program.ProgramError(
      f"the client is not installed ({error});"
      ' `pip install "tfpercept[triton]"`'
    ) from error


_TYPES = {"FP32": np.float32, "INT32": np.int32, "INT64": np.int64}


def _numbers(items: list[str], types: Mapping[str, str]) -> dict[str, Any]:
  """Returns the inputs that flags give as NAME=NUMBER."""
  found = {}
  for item in items:
    name, _, text = item.partition("=")
    if types.get(name) not in _TYPES:
      raise ValueError(
        f"--set={item}: inputs that are numbers are"
        f" {', '.join(k for k, v in types.items() if v in _TYPES) or 'none'}"
      )
    found[name] = np.array([float(text)]).astype(_TYPES[types[name]])
  return found


def main() -> None:
  """Asks what the flags say."""
  given = flags.FLAGS
  client = Client(given.server, patience=given.patience)
  types = client.inputs(given.model)
  inputs = _numbers(given.set, types)
  byte_inputs = [name for name in types if types[name] == "BYTES"]
  if len(byte_inputs) != len(given.file):
    raise ValueError(
      f"{given.model} takes {len(byte_inputs)} files"
      f" ({', '.join(byte_inputs)}); got {len(given.file)}"
    )
  for name, path in zip(byte_inputs, given.file, strict=True):
    inputs[name] = np.array([pathlib.Path(path).read_bytes()], np.object_)
  if missing := types.keys() - inputs.keys():
    raise ValueError(f"{given.model} needs --set={min(missing)}=NUMBER, too")
  answers = client.ask(given.model, inputs)
  client.close()
  for name, value in answers.items():
    if value.dtype != np.object_:
      print(f"{name}: {value.ravel()[0]:.6g}")
    elif name != "status":
      if given.out is None:
        raise ValueError(f"{name} is a file; give --out")
      files.write_bytes(given.out, value.ravel()[0])
      print(f"Wrote {given.out}")


if __name__ == "__main__":
  flags.DEFINE_string("model", None, "Name of the model.", required=True)
  flags.DEFINE_multi_string(
    "file", [], "File to send; repeat it for a model that takes two."
  )
  flags.DEFINE_multi_string(
    "set", [], "Input that is a number, as NAME=NUMBER; may be repeated."
  )
  flags.DEFINE_string("out", None, "File to write the answer to.")
  flags.DEFINE_string("server", "127.0.0.1:8001", "Address and port of gRPC.")
  flags.DEFINE_float(
    "patience", 0.0, "Seconds to try again for while no server answers.", 0.0
  )
  program.start(main)
