"""The demo on packaged photographs: train, score, compress, report, export.

    python -m trainers.demo --out=runs/demo --image=photo.png

Parts that an earlier call with the same settings finished are not done again;
interrupted trainings are resumed.
"""

import dataclasses
import functools
import os
import pathlib
import tempfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import logging

from export import fresh, manifest, saved_model, tflite
from programs import derived_flags, program
from tfpercept import codecs, distances, settings, training
from tfpercept.data import identity, packaged
from tfpercept.evaluation.core import machine, score_table
from tfpercept.evaluation.rate_distortion import side_by_side
from tfpercept.evaluation.super_resolution import measure as super_resolution
from tfpercept.evaluation.super_resolution import page as super_resolution_page
from tfpercept.io import files, folders
from tfpercept.training import precision
from trainers import super_resolution as trainer

LOSSES = ("mse", "ms_ssim")
SERVED = "ms_ssim"
MAP = "ssim"
SCALE = 4
SETTINGS = trainer.Settings(
  data=("packaged",),
  rescale=(1.0, 0.7),
  scale=SCALE,
  patch=176,  # five scales of MS-SSIM need 161
  batch=4,
  model=trainer.Layers(kernels=(9, 1, 5), filters=(64, 32)),
)
CODECS = ('hyperprior(model="photo_mse")', "jpeg")
QUALITY = 4
"""Quality of the learned codec; JPEG takes about as many bits."""
MAX_PIXELS = 4_000_000
"""Most pixels of a picture to upscale; the answer has 16 times as many."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The job.

  Attributes:
    out: Folder for everything.
    image: Path of the picture to upscale; None for a packaged one.
    steps: Number of steps of each training.
    seed: Seed of initial weights and batches.
  """

  out: str = settings.option("runs/demo", "Folder of all results.")
  image: str | None = settings.option(
    None, "Picture to enlarge by 4; by default a packaged one."
  )
  steps: int = settings.option(
    2000, "Number of steps of each training.", least=1
  )
  seed: int = settings.option(0, "Seed of weights and batches.", least=0)


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  """Runs what is left to do."""
  job = _FLAGS.read()
  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel("WARNING")
  if job.image:
    _read(job.image)  # before minutes of work, not after
  out = pathlib.Path(job.out)
  folders.require(out)
  _work(job, out)


def _work(job: Job, out: pathlib.Path) -> None:
  runs = {loss: _run(job, out / loss, loss) for loss in LOSSES}
  page, exported = out / "report.html", out / "exported"
  compressed = out / "compressed"
  served, device = exported / "srcnn" / "1", exported / "srcnn_tflite"
  source = runs[SERVED].out
  for run in runs.values():
    _once(run.out / "model", functools.partial(trainer.train, run))
  _once(compressed, lambda: _compress(compressed))
  _once(page, lambda: _report(runs, compressed, page))
  _once(served, lambda: saved_model.export(source, served.parent))
  _once(device, lambda: tflite.export(source, device))
  answer = _upscale(job.image, served, out)
  print(
    f"\nReport:      {page}\n"
    f"Networks:    {', '.join(str(run.out) for run in runs.values())}\n"
    f"Compressed:  {compressed}; `tfpercept compress` does yours\n"
    f"TensorBoard: tensorboard --logdir={out}\n"
    f"SavedModel:  {served}, {_agreement(served)}\n"
    f"TFLite:      {device}, {_agreement(device)}\n"
    f"Upscaled:    {answer}, by the SavedModel in a process of its own"
  )


def _agreement(folder: pathlib.Path) -> str:
  """Returns the differences that a fresh process found in an export."""
  gaps = [
    f"{name} {gap:.1g}"
    for name, check in manifest.verify(folder)["checks"].items()
    for key, gap in check.items()
    if key in ("max_difference", "tf")
  ]
  return f"reloaded; differs from Keras by {', '.join(gaps)}"


def _run(
  job: Job, out: pathlib.Path, loss: str
) -> training.Run[trainer.Settings]:
  run = training.Run(
    out=out,
    steps=job.steps,
    seed=job.seed,
    loss=loss,
    learning_rate=2e-3,
    interval=max(job.steps // 20, 1),
    settings=SETTINGS,
  )
  run = run.on(data=lambda: identity.of(SETTINGS.data))
  run.claim()
  return run


def _once(path: pathlib.Path, make: Callable[[], object]) -> None:
  """Makes what does not exist yet; each part is written whole or not at all."""
  if path.exists():
    print(f"{path}: there already", flush=True)
    return
  print(f"{path}: making it", flush=True)
  make()


def _compress(folder: pathlib.Path) -> None:
  """Writes the pictures as files of the shipped codec and as JPEG."""
  learned, jpeg = map(codecs.get, CODECS)
  side_by_side.make(folder, packaged.test(), learned, jpeg, quality=QUALITY)


def _report(
  runs: dict[str, training.Run[trainer.Settings]],
  compressed: pathlib.Path,
  page: pathlib.Path,
) -> None:
  """Scores both networks against bicubic and writes the page."""
  networks = {
    f"SRCNN {loss}": super_resolution.load(run.out, scale=SCALE)
    for loss, run in runs.items()
  }
  run = runs[SERVED]
  table = super_resolution_page.write(
    page,
    pictures={"packaged photographs": packaged.test()},
    upscalers={"bicubic": super_resolution.bicubic, **networks},
    scale=SCALE,
    map_spec=MAP,
    logs={loss: run.out / "tensorboard" for loss, run in runs.items()},
    conditions={
      "Network": "SRCNN, kernels 9-1-5, 64 and 32 filters, residual",
      "Trained on": "photographs of scikit-image and scikit-learn",
      "Budget": f"{run.steps} steps of {SETTINGS.batch} crops of "
      f"{SETTINGS.patch}x{SETTINGS.patch} pixels for each loss",
      "Optimizer": f"Adam, peak rate {run.learning_rate:g}, cosine decay",
      "Seed": run.seed,
      "Precision": precision.policy(run.precision),
      **machine.facts(),
    },
    further=[
      side_by_side.section(
        "Compressed",
        compressed,
        packaged.test(),
        (codecs.get(CODECS[0]), codecs.get(CODECS[1])),
        [distances.get("psnr"), distances.get("ms_ssim")],
      )
    ],
  )
  print(score_table.to_text(table))


def _upscale(
  image: str | None, model: pathlib.Path, out: pathlib.Path
) -> pathlib.Path:
  """Enlarges the user's picture in a process that only has the export."""
  if image:
    # Names have 255 bytes at most, and this one gets longer.
    stem = os.fsencode(pathlib.Path(image).stem)
    name, picture = os.fsdecode(stem[:200]), _read(image)
  else:
    name, picture = next(iter(packaged.test().items()))
  target = out / f"{name}_x{SCALE}.png"
  with tempfile.TemporaryDirectory() as work, files.atomic(target) as answer:
    given = pathlib.Path(work) / "given.png"
    files.write_image(given, picture)
    runner = str(fresh.HERE / "run_files.py")
    fresh.run([runner, str(model.absolute()), str(given), str(answer)])
  return target


def _read(path: str) -> np.ndarray:
  picture = files.read_image(path)
  height, width = picture.shape[:2]
  if height * width > MAX_PIXELS:
    raise ValueError(
      f"{path} has {width}x{height} pixels, and would have {SCALE**2} times as "
      f"many; give one of at most {MAX_PIXELS // 1_000_000} megapixels"
    )
  return picture


if __name__ == "__main__":
  program.start(main, also=(training.NonFiniteError,))
