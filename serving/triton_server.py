"""Starts a Triton server on a model repository.

    python -m serving.triton_server --repository=repository

The program of the server and its Python backend come with the package
`nvidia-pytriton` (`pip install "tfpercept[triton]"`). It answers by KServe's
protocol, version 2, over HTTP and gRPC, on the loopback interface unless
`--address` says otherwise, until it is interrupted.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from typing import IO, Any

from absl import flags

import programs
from programs import program
from serving import model_repository, triton_resources

# Proxies of the environment are for other machines.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
_NO_MODEL = "NO MODEL"  # the state of a folder that has no configuration
_LOOK = 1.0  # seconds between looks at whether all processes live
_LOOKS = 3  # looks at which an ended model process is there, if not reaped
_RESTARTS = 5  # most in `_WINDOW`
_WINDOW = 600.0  # seconds


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


class NotLoadedError(program.ProgramError):
  """Triton can load none of the models, now and at another start."""


class TritonServer:
  """A Triton server of a model repository, as a context.

  Args:
    repository: Folder of the model repository.
    listening: Where it listens.
    poll: Seconds between looks for new versions.
    patience: Seconds until a start is given up.
    log: File for what the server says; None for standard error.

  Raises:
    program.ProgramError: if nvidia-pytriton is not installed, if a port is
      taken, if two starts failed, or if no model could be loaded.
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
    self._name = ""
    self._is_wanted = False
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
    self._is_wanted = True
    for line in model_repository.set_aside_damaged(self._repository):
      print(line, file=sys.stderr)
    for last in (False, True):
      self._launch()
      try:
        self._wait()
        return
      except program.ProgramError as error:
        self.stop()
        if last or isinstance(error, NotLoadedError):
          raise
        self._is_wanted = True
        print(f"{error}; starting it once more", file=sys.stderr)

  def stop(self) -> None:
    """Stops the server and its model processes, and frees what they shared."""
    self._is_wanted = False
    if self.process is not None:
      self.process.terminate()
      with contextlib.suppress(subprocess.TimeoutExpired):
        self.process.wait(timeout=60)
      self.kill()
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
    with _open(request, timeout=10) as answer:
      rows: list[dict[str, Any]] = json.load(answer)
    found: dict[str, str] = {}
    for row in rows:
      state = row.get("state", _NO_MODEL)
      if state != "READY" and row.get("reason"):
        state = f"{state}: {' '.join(row['reason'].split())}"
      # Of several versions, one at work is enough.
      if not found.get(row["name"], "").startswith("READY"):
        found[row["name"]] = state
    return found

  def watch(self) -> None:
    """Starts the server anew whenever it or a model process has ended.

    It returns once the server was stopped.

    Raises:
      program.ProgramError: if that happens too often, or a start fails.
    """
    starts: list[float] = []
    while reason := self._ended():
      now = time.monotonic()
      starts = [t for t in starts if now - t < _WINDOW] + [now]
      if len(starts) > _RESTARTS:
        raise program.ProgramError(
          f"{reason}, for the {len(starts)}th time in {_WINDOW:g} s"
        )
      print(f"{reason}; starting the server anew", file=sys.stderr, flush=True)
      self.stop()
      self.start()

  def _ended(self) -> str:
    """Waits until a process has ended; returns which one.

    It is empty if the server was stopped.
    """
    seen: list[set[int]] = []
    while self._is_wanted and self.process is not None:
      status = self.process.poll()
      if status is not None and self._is_wanted:
        return f"the server ended with status {status}"
      # Triton reaps a model that it unloads at once.
      seen = [*seen, triton_resources.dead_models(self.process.pid)][-_LOOKS:]
      if len(seen) == _LOOKS and set.intersection(*seen):
        return "a model process has ended"
      time.sleep(_LOOK)
    return ""

  def _launch(self) -> None:
    at = self._listening
    ports = (at.http, at.grpc, *([at.metrics] if at.metrics else []))
    triton_resources.require_free(at.address, *ports)
    binaries, libraries = triton_resources.binaries()
    self._closing.close()  # what a killed one held
    prefix, place = self._closing.enter_context(triton_resources.held())
    self._name = prefix
    environment = os.environ | {
      # Model processes take the Python that is first on the path, and load the
      # libpython of these folders.
      "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}"
      f"{os.environ.get('PATH', os.defpath)}",
      "LD_LIBRARY_PATH": os.pathsep.join(
        [str(sysconfig.get_config_var("LIBDIR")), str(libraries)]
      ),
      # Its errors are of use in the server's log.
      "TF_CPP_MIN_LOG_LEVEL": programs.USERS_LEVEL or "2",
    }
    self.process = subprocess.Popen(
      [
        str(binaries / "bin/tritonserver"),
        f"--model-repository={self._repository.absolute()}",
        f"--id={prefix}",
        f"--backend-directory={triton_resources.backends(place)}",
        f"--cache-directory={binaries / 'caches'}",
        f"--backend-config=python,shm-region-prefix-name={prefix}",
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
      preexec_fn=triton_resources.die_with_parent,
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
      states = self._states()
      if states and not any(s.startswith("LOADING") for s in states.values()):
        if any(state == "READY" for state in states.values()):
          return
        reasons = [f"{k}: {v}" for k, v in states.items() if v != _NO_MODEL]
        raise NotLoadedError(
          f"no model could be loaded: {'; '.join(reasons) or 'there is none'}"
        )
      time.sleep(0.2)
    raise program.ProgramError(
      f"the server was not ready after {self._patience:g} s"
    )

  def _states(self) -> dict[str, str]:
    """Returns the states of models; none before the server answers."""
    with contextlib.suppress(OSError, ValueError):
      with _open(f"{self.url}/v2", timeout=10) as answer:
        if json.load(answer)["name"] != self._name:
          return {}  # that of another one
      with _open(f"{self.url}/v2/health/ready", timeout=10):
        return self.models()
    return {}


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
      try:
        server.watch()
      finally:
        # Stopping takes seconds, in which a second signal would end this
        # program before the server.
        for number in (signal.SIGINT, signal.SIGTERM):
          signal.signal(number, signal.SIG_IGN)
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
  flags.DEFINE_integer(
    "metrics_port", 0, "Port of metrics; 0 for none.", 0, 65535
  )
  flags.DEFINE_integer("poll", 2, "Seconds between looks for new versions.", 1)
  flags.DEFINE_float(
    "patience", 600.0, "Seconds until a start is given up.", 1.0
  )
  program.start(main)
