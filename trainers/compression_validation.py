"""Validation of a codec during its training, on held-out pictures."""

import csv
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfpercept import codecs, distances, settings
from tfpercept.data import identity, sources
from tfpercept.evaluation.rate_distortion import bd_rate
from tfpercept.io import files
from tfpercept.reports import charts
from tfpercept.tasks import compression, objectives, quantizers

FILE, NOTE = "validation.csv", "validation.json"
CHART = "validation.png"
ANCHOR = "jpeg"
SPAN = (0.1, 0.8)  # range of rates of BD-rates, in bits per pixel
SCALARS = {
  "validation/loss": "Loss on held-out pictures",
  "validation/bd_rate": f"BD-rate against {ANCHOR}, percent",
}
"""Titles of what is drawn, by the names of TensorBoard's scalars."""
_HEADER = ("step", "loss", "bd_rate")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(settings.Settings):
  """Held-out pictures of a validation, and the steps between measurements.

  Attributes:
    validation: Names of the sources, see `data.sources.load`; none is measured
      where there is no name.
    validation_interval: Number of steps from one measurement to the next.
  """

  validation: tuple[str, ...] = settings.option(
    (),
    "Folder of held-out pictures; may be repeated. Their loss and BD-rate "
    "against JPEG are written to validation.csv during the training.",
    repeated=True,
  )
  validation_interval: int = settings.option(
    2000,
    "Number of steps between two measurements, a multiple of --interval.",
    least=1,
  )

  def load(self, *, stride: int) -> list[np.ndarray]:
    """Returns the pictures, as `load` does; none where none are named."""
    return load(self.validation, stride=stride) if self.validation else []

  def require(self, interval: int) -> None:
    """Raises ValueError if an interval of the run ends at no measurement."""
    if self.validation and self.validation_interval % interval:
      raise ValueError(
        "--validation_interval is a multiple of --interval, at the ends of "
        f"which it is looked at; got {self.validation_interval} and {interval}"
      )


def load(folders: Sequence[str], *, stride: int) -> list[np.ndarray]:
  """Reads pictures and cuts them to sides that a network takes.

  Args:
    folders: Names of the sources, see `data.sources.load`.
    stride: Sides are cut to multiples of this many pixels, at the right and at
      the bottom.

  Returns:
    uint8 pictures `[H, W, 3]`.

  Raises:
    ValueError: if there is no picture, or one is smaller than the stride.
  """
  pictures = []
  for picture in sources.load(folders):
    height, width = (side // stride * stride for side in picture.shape[:2])
    if not height * width:
      raise ValueError(
        f"pictures to validate on have sides of {stride} pixels at least; got "
        f"one of {picture.shape[1]}x{picture.shape[0]}"
      )
    cut = picture[:height, :width]
    pictures.append(np.broadcast_to(cut, (height, width, 3)))
  return pictures


def _require_same(folder: pathlib.Path, what: identity.Identity) -> None:
  """Raises ValueError if a curve was begun on other, or unknown, pictures."""
  if not (folder / FILE).exists():
    return
  before = noted(folder)
  changed = identity.changes(before, what)
  if changed:
    raise ValueError(
      f"{folder / FILE} was measured on other pictures ({'; '.join(changed)}). "
      "Bring them back, or move it away to begin another"
    )


def noted(folder: pathlib.Path) -> identity.Identity:
  """Returns the identity of the pictures of the curve in a folder."""
  note = folder / NOTE
  advice = (
    f"put it back from a copy, or move {folder / FILE} away to begin another"
  )
  if not note.exists():
    raise ValueError(
      f"{note}, which says what pictures the curve beside it was measured on, "
      f"is missing; {advice}"
    )
  try:
    found = json.loads(note.read_bytes())
  except ValueError as error:
    raise ValueError(f"{note} is damaged ({error}); {advice}") from error
  found = found.get("validation") if isinstance(found, dict) else None
  if found is None or not identity.is_identity(found):
    raise ValueError(f"{note} is damaged (it names no pictures); {advice}")
  return found


def _read(path: pathlib.Path) -> dict[int, list[str]]:
  """Returns the rows of a curve by their steps; none if there is no file."""
  if not path.exists():
    return {}
  try:
    with path.open(newline="", encoding="utf-8") as file:
      return {int(row[0]): row for row in list(csv.reader(file))[1:]}
  except (ValueError, LookupError, csv.Error) as error:
    raise ValueError(
      f"{path} is damaged ({error}); mend it, or move it away to begin another"
    ) from error


def curves(
  curve: files.PathLike,
) -> dict[str, tuple[list[float], list[float]]]:
  """Returns steps and values of the loss and the BD-rate of a curve.

  Args:
    curve: Path of a `validation.csv`.

  Returns:
    Both by the names of the scalars that TensorBoard has of them.

  Raises:
    ValueError: if the curve is damaged or has no measurement.
  """
  curve = pathlib.Path(curve)
  rows = _read(curve)
  if not rows:
    raise ValueError(f"{curve} has no measurement yet, so nothing is drawn")
  steps = [float(step) for step in rows]
  try:
    return {
      name: (steps, [float(row[place]) for row in rows.values()])
      for place, name in enumerate(SCALARS, 1)
    }
  except (ValueError, LookupError) as error:
    raise ValueError(f"{curve} is damaged ({error}); mend it") from error


def draw(curve: files.PathLike, picture: files.PathLike) -> None:
  """Draws the loss and the BD-rate of a curve over the steps.

  Args:
    curve: Path of a `validation.csv`.
    picture: Path of the picture to write, a PNG file.

  Raises:
    ValueError: as `curves`, or if matplotlib is not installed.
    OSError: if the picture cannot be written.
  """
  drawn = {SCALARS[name]: {"": line} for name, line in curves(curve).items()}
  files.write_image(picture, charts.panels(drawn, x="step"))


class Validation(keras.callbacks.Callback):
  """Measures the codec at intervals, and adds a line to `validation.csv`.

  `validation.png` beside it shows loss and BD-rate over the steps.

  A line holds the step; the loss, as it is trained for but with rounded
  latents, over pictures and whole qualities; the BD-rate in PSNR against JPEG
  (Pillow, 4:2:0) between 0.1 and 0.8 bits per pixel, in percent; and for each
  quality the bits per pixel and the PSNR in dB, means over pictures. Rates are
  those that the entropy model estimates, without header and range coder.

  If a run was killed right after a checkpoint, that step is measured when the
  run resumes.

  Args:
    task: The task that is trained.
    kept: Function without arguments that returns the network as it would be
      kept.
    pictures: uint8 pictures `[H, W, 3]`, sides multiples of the network's
      stride.
    folder: Folder of the run, which the file is written to; scalars for
      TensorBoard go to `tensorboard/validation` in it.
    every: Number of steps from one measurement to the next; those of the
      multiples of it that end an interval are taken.
    what: Identity of the pictures, see `data.identity`; kept beside the file.

  Raises:
    ValueError: if the file there was measured on other pictures, is damaged, or
      the note beside it is damaged or missing.
  """

  def __init__(
    self,
    task: compression.Compression,
    kept: Callable[[], keras.Model],
    pictures: Sequence[np.ndarray],
    *,
    folder: pathlib.Path,
    every: int,
    what: identity.Identity,
  ):
    super().__init__()
    self._note, self._what = folder / NOTE, what
    _require_same(folder, what)
    self._task, self._kept, self._pictures = task, kept, list(pictures)
    self._path, self._every = folder / FILE, every
    _read(self._path)  # which is refused now, and not after hours
    self._writer: tf.summary.SummaryWriter | None = None
    self._anchor: bd_rate.Curve | None = None
    self._psnr = distances.get("psnr")
    self._measure = tf.function(self._of_one, reduce_retracing=True)
    self._network: keras.Model | None = None

  def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
    # That of a checkpoint whose run was killed right after it.
    self.make_up(int(self.model.step.numpy()))

  def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
    self._measure_at(int(self.model.step.numpy()))

  def make_up(self, step: int) -> None:
    """Measures the codec as it is, of that step, if its line is missing."""
    if step and step not in _read(self._path):
      self._measure_at(step)

  def _measure_at(self, step: int) -> None:
    if step % self._every:
      return
    self._network = self._kept()
    whole = [float(q) for q in range(1, self._network.levels + 1)]
    # [pictures, qualities, (loss, bpp, PSNR)]
    with objectives.draws_kept(self._task.objective):
      found = np.array(
        [[self._one(picture, q) for q in whole] for picture in self._pictures]
      ).mean(axis=0)
    curve = bd_rate.Curve(list(found[:, 1]), list(found[:, 2]))
    saved = bd_rate.difference(self._jpeg(), curve.between(*SPAN)).percent
    self._write(step, float(found[:, 0].mean()), saved, found[:, 1:])

  def _one(self, picture: np.ndarray, quality: float) -> list[float]:
    x = tf.constant(picture[None] / np.float32(255))
    return [float(v) for v in self._measure(x, tf.constant([quality]))]

  def _of_one(self, x: tf.Tensor, quality: tf.Tensor) -> list[tf.Tensor]:
    found = self._task.loss_of(
      x, quality, quantizers.Rounding(), network=self._network
    )
    x_hat = tf.round(tf.clip_by_value(found.x_hat, 0, 1) * 255) / 255
    total = tf.add_n(list(found.bpp.values()))
    return [found.loss[0], total[0], self._psnr.score(x, x_hat)[0]]

  def _jpeg(self) -> bd_rate.Curve:
    """The anchor's curve on the same pictures, measured once."""
    if self._anchor is None:
      codec, points = codecs.get(ANCHOR), []
      for quality in codec.qualities:
        of_all = []
        for picture in self._pictures:
          data = codec.compress(picture, quality=quality)
          errors = codec.decompress(data).astype(float) - picture
          psnr = 20 * np.log10(255) - 10 * np.log10(np.mean(errors**2))
          of_all.append((8 * len(data) / picture[..., 0].size, psnr))
        points.append(np.mean(of_all, axis=0))
      rates, qualities = np.transpose(points).tolist()
      self._anchor = bd_rate.Curve(rates, qualities).between(*SPAN)
    return self._anchor

  def _write(
    self, step: int, loss: float, saved: float, points: np.ndarray
  ) -> None:
    names = [
      f"{what}_{level}"
      for level in range(1, len(points) + 1)
      for what in ("bpp", "psnr")
    ]
    if not (self._path.exists() and self._note.exists()):
      files.write_json(self._note, {"validation": self._what})
    # A run taken up at an older checkpoint measures some steps again.
    rows = [row for at, row in _read(self._path).items() if at < step]
    measured = [f"{value:.4f}" for value in points.ravel()]
    rows.append([str(step), f"{loss:.6f}", f"{saved:.2f}", *measured])
    with (
      files.atomic(self._path) as temporary,
      temporary.open("w", newline="") as file,
    ):
      csv.writer(file, lineterminator="\n").writerows(
        [[*_HEADER, *names], *rows]
      )
    self._show(step, loss, saved)
    try:
      draw(self._path, self._path.with_name(CHART))
    except (ValueError, OSError) as error:
      # A training of days does not end for a picture of its curve.
      logging.warning("%s is not drawn: %s", CHART, error)

  def _show(self, step: int, loss: float, saved: float) -> None:
    """Adds two scalars for TensorBoard."""
    writer = self._writer
    if writer is None:
      folder = self._path.parent / "tensorboard" / "validation"
      writer = tf.summary.create_file_writer(os.fsencode(folder))
      self._writer = writer
    with writer.as_default(step=step):
      for name, value in zip(SCALARS, (loss, saved), strict=True):
        tf.summary.scalar(name, value)
    writer.flush()
