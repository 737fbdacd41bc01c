"""Decoders of the same files, judged together.

    found = decoders.judge(pictures, coder, {"t=0": faithful, "t=1": realistic})

A decoder is any function from the bytes of a file to pixels. All get the same
bytes, so that what differs is the decoder alone.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfpercept import manifests
from tfpercept.codecs.learned import heads as heads_here
from tfpercept.codecs.learned import learned_codec, model_ids
from tfpercept.evaluation.core import statistics
from tfpercept.evaluation.core.statistics import Estimate
from tfpercept.evaluation.realism import measure
from tfpercept.io import files

Coder = Callable[[np.ndarray], bytes]
Decoder = Callable[[bytes], np.ndarray]

_ORIGINAL = "original"
FAITHFUL = "t=0"
"""Name of the decoder that adds nothing."""


@dataclasses.dataclass(frozen=True)
class Shown:
  """A picture for a page: the original and what decoders made of its file."""

  name: str
  original: np.ndarray
  decoded: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Judged:
  """Decoders, judged.

  Attributes:
    rows: A row for each decoder, in order.
    bpp: Rate of the files in bits per pixel, over pictures; None for pictures
      that came decoded.
    shown: The first pictures.
  """

  rows: list[measure.Row]
  bpp: Estimate | None
  shown: list[Shown]


def by_name(paths: Sequence[pathlib.Path]) -> dict[str, pathlib.Path]:
  """Returns paths of pictures by their names without suffix.

  Raises:
    ValueError: if two have one name.
  """
  found: dict[str, pathlib.Path] = {}
  for path in paths:
    if path.stem in found:
      raise ValueError(
        f"pictures need different names, since tables go by names; got "
        f"{found[path.stem]} and {path}"
      )
    found[path.stem] = path
  return found


def strengths(
  model: str,
  heads: Mapping[str, files.PathLike],
  values: Sequence[float],
) -> dict[str, Decoder]:
  """Returns the faithful decoder of a model and those of realism heads.

  Args:
    model: Folder or name of the codec.
    heads: Folders of heads for it by name. The name of a head stands before the
      strength, unless it is empty.
    values: Strengths above 0, up to 1.

  Raises:
    ValueError: if a head is for another codec, or a strength is out of range.
  """
  if any(not 0 < value <= 1 for value in values):
    raise ValueError(
      "strengths are above 0, up to 1; the faithful decoder is always there. "
      f"Got {', '.join(map(str, values))}"
    )
  if len({f"{value:g}" for value in values}) < len(values):
    raise ValueError(
      "strengths differ in six digits at least; got "
      f"{', '.join(map(str, values))}"
    )
  faithful = learned_codec.Hyperprior(model=model)
  found: dict[str, Decoder] = {FAITHFUL: faithful.decompress}
  for name, head in heads.items():
    for value in values:
      codec = learned_codec.Hyperprior(
        model=model, realism=value, head=str(head), check=False
      )
      found[f"{name} t={value:g}".strip()] = codec.decompress
  return found


def own_head(model: str) -> dict[str, files.PathLike]:
  """Returns the head that comes with the package for a model, or none.

  Args:
    model: Folder or name of the codec.

  Returns:
    The head as `strengths` takes it, under an empty name; empty if there is no
    head for the model.
  """
  identity = model_ids.identity(manifests.read(model))
  try:
    return {"": heads_here.find(identity, model)}
  except ValueError:
    return {}


def judge(
  pictures: Mapping[str, files.PathLike],
  coder: Coder,
  decoders: Mapping[str, Decoder],
  judged_by: measure.Judge,
  *,
  keep: files.PathLike | None = None,
  shown: int = 3,
  progress: Callable[[int, str], None] = lambda done, what: None,
) -> Judged:
  """Codes each picture once, decodes it by each decoder, and judges them.

  Args:
    pictures: Paths of the originals by name.
    coder: Function from a picture to the bytes that all decoders get.
    decoders: Decoders by name.
    judged_by: Collector of the measures, without pictures so far.
    keep: Folder that gets a folder of PNG files for each decoder, and one of
      the originals, in place of those of an earlier call; None keeps none.
      `tfpercept ranking` takes such folders.
    shown: Number of pictures that are returned for a page.
    progress: Function called with the number of pictures done and the name of
      the next.

  Raises:
    ValueError: as `measure.Judge`, or if a folder to replace has other files
      than PNG files.
  """
  rates: list[float] = []

  def decoded(original: np.ndarray, name: str) -> dict[str, np.ndarray]:
    del name
    data = coder(original)
    rates.append(8 * len(data) / (original.shape[0] * original.shape[1]))
    return {key: decode(data) for key, decode in decoders.items()}

  with contextlib.ExitStack() as stack:
    kept = {}
    if keep is not None:  # so that no picture of an earlier call stays in it
      for key in (_ORIGINAL, *decoders):
        place = pathlib.Path(keep) / key.replace(" ", "_")
        _require_pictures(place)
        kept[key] = stack.enter_context(files.atomic(place))
    found = _judged(pictures, decoded, judged_by, kept, shown, progress)
  return dataclasses.replace(found, bpp=statistics.mean(np.array(rates)))


def judge_folders(
  pictures: Mapping[str, files.PathLike],
  decoded: Mapping[str, Mapping[str, files.PathLike]],
  judged_by: measure.Judge,
  *,
  shown: int = 3,
  progress: Callable[[int, str], None] = lambda done, what: None,
) -> Judged:
  """Judges pictures that were decoded before, whatever decoded them.

  Args:
    pictures: Paths of the originals by name.
    decoded: Paths of the decoded pictures by decoder and by the same names.
    judged_by: Collector of the measures, without pictures so far.
    shown: Number of pictures that are returned for a page.
    progress: The function that `judge` takes.

  Raises:
    ValueError: as `measure.Judge`, or if a picture is missing.
  """
  for key, paths in decoded.items():
    missing = sorted(set(pictures) - set(paths))
    if missing:
      raise ValueError(
        f"{key} has no picture of {', '.join(missing)}; all decoders are "
        "judged on the same pictures"
      )

  def read(original: np.ndarray, name: str) -> dict[str, np.ndarray]:
    del original
    return {key: files.read_image(p[name]) for key, p in decoded.items()}

  return _judged(pictures, read, judged_by, {}, shown, progress)


def _require_pictures(folder: pathlib.Path) -> None:
  """Raises ValueError if there is a folder with other files than PNG files."""
  listed = folder.iterdir() if folder.is_dir() else ()
  others = sorted(path.name for path in listed if path.suffix != ".png")
  if others:
    raise ValueError(
      f"{folder} holds {others[0]}, and would be replaced; move it away, or "
      "name another --out"
    )


def _judged(
  pictures: Mapping[str, files.PathLike],
  decoded: Callable[[np.ndarray, str], dict[str, np.ndarray]],
  judged_by: measure.Judge,
  kept: Mapping[str, pathlib.Path],
  shown: int,
  progress: Callable[[int, str], None],
) -> Judged:
  examples: list[Shown] = []
  for done, (name, path) in enumerate(pictures.items()):
    progress(done, name)
    original = files.read_image(path)
    images = decoded(original, name)
    judged_by.add(name, original, images)
    everything = {_ORIGINAL: original, **images}
    for key, place in kept.items():
      files.write_image(place / f"{name}.png", everything[key])
    if len(examples) < shown:
      examples.append(Shown(name, original, images))
  return Judged(judged_by.rows(), None, examples)
