"""Answers TF Serving's REST requests for exports, by KServe's SDK.

    python -m serving.kserve_server --exports=exported

    POST /v1/models/srcnn:predict
    {"signature_name": "png", "instances": [{"b64": "..."}]}

The SDK comes with `pip install "kserve==0.15.2"`, the last for TF 2.14. It runs
alone, or as the container of an InferenceService. The latest version of each
export is served; a new one needs a new start. `serving.triton_server` is the
one to choose for batches and versions that change.
"""

import asyncio
import concurrent.futures
import contextlib
import importlib
import json
import pathlib
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from programs import program
from serving import exported, exports_flag, rest_format

_AT_ONCE = 2  # requests of a model that are worked on at a time
_APPLICATION = "kserve.model_server:app"


def serve(
  exports: Mapping[str, Sequence[pathlib.Path]], address: str, port: int
) -> None:
  """Serves exports until the process is ended.

  Args:
    exports: Version folders of each export by its name; the last is served.
    address: Address of the interface to listen on.
    port: Port of HTTP.

  Raises:
    ValueError: if an export is damaged.
    program.ProgramError: if KServe's SDK is not installed.
  """
  try:
    kserve = importlib.import_module("kserve")
    rest = importlib.import_module("kserve.protocol.rest.server")
  except ImportError as error:
    raise program.ProgramError(
      f'KServe is not installed ({error}); `pip install "kserve==0.15.2"`'
    ) from error
  with contextlib.closing(socket.socket()) as listening:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # The SDK's own start listens on every interface.
    listening.bind((address, port))
    server = kserve.ModelServer(http_port=port, enable_grpc=False)
    for name, versions in exports.items():
      server.register_model(_model(kserve, name, versions[-1]))
    print(f"Ready: http://{address}:{port}", flush=True)
    rest.RESTServer(
      _APPLICATION, server.dataplane, server.model_repository_extension, port
    ).run([listening])


def _model(kserve: Any, name: str, version: pathlib.Path) -> Any:
  """Returns an export as a model of KServe's SDK."""
  model = exported.Exported(version)
  # Elsewhere than on the loop of events, which has to answer probes meanwhile.
  pool = concurrent.futures.ThreadPoolExecutor(_AT_ONCE)

  def answered(payload: Any) -> dict[str, Any]:
    if isinstance(payload, bytes):  # where the client names no type of it
      payload = _parsed(payload)
    signature, inputs, rows = rest_format.request(payload, model.signatures)
    return rest_format.answer(model.answer(signature, inputs), rows=rows)

  class Model(kserve.Model):
    """An export, asked by rows or columns."""

    def __init__(self) -> None:
      super().__init__(name)
      self.ready = True

    async def predict(
      self, payload: Any, headers: Any = None, response_headers: Any = None
    ) -> dict[str, Any]:
      loop = asyncio.get_running_loop()
      try:
        return await loop.run_in_executor(pool, answered, payload)
      except ValueError as error:
        raise kserve.errors.InvalidInput(str(error)) from error
      except Exception as error:
        line = exported.plain(str(error))
        raise kserve.errors.InferenceError(line) from error

  return Model()


def _parsed(body: bytes) -> Any:
  try:
    return json.loads(body)
  except (ValueError, RecursionError) as error:
    raise ValueError("the body of a request is JSON, not too deep") from error


def main() -> None:
  """Serves what the flags name."""
  given = flags.FLAGS
  serve(exports_flag.read(), given.address, given.port)


if __name__ == "__main__":
  exports_flag.define()
  flags.DEFINE_string(
    "address", "127.0.0.1", "Address to listen on; 0.0.0.0 for all."
  )
  flags.DEFINE_integer("port", 8501, "Port of HTTP.", 1, 65535)
  program.start(main)
