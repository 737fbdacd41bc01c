"""Peers written in PyTorch, which run in another interpreter."""

import contextlib
import os
import pathlib
import pickle
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.programs import TRACED, Program

ROOT = pathlib.Path(__file__).parents[1]


class TorchProcess:
  """A child process of an interpreter that has PyTorch, serving timed calls.

  Parent and child never compute at the same time.

  Args:
    python: Path of the interpreter.
    threads: Threads of PyTorch.

  Raises:
    RuntimeError: if it does not start.
  """

  def __init__(self, python: str, threads: int):
    self._child = subprocess.Popen(
      [python, "-m", "benchmarks.torch_server"],
      cwd=ROOT,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )
    try:
      self.version = self.ask("start", threads)
    except RuntimeError:
      self.close()
      raise

  def ask(self, request: str, *arguments: Any) -> Any:
    """Returns the child's answer.

    Raises:
      RuntimeError: if the child failed; the message is its own.
    """
    try:
      pickle.dump((request, arguments), self._child.stdin)
      self._child.stdin.flush()
      failure, answer = pickle.load(self._child.stdout)
    except (BrokenPipeError, EOFError) as error:
      raise RuntimeError(
        f"the PyTorch process ended; its exit status is {self._child.wait()}"
      ) from error
    if failure:
      raise RuntimeError(failure)
    return answer

  def close(self) -> None:
    """Ends the child."""
    with contextlib.suppress(BrokenPipeError):  # it had ended by itself
      self._child.stdin.close()
    self._child.wait()
    self._child.stdout.close()


class TorchProgram(Program):
  """A peer that a `TorchProcess` has loaded under a name."""

  def __init__(self, process: TorchProcess, name: str):
    self._process = process
    self._name = name

  def bind(
    self,
    reference: np.ndarray,
    image: np.ndarray,
    *,
    mode: str = TRACED,
    gradient: bool = False,
  ) -> Callable[[], np.ndarray]:
    del mode
    self._process.ask("pictures", reference, image)
    return lambda: self._process.ask("call", self._name, gradient)
