"""One loop that trains every task, and what it writes."""

from tfpercept.training.callbacks import NonFiniteError
from tfpercept.training.loop import STRATEGIES, fit, learning_rate, prepare
from tfpercept.training.precision import PRECISIONS
from tfpercept.training.run import Run, check_data
from tfpercept.training.schedules import steady_then_linear
from tfpercept.training.workers import LostWorkerError

__all__ = [
  "PRECISIONS",
  "STRATEGIES",
  "LostWorkerError",
  "NonFiniteError",
  "Run",
  "check_data",
  "fit",
  "learning_rate",
  "prepare",
  "steady_then_linear",
]
