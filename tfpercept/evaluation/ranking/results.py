"""Answers of people to a ranking study, read from untrusted files."""

import dataclasses
import json
import math
import pathlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfpercept.data import csv_tables
from tfpercept.evaluation.ranking import study_config
from tfpercept.io import files

MAX_BYTES = 8 << 20  # size of a file; 1000 answers take about 300 kB
MAX_NAME = 40  # characters
_MAX_SECONDS = 30 * 86400.0


@dataclasses.dataclass(frozen=True)
class Answer:
  """Answer of a person to one trial.

  Attributes:
    picture: Name of the picture.
    order: Methods from the best to the worst.
    seconds: Time for the answer in seconds, while the page was visible.
  """

  picture: str
  order: tuple[str, ...]
  seconds: float


@dataclasses.dataclass(frozen=True)
class Person:
  """All answers of one person.

  Attributes:
    name: Name as entered on the page.
    answers: Answers in the order of the trials.
    trials: Number of trials shown, including checks.
    checks: Whether each answered check was passed.
  """

  name: str
  answers: tuple[Answer, ...]
  trials: int
  checks: tuple[bool, ...] = ()

  @property
  def is_complete(self) -> bool:
    """Whether all trials were answered."""
    return len(self.answers) + len(self.checks) == self.trials

  @property
  def failed(self) -> int:
    """Number of failed checks."""
    return self.checks.count(False)


@dataclasses.dataclass(frozen=True)
class Trial:
  """A trial of the page: its picture, and the method behind each item."""

  picture: str
  items: dict[str, str]
  spoiled: str | None


@dataclasses.dataclass(frozen=True)
class Key:
  """Contents of a page, for the analyst.

  Attributes:
    page: Identifier of the page.
    mode: Mode of the study, one of `study_config.MODES`.
    methods: Names of the methods, in the order given.
    trials: Trials by identifier.
  """

  page: str
  mode: str
  methods: tuple[str, ...]
  trials: dict[str, Trial]


def require_no_other(path: files.PathLike, page: str, instead: str) -> None:
  """Raises ValueError if there is a file that is not the key of a page.

  People may be answering the page of that key.

  Args:
    path: Path of the key that is to be written.
    page: Identity of the page that it is of.
    instead: Sentence, without its full stop, that says what to do.
  """
  try:
    if not pathlib.Path(path).exists() or read_key(path).page == page:
      return
  except ValueError:
    pass
  raise ValueError(
    f"{path} exists, and is not the key of this page; answers to the page of "
    f"that key could not be analysed any more. {instead}"
  )


def read_key(path: files.PathLike) -> Key:
  """Reads the key that `tfpercept ranking make` wrote beside the page.

  Raises:
    ValueError: if the file is not a key, or is damaged.
  """
  try:
    value = _object(_load(path), "the key", study_config.KEY_FORMAT)
    methods = tuple(_text(m, "a method") for m in _list(value, "methods"))
    trials = {
      name: Trial(
        _text(_get(trial, "picture"), "picture"),
        {
          item: _text(made, f"the maker of {item}")
          for item, made in _mapping(trial, "items").items()
        },
        _text_or_none(_get(trial, "spoiled"), "spoiled"),
      )
      for name, trial in _mapping(value, "trials").items()
    }
    _require_known(methods, trials.values())
    return Key(
      _text(_get(value, "page"), "page"), _mode(value), methods, trials
    )
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error


def read(
  paths: Sequence[files.PathLike], key: Key
) -> tuple[list[Person], dict[str, str]]:
  """Reads files of results.

  Returns:
    People in the order of the files, and why other files are left out.

  Raises:
    ValueError: if two files are of one person.
  """
  people, failures = [], {}
  sources: dict[str, files.PathLike] = {}
  for path in paths:
    try:
      person = read_person(path, key)
    except (ValueError, OSError) as error:
      failures[str(path)] = str(error)
      continue
    name = _same(person.name)
    if name in sources:
      raise ValueError(
        f"{person.name!r} is in {sources[name]} and in {path}; give one file "
        "of each person"
      )
    sources[name] = path
    people.append(person)
  return people, failures


def read_person(path: files.PathLike, key: Key) -> Person:
  """Reads and checks one file of results.

  Raises:
    ValueError: if it is no such file, is of another page or says what the page
      cannot have asked.
  """
  value = _object(_load(path), "results", study_config.RESULTS_FORMAT)
  page = _text(_get(value, "page"), "page")
  if page != key.page:
    raise ValueError(
      f"of another page: {_short(page)}; this key is of {key.page}"
    )
  if _mode(value) != key.mode:
    raise ValueError(f"of mode {value['mode']}; the page has mode {key.mode}")
  name = _text(_get(value, "person"), "person").strip()
  if not name or len(name) > MAX_NAME or not name.isprintable():
    raise ValueError(
      f"person is a name of 1 to {MAX_NAME} printable characters; got "
      f"{_short(name)}"
    )
  asked = _whole(_get(value, "trials"), "trials")
  given = _list(value, "answers")
  if not len(given) <= asked <= _possible(key):
    raise ValueError(
      f"{len(given)} answers of {asked} trials; the page has at most "
      f"{_possible(key)}"
    )
  answers, checks, seen = [], [], set()
  for place, item in enumerate(given, 1):
    try:
      trial, order, seconds = _answer(item, key)
      if (trial, frozenset(order)) in seen:
        raise ValueError(f"{trial} is answered twice")
    except ValueError as error:
      raise ValueError(f"answer {place}: {error}") from error
    seen.add((trial, frozenset(order)))
    what = key.trials[trial]
    if what.spoiled is None:
      methods = tuple(what.items[item] for item in order)
      answers.append(Answer(what.picture, methods, seconds))
    else:
      checks.append(order[-1] == what.spoiled)
  return Person(name, tuple(answers), asked, tuple(checks))


def _answer(value: Any, key: Key) -> tuple[str, tuple[str, ...], float]:
  """Returns trial, items from the best to the worst, and seconds."""
  trial = _text(_get(value, "trial"), "trial")
  if trial not in key.trials:
    raise ValueError(f"the page has no trial {_short(trial)}")
  items = key.trials[trial].items
  order = tuple(_text(item, "an item of order") for item in
                _list(value, "order", len(items)))  # fmt: skip
  unknown = [item for item in order if item not in items]
  if unknown:
    raise ValueError(f"{trial} has no item {_short(unknown[0])}")
  count = len(items) if key.mode == "rank" else 2
  if len(order) != count or len(set(order)) != count:
    raise ValueError(
      f"order has {count} different items; got {', '.join(order) or 'none'}"
    )
  seconds = _get(value, "seconds")
  is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
  if not is_number or not 0 <= seconds <= _MAX_SECONDS:
    raise ValueError(f"seconds is a time from 0 on; got {_short(seconds)}")
  return trial, order, float(seconds)


def _possible(key: Key) -> int:
  """Returns the largest number of trials for one person."""
  if key.mode == "rank":
    return len(key.trials)
  return sum(math.comb(len(trial.items), 2) for trial in key.trials.values())


def _require_known(methods: Sequence[str], trials: Iterable[Trial]) -> None:
  if not 2 <= len(methods) <= study_config.MAX_METHODS or len(
    set(methods)
  ) < len(methods):
    raise ValueError(
      f"a key has 2 to {study_config.MAX_METHODS} different methods; got "
      f"{_short(list(methods))}"
    )
  trials = list(trials)
  shown = [trial.picture for trial in trials if trial.spoiled is None]
  twice = [
    picture for picture in dict.fromkeys(shown) if shown.count(picture) > 1
  ]
  if twice:
    raise ValueError(f"the picture {_short(twice[0])} is in two trials")
  for trial in trials:
    made = list(trial.items.values())
    if trial.spoiled is None and sorted(made) != sorted(methods):
      raise ValueError(f"a trial shows each method once; got {_short(made)}")
    if trial.spoiled is not None and trial.spoiled not in trial.items:
      raise ValueError(f"the spoiled item of {trial.picture} is not in it")
    if len(made) < 2:
      raise ValueError(f"a trial has at least 2 items; got {_short(made)}")


def _load(path: files.PathLike) -> Any:
  """Returns the JSON value in a file of bounded size."""
  path = pathlib.Path(path)
  if not path.is_file():
    raise ValueError("there is no such file")
  size = path.stat().st_size
  if size > MAX_BYTES:
    raise ValueError(
      f"{size >> 20} MB are too large; at most {MAX_BYTES >> 20} are read"
    )
  with open(path, "rb") as file:
    data = file.read(MAX_BYTES + 1)
  try:
    return json.loads(
      csv_tables.decoded(data),
      parse_constant=_no_constant,
      object_pairs_hook=_no_twins,
    )
  except (ValueError, RecursionError) as error:
    why = str(error) or type(error).__name__
    raise ValueError(f"no readable JSON: {why}") from error


def _no_constant(text: str) -> float:
  raise ValueError(f"{text} is no JSON")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  found = dict(pairs)
  if len(found) < len(pairs):
    raise ValueError("an object names a member twice")
  return found


def _object(value: Any, what: str, form: str) -> dict[str, Any]:
  if not isinstance(value, dict) or value.get("format") != form:
    got = value.get("format") if isinstance(value, dict) else value
    raise ValueError(
      f"{what} should be an object of format {form}; got {_short(got)}"
    )
  return value


def _get(value: Any, name: str) -> Any:
  if not isinstance(value, dict) or name not in value:
    raise ValueError(f"{name} is missing")
  return value[name]


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
  found = _get(value, name)
  if not isinstance(found, dict):
    raise ValueError(f"{name} is an object; got {_short(found)}")
  return found


def _list(value: Any, name: str, most: int | None = None) -> list[Any]:
  found = _get(value, name)
  if not isinstance(found, list):
    raise ValueError(f"{name} is a list; got {_short(found)}")
  if most is not None and len(found) > most:
    raise ValueError(f"{name} has at most {most} items; got {len(found)}")
  return found


def _text(value: Any, name: str) -> str:
  if not isinstance(value, str):
    raise ValueError(f"{name} is a text; got {_short(value)}")
  return value


def _text_or_none(value: Any, name: str) -> str | None:
  return None if value is None else _text(value, name)


def _whole(value: Any, name: str) -> int:
  if not isinstance(value, int) or isinstance(value, bool) or value < 0:
    raise ValueError(f"{name} is a whole number from 0 on; got {_short(value)}")
  return value


def _mode(value: Any) -> str:
  mode = _get(value, "mode")
  if mode not in study_config.MODES:
    raise ValueError(
      f"mode is one of {', '.join(study_config.MODES)}; got {_short(mode)}"
    )
  return mode


def _short(value: Any) -> str:
  """Shows a value in a message, however long it is."""
  text = repr(value)
  return text if len(text) <= 60 else f"{text[:57]}..."


def _same(name: str) -> str:
  """One spelling of a name, as the page has it."""
  return " ".join(unicodedata.normalize("NFC", name).split()).casefold()
