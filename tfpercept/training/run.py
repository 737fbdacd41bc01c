"""The frozen settings of a training run, saved with its weights."""

import dataclasses
import json
import pathlib
from typing import Any

from tfpercept import files
from tfpercept.training import precision


@dataclasses.dataclass(frozen=True)
class Run:
  """Everything that decides the weights a training ends with.

  Attributes:
    out: Folder of the run; the only place that is written to.
    steps: Optimiser steps in all.
    seed: Seed of initial weights, batches and noise.
    loss: Spec of the objective.
    learning_rate: Peak rate of Adam, reached after `warmup` steps and then
      lowered along a cosine to a hundredth.
    warmup: Steps of linear warm-up.
    interval: Steps between checkpoints, log entries and pictures.
    precision: `"float32"`, `"bfloat16"` or `"auto"`, which is replaced by the
      one that suits this machine, so that a run elsewhere can not change it.
    strategy: `"none"` or `"mirrored"`.
    settings: What else the trainer was given (data, patch, model, ...); plain
      JSON values.
  """

  out: pathlib.Path
  steps: int
  seed: int = 0
  loss: str = "mse"
  learning_rate: float = 1e-3
  warmup: int = 100
  interval: int = 500
  precision: str = "auto"
  strategy: str = "none"
  settings: dict[str, Any] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    object.__setattr__(self, "out", pathlib.Path(self.out))
    object.__setattr__(self, "precision", precision.resolve(self.precision))
    for name in ("steps", "interval"):
      if getattr(self, name) < 1:
        raise ValueError(f"{name} must be positive; got {getattr(self, name)}")
    if not self.learning_rate > 0:
      raise ValueError(
        f"learning_rate must be positive; got {self.learning_rate}"
      )

  def to_json(self) -> dict[str, Any]:
    """Returns the settings without `out`, since a run folder may be moved."""
    settings = dataclasses.asdict(self)
    del settings["out"]
    return settings

  def claim(self) -> None:
    """Writes `run.json`, or checks that the folder belongs to this run.

    Raises:
      ValueError: if the folder holds a run with other settings; it names them.
    """
    path = self.out / "run.json"
    mine = json.loads(json.dumps(self.to_json()))
    if not path.exists():
      files.write_json(path, mine)
      return
    try:
      theirs = json.loads(path.read_text())
    except ValueError as error:
      raise ValueError(
        f"{path} is damaged ({error}); choose another --out"
      ) from error
    changed = [
      f"{key}: {theirs.get(key)!r} there, {mine.get(key)!r} now"
      for key in sorted(mine.keys() | theirs.keys())
      if mine.get(key) != theirs.get(key)
    ]
    if changed:
      raise ValueError(
        f"{self.out} holds a run with other settings ({'; '.join(changed)}). "
        "Choose another --out, or repeat the settings to resume it."
      )
