r"""Asks a model on a Triton server about a file.

    python -m serving.ask --model=srcnn_png --file=photo.png --out=photo_x4.png
    python -m serving.ask --model=codec_compress --set=quality=4 \
        --file=photo.png --out=photo.tfp

The answer is written to `--out` if it is a file; of numbers, the first are
printed.
"""

import contextlib
import math
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from absl import flags

from programs import program
from tfpercept.io import files

T = TypeVar("T")


class Input(NamedTuple):
  """Type of an input of a model.

  Attributes:
    datatype: Name in Triton, such as `BYTES` or `FP32`.
    shape: Sizes, -1 where any size goes, such as the first one of a batch.
  """

  datatype: str
  shape: tuple[int, ...]


class Client:
  """A client of a Triton server over gRPC.

  Args:
    address: Address and port of gRPC, such as `127.0.0.1:8001`.
    patience: Seconds to try again for while the server cannot be reached.
  """

  def __init__(self, address: str, *, patience: float = 0.0):
    with _installed():
      from tritonclient import grpc, utils
    self._grpc, self._utils = grpc, utils
    self._client = grpc.InferenceServerClient(address)
    self._patience = patience

  def ask(
    self, model: str, inputs: Mapping[str, np.ndarray]
  ) -> dict[str, np.ndarray]:
    """Returns the outputs of a model by name.

    Args:
      model: Name of the model.
      inputs: Inputs by name, of the shapes that `inputs` tells; arrays of
        objects hold bytes.

    Raises:
      program.ProgramError: if the server refuses, with its line, or cannot be
        reached.
    """
    given = []
    for name, value in inputs.items():
      entry = self._grpc.InferInput(
        name, value.shape, self._utils.np_to_triton_dtype(value.dtype)
      )
      entry.set_data_from_numpy(value)
      given.append(entry)
    answer = self._tried(lambda: self._client.infer(model, given))
    return {
      output.name: answer.as_numpy(output.name)
      for output in answer.get_response().outputs
    }

  def inputs(self, model: str) -> dict[str, Input]:
    """Returns the types of the inputs of a model by name.

    Args:
      model: Name of the model.

    Raises:
      program.ProgramError: as `ask` does.
    """
    answer = self._tried(lambda: self._client.get_model_metadata(model))
    return {
      entry.name: Input(entry.datatype, tuple(entry.shape))
      for entry in answer.inputs
    }

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
_SHOWN = 8  # numbers of an output that are printed


def _numbers(items: list[str], known: Mapping[str, Input]) -> dict[str, Any]:
  """Returns the inputs that flags give as NAME=NUMBER[,NUMBER...]."""
  found = {}
  for item in items:
    name, _, text = item.partition("=")
    if name not in known or known[name].datatype not in _TYPES:
      numbers = [k for k, v in known.items() if v.datatype in _TYPES]
      raise ValueError(
        f"--set={item}: inputs that are numbers are"
        f" {', '.join(numbers) or 'none'}"
      )
    dtype = _TYPES[known[name].datatype]
    kind = float if dtype is np.float32 else int
    shape = [max(size, 1) for size in known[name].shape]
    try:
      values = np.array([kind(x) for x in text.split(",")])
      found[name] = values.astype(dtype).reshape(shape)
      if kind is int and not np.array_equal(values.reshape(shape), found[name]):
        raise ValueError("it is too large")
    except (ValueError, OverflowError) as error:
      raise ValueError(
        f"--set={item}: {name} takes {math.prod(shape)} of"
        f" {np.dtype(dtype)} ({error})"
      ) from error
  return found


def _show(name: str, value: np.ndarray, out: str | None) -> None:
  """Prints an output, or writes it to a file."""
  if value.dtype != np.object_:
    numbers = " ".join(f"{x:.6g}" for x in value.ravel()[:_SHOWN])
    more = f" ... of {list(value.shape)}" if value.size > _SHOWN else ""
    print(f"{name}: {numbers}{more}")
  elif name != "status":
    if out is None:
      raise ValueError(f"{name} is a file; give --out")
    files.write_bytes(out, value.ravel()[0])
    print(f"Wrote {out}")


def main() -> None:
  """Asks what the flags say."""
  given = flags.FLAGS
  client = Client(given.server, patience=given.patience)
  known = client.inputs(given.model)
  inputs = _numbers(given.set, known)
  of_files = [name for name in known if known[name].datatype == "BYTES"]
  if len(of_files) != len(given.file):
    raise ValueError(
      f"{given.model} takes --file for each of {', '.join(of_files) or 'none'};"
      f" got {len(given.file)}"
    )
  for name, path in zip(of_files, given.file, strict=True):
    inputs[name] = np.array([[pathlib.Path(path).read_bytes()]], np.object_)
  if missing := known.keys() - inputs.keys():
    raise ValueError(f"{given.model} needs --set={min(missing)}=NUMBER, too")
  answers = client.ask(given.model, inputs)
  client.close()
  for name, value in answers.items():
    _show(name, value, given.out)


if __name__ == "__main__":
  flags.DEFINE_string("model", None, "Name of the model.", required=True)
  flags.DEFINE_multi_string(
    "file", [], "File to send; repeat it for a model that takes two."
  )
  flags.DEFINE_multi_string(
    "set", [], "Input of numbers, as NAME=NUMBER[,NUMBER...]; may be repeated."
  )
  flags.DEFINE_string("out", None, "File to write the answer to.")
  flags.DEFINE_string("server", "127.0.0.1:8001", "Address and port of gRPC.")
  flags.DEFINE_float(
    "patience", 0.0, "Seconds to try again for while no server answers.", 0.0
  )
  program.start(main)
