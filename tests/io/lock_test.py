"""Two processes do not work in one folder; what is dead holds no lock."""

import json
import os
import subprocess
import sys

import pytest

from tfpercept.io import lock

# Needs no TensorFlow, and so starts at once.
HOLDER = """
import fcntl, json, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
who = {"pid": os.getpid(), "host": "there", "since": "noon"}
os.pwrite(descriptor, json.dumps(who).encode(), 0)
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
  process = subprocess.Popen(
    [sys.executable, "-c", HOLDER, str(tmp_path / lock.NAME)],
    stdout=subprocess.PIPE,
    text=True,
  )
  assert process.stdout.readline() == "held\n"
  yield process
  process.kill()
  process.wait()
  process.stdout.close()


def test_the_second_is_refused_and_told_of_the_first(holder, tmp_path):
  wanted = f"in use by process {holder.pid} on there since noon"
  with pytest.raises(lock.BusyError, match=wanted), lock.held(tmp_path):
    pass
  with pytest.raises(lock.BusyError, match=wanted):
    lock.check(tmp_path)
  holder.kill()
  holder.wait()
  # What it wrote is still there, and no number of a process is looked at.
  assert (tmp_path / lock.NAME).read_text()
  lock.check(tmp_path)
  with lock.held(tmp_path):
    pass


def test_a_process_may_lock_its_own_folder_again(tmp_path):
  folder = tmp_path / "a" / "b"
  (tmp_path / "link").symlink_to(folder)
  with lock.held(folder):
    who = json.loads((folder / lock.NAME).read_text())
    assert who["pid"] == os.getpid()
    with lock.held(tmp_path / "link"):
      lock.check(folder)
    assert (folder / lock.NAME).read_text()
  assert (folder / lock.NAME).read_text() == ""


def test_a_child_does_not_hold_the_lock_of_its_parent(tmp_path):
  with lock.held(tmp_path):
    child = os.fork()
    if not child:
      # Only system calls: the threads of TensorFlow are not in a child.
      os._exit(len(lock._held))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
  lock.check(tmp_path)


def test_looking_makes_nothing(tmp_path):
  lock.check(tmp_path / "a")
  assert not (tmp_path / "a").exists()
