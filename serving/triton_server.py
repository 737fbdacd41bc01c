"""Starts a Triton server on a model repository.

    python -m serving.triton_server --repository=repository

The program of the server and its Python backend come with the package
`nvidia-pytriton` (`pip install "tfpercept[triton]"`). It answers by KServe's
protocol, version 2, over HTTP and gRPC, on the loopback interface unless
`--address` says otherwise, until it is interrupted.
"""

import contextlib
import ctypes
import dataclasses
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from typing import IO, Any

from absl import flags

from programs import program
from serving import model_repository

_SHARED = pathlib.Path("/dev/shm")
_PREFIX = "tfpercept_triton_"
_PR_SET_PDEATHSIG = 1


@dataclasses.dataclass(frozen=True)
class Listening:
  """Where a server listens.

  Attributes:
    address: Address of the interface.
    http: Port of HTTP.
    grpc: Port of gRPC.
    metrics: Port of its metrics; 0 for none.
  """

  address: str = "127.0.0.1"
  http: int = 8000
  grpc: int = 8001
  metrics: int = 0


class TritonServer:
  """A Triton server of a model repository, as a context.

  Args:
    repository: Folder of the model repository.
    listening: Where it listens.
    poll: Seconds between looks for new versions.
    patience: Seconds until a start is given up.
    log: File for what the server says; None for standard error.

  Raises:
    program.ProgramError: if nvidia-pytriton is not installed, or if no model
      could be loaded in two starts.
  """

  def __init__(
    self,
    repository: pathlib.Path,
    listening: Listening = Listening(),
    *,
    poll: int = 2,
    patience: float = 600.0,
    log: IO[bytes] | None = None,
  ):
    if not repository.is_dir():
      raise ValueError(
        f"there is no repository {repository}; `python -m serving.triton`"
        " writes one"
      )
    self._repository = repository
    self._listening = listening
    self._poll = poll
    self._patience = patience
    self._log = log
    self._closing = contextlib.ExitStack()
    # The regions of shared memory are of this server alone.
    self._prefix = f"{_PREFIX}{os.getpid()}_{os.urandom(4).hex()}_"
    self.process: subprocess.Popen[bytes] | None = None
    self.url = f"http://{listening.address}:{listening.http}"

  def __enter__(self) -> "TritonServer":
    try:
      self.start()
    except BaseException:
      self.stop()
      raise
    return self

  def __exit__(self, *_: object) -> None:
    self.stop()

  def start(self) -> None:
    """Starts the server, again if it hangs once, and waits for its models.

    A latest version that is damaged is set aside first.
    """
    for line in model_repository.set_aside_damaged(self._repository):
      print(line, file=sys.stderr)
    for last in (False, True):
      self._launch()
      try:
        self._wait()
        return
      except program.ProgramError as error:
        self.stop()
        if last:
          raise
        print(f"{error}; starting it once more", file=sys.stderr)

  def stop(self) -> None:
    """Stops the server and its model processes, and frees what they shared."""
    if self.process is not None:
      self.process.terminate()
      with contextlib.suppress(subprocess.TimeoutExpired):
        self.process.wait(timeout=60)
      self.kill()
    _forget_dead_servers(self._prefix)
    self._closing.close()

  def kill(self) -> None:
    """Ends the server and its model processes at once, as a crash would."""
    if self.process is not None:
      with contextlib.suppress(ProcessLookupError):
        os.killpg(self.process.pid, signal.SIGKILL)
      self.process.wait()
      self.process = None

  def models(self) -> dict[str, str]:
    """Returns the state of each model by name, such as `READY`.

    For one that failed, it is followed by the reason.
    """
    request = urllib.request.Request(
      f"{self.url}/v2/repository/index", data=b"{}", method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
      rows: list[dict[str, Any]] = json.load(answer)
    found: dict[str, str] = {}
    for row in rows:
      state = row.get("state", "LOADING")
      if state != "READY" and row.get("reason"):
        state = f"{state}: {' '.join(row['reason'].split())}"
      # Of several versions, one at work is enough.
      if not found.get(row["name"], "").startswith("READY"):
        found[row["name"]] = state
    return found

  def _launch(self) -> None:
    binaries, libraries = _binaries()
    _forget_dead_servers()
    for port in (self._listening.http, self._listening.grpc):
      _require_free(self._listening.address, port)
    place = pathlib.Path(
      self._closing.enter_context(tempfile.TemporaryDirectory())
    )
    environment = os.environ | {
      # Model processes take the Python that is first on the path, and load the
      # libpython of these folders.
      "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}"
      f"{os.environ.get('PATH', os.defpath)}",
      "LD_LIBRARY_PATH": os.pathsep.join(
        [str(sysconfig.get_config_var("LIBDIR")), str(libraries)]
      ),
      "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }
    at = self._listening
    self.process = subprocess.Popen(
      [
        str(binaries / "bin/tritonserver"),
        f"--model-repository={self._repository.absolute()}",
        f"--backend-directory={_backends(binaries, place)}",
        f"--cache-directory={binaries / 'caches'}",
        f"--backend-config=python,shm-region-prefix-name={self._prefix}",
        f"--backend-config=python,stub-timeout-seconds={int(self._patience)}",
        "--model-control-mode=poll",
        f"--repository-poll-secs={self._poll}",
        "--exit-on-error=false",
        "--strict-readiness=false",
        f"--http-address={at.address}",
        f"--http-port={at.http}",
        f"--grpc-address={at.address}",
        f"--grpc-port={at.grpc}",
        f"--allow-metrics={'true' if at.metrics else 'false'}",
        f"--metrics-address={at.address}",
        *([f"--metrics-port={at.metrics}"] if at.metrics else []),
      ],
      env=environment,
      stdout=self._log or sys.stderr,
      stderr=subprocess.STDOUT,
      # Signals of a terminal reach the server through `stop` alone.
      start_new_session=True,
      preexec_fn=_die_with_parent,
    )

  def _wait(self) -> None:
    """Waits until every model is at work or has failed.

    Raises:
      program.ProgramError: if the server ends, hangs or has no model at work.
    """
    assert self.process is not None
    end = time.monotonic() + self._patience
    while time.monotonic() < end:
      if self.process.poll() is not None:
        raise program.ProgramError(
          f"the server ended with status {self.process.returncode}; its output"
          " says why"
        )
      states = {}
      with (
        contextlib.suppress(OSError, ValueError),
        urllib.request.urlopen(f"{self.url}/v2/health/ready", timeout=10),
      ):
        states = self.models()
      if states and not any(s.startswith("LOADING") for s in states.values()):
        if any(state == "READY" for state in states.values()):
          return
        reasons = "; ".join(f"{k}: {v}" for k, v in states.items())
        raise program.ProgramError(f"no model could be loaded: {reasons}")
      time.sleep(0.2)
    raise program.ProgramError(
      f"the server was not ready after {self._patience:g} s"
    )


def _binaries() -> tuple[pathlib.Path, pathlib.Path]:
  """Returns the folders of the server and of its libraries."""
  found = importlib.util.find_spec("pytriton")
  if found is None or found.origin is None:
    raise program.ProgramError(
      'Triton is not installed; `pip install "tfpercept[triton]"`'
    )
  package = pathlib.Path(found.origin).parent
  return package / "tritonserver", package.parent / "nvidia_pytriton.libs"


def _backends(binaries: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
  """Returns a folder of backends with the program of this Python's models."""
  version = "{}.{}".format(*sys.version_info)
  stub = binaries / f"python_backend_stubs/{version}/triton_python_backend_stub"
  if not stub.is_file():
    raise program.ProgramError(f"Triton has no backend for Python {version}")
  target = place / "backends" / "python"
  shutil.copytree(binaries / "backends/python", target)
  shutil.copy(stub, target)
  return target.parent


def _require_free(address: str, port: int) -> None:
  """Raises ProgramError if a port is taken, which Triton would say late."""
  with socket.socket() as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      one.bind((address, port))
    except OSError as error:
      raise program.ProgramError(
        f"can not listen on {address}:{port} ({error.strerror}); give other"
        " ports"
      ) from error


def _die_with_parent() -> None:
  """Has the server end, too, if this program is killed."""
  ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _forget_dead_servers(ended: str | None = None) -> None:
  """Removes shared memory that servers which were killed have left.

  Its names hold the process that started the server.

  Args:
    ended: Beginning of the names of a server that this process has ended.
  """
  for path in _SHARED.glob(f"{_PREFIX}*"):
    owner = path.name.removeprefix(_PREFIX).partition("_")[0]
    is_ended = ended is not None and path.name.startswith(ended)
    if is_ended or not pathlib.Path(f"/proc/{owner}").exists():
      path.unlink(missing_ok=True)


def main() -> None:
  """Serves until it is interrupted or the server ends."""
  given = flags.FLAGS
  listening = Listening(
    given.address, given.http_port, given.grpc_port, given.metrics_port
  )
  # As an interrupt does, so that the server is stopped with this program.
  signal.signal(signal.SIGTERM, signal.default_int_handler)
  try:
    with TritonServer(
      pathlib.Path(given.repository),
      listening,
      poll=given.poll,
      patience=given.patience,
    ) as server:
      for name, state in server.models().items():
        print(f"{name}: {state}")
      print(
        f"Ready: HTTP {server.url}, gRPC {given.address}:{given.grpc_port}",
        flush=True,
      )
      assert server.process is not None
      status = server.process.wait()
      raise program.ProgramError(f"the server ended with status {status}")
  except KeyboardInterrupt:
    print("Stopped")


if __name__ == "__main__":
  flags.DEFINE_string(
    "repository", None, "Folder of the model repository.", required=True
  )
  flags.DEFINE_string(
    "address", "127.0.0.1", "Address to listen on; 0.0.0.0 for all."
  )
  flags.DEFINE_integer("http_port", 8000, "Port of HTTP.", 1, 65535)
  flags.DEFINE_integer("grpc_port", 8001, "Port of gRPC.", 1, 65535)
  flags.DEFINE_integer("metrics_port", 0, "Port of metrics; 0 for none.", 0)
  flags.DEFINE_integer("poll", 2, "Seconds between looks for new versions.", 1)
  flags.DEFINE_float(
    "patience", 600.0, "Seconds until a start is given up.", 1.0
  )
  program.start(main)
