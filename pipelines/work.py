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


@functools.cache
def compressor(settings: str) -> jobs.Work:
  """Returns the work of compressing.

  Args:
    settings: JSON text of an object with `output`, the folder; `model` and
      `codec`, one of them null; `identity`, that of the codec; and the further
      arguments of `codecs.files.compress_file` that are set.

  Raises:
    ValueError: if there is no such model or codec, it has other weights than
      when the job began, it has no such quality, or the target is no rate.
  """
  told = json.loads(settings)
  output, model, spec = (told.pop(k) for k in ("output", "model", "codec"))
  codec = opened(model, spec)
  wanted, found = told.pop("identity"), identity(codec)
  if found != wanted:
    raise ValueError(
      f"{spec or model} was {wanted} when the job began, and is {found} now; "
      "choose another --output for the new weights"
    )
  rate = told.get("target_bpp")
  if rate is not None and not rate > 0:
    raise ValueError(
      f"--target_bpp is more than 0 bits per pixel; got {rate:g}"
    )
  low, high = codec.qualities[0], codec.qualities[-1]
  if told["quality"] is not None and not low <= told["quality"] <= high:
    raise ValueError(
      f"--quality of {codec.spec} is {low:g} to {high:g}; got "
      f"{told['quality']:g}"
    )

  def work(item: inputs.Item) -> Mapping[str, Any]:
    made = target(output, codec.suffix, item)
    start = time.perf_counter()
    try:
      # It was renamed when it was whole, and `jobs.make` has removed what other
      # pictures became.
      if made.exists():
        raise FileExistsError
      codec_files.compress_file(codec, pathlib.Path(item.path), made, **told)
    except FileExistsError:  # another process may be doing the same chunk
      return _sizes(item, made) | {"made_before": 1}
    seconds = time.perf_counter() - start
    return _sizes(item, made) | {"seconds": round(seconds, 4)}

  return work


def target(output: str, suffix: str, item: inputs.Item) -> pathlib.Path:
  """Returns the file that compression makes of a picture.

  Args:
    output: Folder of the results.
    suffix: Suffix of the codec's files.
    item: The picture.
  """
  return pathlib.Path(output) / (inputs.stem(item.name) + suffix)


@functools.cache
def opened(model: str | None, spec: str | None) -> codecs.Codec:
  """Returns a codec by its spec, or that of a model; one of the two is None.

  Raises:
    ValueError: if there is none.
  """
  if spec:
    return codecs.get(spec)
  assert model is not None
  return model_lookup.opened(model)


def identity(codec: codecs.Codec) -> str | None:
  """Returns the name of a codec's weights in files; None if it has none.

  A run folder may hold other weights under the same path later.
  """
  found: bytes = getattr(codec, "identity", b"")
  return found.hex() or None


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


def _sizes(item: inputs.Item, made: pathlib.Path) -> dict[str, Any]:
  return {
    "bytes_in": os.path.getsize(item.path),
    "bytes_out": os.path.getsize(made),
  }
