"""The work on one picture: what the commands of the package do, as a library.

Processes import these functions by their names, and keep what they load.
"""

import functools
import json
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines import inputs, jobs
from tfpercept import codecs, distances
from tfpercept.codecs import files as codec_files
from tfpercept.codecs.learned import model_lookup
from tfpercept.evaluation.core import comparison, picture_pairs

SUFFIX = ".tfp"


@functools.cache
def compressor(settings: str) -> jobs.Work:
  """Returns the work of compressing.

  Args:
    settings: JSON text of an object with `output`, the folder; `model` and
      `codec`, one of them null; and the further arguments of
      `codecs.files.compress_file` that are set.

  Raises:
    ValueError: if there is no such model or codec, or it has no such quality.
  """
  told = json.loads(settings)
  output = pathlib.Path(told.pop("output"))
  codec = _codec(told.pop("model"), told.pop("codec"))
  low, high = codec.qualities[0], codec.qualities[-1]
  if told["quality"] is not None and not low <= told["quality"] <= high:
    raise ValueError(
      f"--quality of {codec.spec} is {low:g} to {high:g}; got "
      f"{told['quality']:g}"
    )

  def work(item: inputs.Item) -> Mapping[str, Any]:
    target = output / (inputs.stem(item.name) + codec.suffix)
    start = time.perf_counter()
    try:
      if target.exists():  # it was renamed when it was whole
        raise FileExistsError
      codec_files.compress_file(codec, pathlib.Path(item.path), target, **told)
    except FileExistsError:  # another process may be doing the same chunk
      return _sizes(item, target) | {"made_before": 1}
    seconds = time.perf_counter() - start
    return _sizes(item, target) | {"seconds": round(seconds, 4)}

  return work


def targets(
  items: Sequence[inputs.Item], settings: Mapping[str, Any]
) -> Iterator[pathlib.Path]:
  """Yields the files that compression of pictures makes.

  Args:
    items: The pictures.
    settings: The object that `compressor` gets as text.

  Raises:
    ValueError: if there is no such codec.
  """
  spec = settings["codec"]
  suffix = codecs.get(spec).suffix if spec else SUFFIX
  for item in items:
    yield pathlib.Path(settings["output"]) / (inputs.stem(item.name) + suffix)


def _codec(model: str | None, spec: str | None) -> codecs.Codec:
  if spec:
    return codecs.get(spec)
  assert model is not None  # one of the two is given
  return model_lookup.opened(model)


@functools.cache
def scorer(settings: str) -> jobs.Work:
  """Returns the work of scoring.

  Args:
    settings: JSON text of an object with `metrics`, specs of distances, and
      `alpha`, as in `evaluation.core.comparison.compare`.

  Raises:
    ValueError: if there is no such distance.
  """
  told = json.loads(settings)
  metrics = [distances.get(spec) for spec in told["metrics"]]

  def work(item: inputs.Item) -> Mapping[str, Any]:
    if not item.reference:
      raise ValueError("there is no reference of that name")
    pair = picture_pairs.Pair(
      item.name, pathlib.Path(item.reference), pathlib.Path(item.path)
    )
    table = comparison.compare([pair], metrics, alpha=told["alpha"])
    failures = list(table.failures.values())
    found = table.rows.get(item.name, {})
    if not found:
      raise ValueError(failures[0])
    scores = {spec: each.score for spec, each in found.items()}
    return {"scores": scores} | ({"unscored": failures} if failures else {})

  return work


def _sizes(item: inputs.Item, target: pathlib.Path) -> dict[str, Any]:
  return {
    "bytes_in": os.path.getsize(item.path),
    "bytes_out": os.path.getsize(target),
  }
