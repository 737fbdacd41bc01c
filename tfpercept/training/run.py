"""The frozen settings of a training run, saved with its weights."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from absl import logging

from tfpercept import registry
from tfpercept import settings as settings_lib
from tfpercept.data import identity
from tfpercept.io import files, folders, lock
from tfpercept.training import checkpoints, precision

SETTINGS, DATA = "run.json", "data.json"
_Own = TypeVar("_Own", bound=settings_lib.Settings)


def _no_settings() -> Any:
  return settings_lib.Settings()


@dataclasses.dataclass(frozen=True)
class Run(Generic[_Own]):
  """Everything that decides the weights a training ends with.

  Attributes:
    out: Folder of the run; the only place that is written to.
    steps: Number of steps in all.
    seed: Seed of initial weights, batches and noise.
    loss: Spec of the objective.
    learning_rate: Peak rate of Adam, reached after `warmup` steps and then
      lowered along a cosine to a hundredth.
    warmup: Steps of linear warm-up.
    interval: Steps between checkpoints, log entries and pictures.
    precision: `"float32"`, `"bfloat16"` or `"auto"`, which is replaced by the
      one that suits this machine, so that a run elsewhere cannot change it.
    strategy: `"none"`, `"mirrored"` or `"multi_worker"`.
    skip_nonfinite: Number of steps in all that are skipped because of a NaN or
      infinite loss or gradient; one more stops the run. 0 stops at the first.
    settings: The trainer's own settings (data, patch, network, ...).
    sources: The identity of the data that some of the settings name, see `on`.
    longer: The way to train a finished run further, in words that follow "To
      train further, ".
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
  skip_nonfinite: int = 0
  settings: _Own = dataclasses.field(default_factory=_no_settings)
  sources: dict[str, identity.Identity] = dataclasses.field(
    default_factory=dict, compare=False, repr=False
  )
  longer: str = dataclasses.field(
    default="start from its weights, in a new --out", compare=False, repr=False
  )

  def __post_init__(self) -> None:
    object.__setattr__(self, "out", pathlib.Path(self.out))
    object.__setattr__(self, "precision", precision.resolve(self.precision))
    for name in ("steps", "interval"):
      number = getattr(self, name)
      if not 1 <= number < math.inf or number != int(number):
        raise ValueError(
          f"{name} must be positive and a whole number; got {number}"
        )
    if not self.warmup >= 0:
      raise ValueError(f"warmup is 0 or more steps; got {self.warmup}")
    if self.skip_nonfinite < 0:
      raise ValueError(
        f"skip_nonfinite is 0 or more steps; got {self.skip_nonfinite}"
      )
    if not 0 < self.learning_rate < math.inf:
      raise ValueError(
        f"learning_rate must be positive and finite; got {self.learning_rate}"
      )

  def to_json(self) -> dict[str, Any]:
    """Returns the settings without `out`, since a run folder may be moved."""
    names = [field.name for field in dataclasses.fields(self) if field.compare]
    values = {name: getattr(self, name) for name in names if name != "out"}
    if not self.skip_nonfinite:
      del values["skip_nonfinite"]  # folders of older runs do not know it
    return {**values, "settings": self.settings.to_json()}

  def on(self, **data: Callable[[], identity.Identity]) -> "Run[_Own]":
    """Returns this run with the identity of its data; writes nothing.

    A trainer calls it before it reads data: a folder that cannot be written,
    is in use, or holds another run or one on other data is refused here, and
    not after minutes of reading. `claim` writes what the data are into
    `data.json`.

    Files that the loss has its weights from are compared likewise.

    Args:
      **data: Functions that return the identity of data, by the name of the
        setting that names them. Data are compared by their identity, and not
        by the spelling of the setting.

    Raises:
      ValueError: as `claim`.
      OSError: if the folder cannot be written.
    """
    folders.require(self.out)
    lock.check(self.out)
    self._check_settings(spelled=self.sources.keys() | data.keys())
    found = {name: what() for name, what in data.items()}
    if weights := registry.weight_files(self.loss):
      found["weights of the loss"] = identity.of_paths(weights)
    run = dataclasses.replace(self, sources={**self.sources, **found})
    run._check_data()
    return run

  def claim(self) -> None:
    """Writes `run.json`, or checks that the folder belongs to this run.

    Raises:
      ValueError: if the folder holds a run with other settings or on other
        data; it names them.
    """
    self._check_settings(spelled=self.sources.keys())
    if not (self.out / SETTINGS).exists():
      if self.sources:
        files.write_json(self.out / DATA, self.sources)
      files.write_json(self.out / SETTINGS, self._mine())
      return
    self._check_data()
    known = _read(self.out / DATA) or {}
    if new := {k: v for k, v in self.sources.items() if k not in known}:
      logging.warning(
        "%s was begun without a note of its %s: whether they are still what "
        "they were cannot be checked; from now on it can",
        self.out,
        " and ".join(new),
      )
      files.write_json(self.out / DATA, {**known, **new})

  def _mine(self) -> dict[str, Any]:
    return json.loads(json.dumps(self.to_json()))

  def _check_settings(self, *, spelled: Any) -> None:
    """Compares with `run.json`; what `spelled` names is compared otherwise."""
    theirs = _read(self.out / SETTINGS)
    if theirs is None:
      if checkpoints.steps(self.out / checkpoints.FOLDER):
        raise ValueError(
          f"{self.out} holds checkpoints, and no {SETTINGS} that says of what "
          "run. Put that back (model/manifest.json has it as `training`), or "
          "choose another --out."
        )
      return
    mine, theirs = _flat(self._mine()), _flat(theirs)
    absent = self.settings.absent()
    known = _read(self.out / DATA) or {}
    changed = [
      key
      for key in sorted(mine.keys() | theirs.keys())
      if not (key in spelled and key in known)
      and not _are_same(
        *(run.get(key, absent.get(key)) for run in (mine, theirs))
      )
    ]
    if changed:
      raise ValueError(self._refusal(changed, mine, theirs))

  def _refusal(
    self,
    changed: Sequence[str],
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
  ) -> str:
    """Returns why a folder is not that of this run, and the way out."""
    differences = "; ".join(
      f"{key}: {theirs.get(key)!r} there, {mine.get(key)!r} now"
      for key in changed
    )
    text = (
      f"{self.out} holds a run with other settings ({differences}). Choose "
      "another --out, or repeat the settings to resume it."
    )
    fields = [field.name for field in dataclasses.fields(self.settings)]
    known = {*mine, *fields}
    if unknown := [key for key in changed if key not in known]:
      text += (
        f" Nothing is called {', '.join(unknown)} here: a newer version wrote "
        "it, or another trainer."
      )
    optional = self.settings.absent()
    if lost := [key for key in changed if key not in {*theirs, *optional}]:
      text += (
        f" It says nothing of {', '.join(lost)}: an older version wrote it, or "
        "another trainer."
      )
    if changed == ["steps"] and mine["steps"] > theirs.get("steps", math.inf):
      text += (
        " A run is not made longer, since its learning rate falls towards its "
        f"last step. To train further, {self.longer}."
      )
    return text

  def _check_data(self) -> None:
    """Compares what the data are with `data.json`."""
    if not self.sources or not (self.out / SETTINGS).exists():
      return
    theirs = _read(self.out / DATA)
    if theirs is None:
      return  # `claim` says so
    for name, now in self.sources.items():
      if name not in theirs:
        continue  # as if there were no file
      if not identity.is_identity(theirs[name]):
        raise ValueError(
          f"{self.out / DATA} is damaged; remove it to resume without "
          "comparing the data"
        )
      changed = identity.changes(theirs[name], now)
      if changed:
        raise ValueError(
          f"{self.out} holds a run on other data ({name}: "
          f"{'; '.join(changed)}). Bring them back to resume it, or choose "
          "another --out."
        )


def check_data(
  folder: files.PathLike, **data: Callable[[], identity.Identity]
) -> None:
  """Raises ValueError if data are not those that a run was trained on.

  Args:
    folder: Folder of the run.
    **data: Data by name, as in `Run.on`. Data of which the run has no note are
      not checked.
  """
  theirs = _read(pathlib.Path(folder) / DATA) or {}
  for name in data.keys() & theirs.keys():
    if not identity.is_identity(theirs[name]):
      raise ValueError(f"{pathlib.Path(folder) / DATA} is damaged; remove it")
    changed = identity.changes(theirs[name], data[name]())
    if changed:
      raise ValueError(
        f"{folder} was trained on other data ({name}: {'; '.join(changed)}). "
        "Bring them back, or train anew in another folder."
      )


def _read(path: pathlib.Path) -> dict[str, Any] | None:
  """Reads a JSON object; None if there is no file."""
  if not path.exists():
    return None
  try:
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
      raise ValueError("it is no object")
  except ValueError as error:
    raise ValueError(
      f"{path} is damaged ({error}); put it back from a copy, or choose "
      "another --out"
    ) from error
  return found


def _flat(run: Mapping[str, Any]) -> dict[str, Any]:
  """Returns the trainer's own settings beside those that all runs have."""
  run = dict(run)
  own = run.pop("settings", None)
  return {**(own if isinstance(own, dict) else {}), **run}


def _are_same(one: Any, other: Any) -> bool:
  """Whether two settings are the same paths, spelled in another way."""
  if isinstance(one, list) and isinstance(other, list):
    return len(one) == len(other) and all(map(_are_same, one, other))
  if not (isinstance(one, str) and isinstance(other, str)):
    return one == other
  if one == other or "packaged" in (one, other):
    return one == other
  if not (os.path.exists(one) and os.path.exists(other)):
    return False
  return os.path.samefile(one, other)
