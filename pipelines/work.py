"""The work on one picture: what the commands of the package do, as a library.

Processes import these functions by their names, and keep what they load.
"""

import functools
import json
import os
import pathlib
import time
from collections.abc import Mapping
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
    ValueError: if there is no such model or codec.
  """
  told = json.loads(settings)
  output = pathlib.Path(told.pop("output"))
  model, spec = told.pop("model"), told.pop("codec")
  codec = codecs.get(spec) if spec else model_lookup.opened(model)

  def work(item: inputs.Item) -> Mapping[str, Any]:
    target = output / (inputs.stem(item.name) + codec.suffix)
    if target.exists():  # it was renamed when it was whole
      return _sizes(item, target) | {"made_before": 1}
    start = time.perf_counter()
    codec_files.compress_file(codec, pathlib.Path(item.path), target, **told)
    seconds = time.perf_counter() - start
    return _sizes(item, target) | {"seconds": round(seconds, 4)}

  return work


@functools.cache
def scorer(settings: str) -> jobs.Work:
  """Returns the work of scoring.

  Args:
    settings: JSON text of an object with `references`, paths of the references
      by the name of the picture without suffix; `metrics`, specs; and `alpha`,
      as in `evaluation.core.comparison.compare`.

  Raises:
    ValueError: if there is no such distance.
  """
  told = json.loads(settings)
  metrics = [distances.get(spec) for spec in told["metrics"]]

  def work(item: inputs.Item) -> Mapping[str, Any]:
    reference = told["references"].get(inputs.stem(item.name))
    if reference is None:
      raise ValueError("there is no reference of that name")
    pair = picture_pairs.Pair(
      item.name, pathlib.Path(reference), pathlib.Path(item.path)
    )
    table = comparison.compare([pair], metrics, alpha=told["alpha"])
    if table.failures:
      raise ValueError(next(iter(table.failures.values())))
    found = table.rows[item.name]
    return {"scores": {spec: each.score for spec, each in found.items()}}

  return work


def _sizes(item: inputs.Item, target: pathlib.Path) -> dict[str, Any]:
  return {
    "bytes_in": os.path.getsize(item.path),
    "bytes_out": os.path.getsize(target),
  }
