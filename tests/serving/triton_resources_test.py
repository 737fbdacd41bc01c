"""What servers take of a machine is freed, and only when they are dead."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest

from programs import program
from serving import triton_resources
from tests import ports

HOLDS = """
import sys, time
from serving import triton_resources
with triton_resources.held() as (prefix, folder):
  open(f"/dev/shm/{prefix}region", "wb").close()
  print(prefix, folder, flush=True)
  time.sleep(10**6)
"""
SHARED = pathlib.Path("/dev/shm")

pytestmark = pytest.mark.skipif(
  not SHARED.is_dir(), reason="Triton shares memory by way of /dev/shm"
)


@pytest.fixture
def holder():
  """Another process that holds what a server does."""
  process = subprocess.Popen(
    [sys.executable, "-c", HOLDS],
    cwd=pathlib.Path(__file__).parents[2],
    stdout=subprocess.PIPE,
    text=True,
  )
  yield process
  process.kill()
  process.communicate()
  triton_resources.forget_dead()


def test_what_is_held_is_gone_at_the_end():
  with triton_resources.held() as (prefix, folder):
    (SHARED / f"{prefix}region").touch()
    (folder / "file").touch()
    triton_resources.forget_dead()
    assert (SHARED / f"{prefix}region").exists()
    assert (folder / "file").exists()
  assert not list(SHARED.glob(f"{prefix}*"))
  assert not folder.exists()


def test_leftovers_go_when_their_server_is_dead_and_not_before(holder):
  prefix, folder = holder.stdout.readline().split()
  triton_resources.forget_dead()
  assert (SHARED / f"{prefix}region").exists()
  holder.send_signal(signal.SIGKILL)
  holder.wait()
  assert os.path.isdir(folder)
  with triton_resources.held():
    assert not list(SHARED.glob(f"{prefix}*"))
    assert not os.path.exists(folder)


def test_ports_that_can_not_be_had_are_named():
  (port,) = ports.free()
  with socket.socket() as taken:
    taken.bind(("127.0.0.1", port))
    taken.listen()
    with pytest.raises(program.ProgramError, match=f"127.0.0.1:{port} "):
      triton_resources.require_free("127.0.0.1", port)
  triton_resources.require_free("127.0.0.1", port)
  with pytest.raises(program.ProgramError, match="a port of its own"):
    triton_resources.require_free("127.0.0.1", port, port)


def test_processes_that_ended_unseen_are_found_by_their_name(tmp_path):
  stub = tmp_path / "triton_python_backend_stub"
  stub.symlink_to("/bin/true")
  process = subprocess.Popen([str(stub)])
  # It stays a zombie, since nobody waits for it.
  os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
  assert triton_resources.dead_models(os.getpid()) == {process.pid}
  assert triton_resources.dead_models(1) == set()
  process.wait()
  assert triton_resources.dead_models(os.getpid()) == set()
