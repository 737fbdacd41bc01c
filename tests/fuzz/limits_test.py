"""What takes too long is ended, however busy the machine is."""

import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def run(body):
  program = f"import time\nfrom tests.fuzz import limits\n{body}"
  return subprocess.run(
    [sys.executable, "-c", program],
    cwd=ROOT, check=False, capture_output=True, text=True,
  )  # fmt: skip


def test_an_endless_loop_is_ended_where_it_is():
  done = run(
    "def spin():\n"
    "  while True: pass\n"
    "with limits.processor_time(0.1):\n"
    "  spin()\n"
  )
  assert done.returncode == -signal.SIGPROF
  assert "in spin" in done.stderr


def test_waiting_and_what_comes_later_are_not_counted():
  done = run(
    "with limits.processor_time(0.1):\n"
    "  time.sleep(0.3)\n"
    "end = time.process_time() + 0.3\n"
    "while time.process_time() < end: pass\n"
    "print('done')\n"
  )
  assert done.stdout == "done\n", done.stderr
