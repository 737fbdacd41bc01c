"""Prints the super-resolution table of Snell et al. beside our own.

    python -m trainers.sr_table --sets=Set5=sr/Set5,Set14=sr/Set14 --out=runs/sr

trains SRCNN with MSE, MAE and two forms of MS-SSIM by the presets, unless that
has been done, scores the networks, and prints whether MS-SSIM wins on SSIM.
With `--models` it scores trained networks instead: a folder that holds
`srcnn_x4_mse`, `srcnn_x4_mae` and `srcnn_x4_ms_ssim`, and of the other forms
those that there are.

Source: Snell, Ridgeway, Liao, Roads, Mozer, Zemel, "Learning to generate images
with perceptual similarity metrics", 2017.
"""

import dataclasses
import math
import pathlib
import sys
from collections.abc import Sequence

from programs import derived_flags, program
from tfpercept import settings
from tfpercept.evaluation.core import score_table
from tfpercept.evaluation.super_resolution import measure as super_resolution
from tfpercept.io import files, folders
from trainers import processes

SCALE = 4
MODELS = {
  "MSE": "srcnn_x4_mse",
  "MAE": "srcnn_x4_mae",
  "MS-SSIM": "srcnn_x4_ms_ssim",
}
"""Networks of the table of the paper."""
FORMS = {"MS-SSIM, mirrored borders": "srcnn_x4_ms_ssim_mirror"}
"""Networks trained with further forms of MS-SSIM."""
PUBLISHED = {
  "Set5": {
    "bicubic": (28.44, 0.8097),
    "MSE": (30.52, 0.8621),
    "MAE": (29.57, 0.8350),
    "MS-SSIM": (30.35, 0.8681),
  },
  "Set14": {
    "bicubic": (26.01, 0.7018),
    "MSE": (27.53, 0.7512),
    "MAE": (26.82, 0.7310),
    "MS-SSIM": (27.47, 0.7610),
  },
  "BSD200": {
    "bicubic": (25.92, 0.6952),
    "MSE": (26.87, 0.7378),
    "MAE": (26.47, 0.7220),
    "MS-SSIM": (26.84, 0.7484),
  },
}
BESIDE = {"B100_half": "BSD200"}
"""Published sets that are not available, by the set printed in their place."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    sets: Test sets, each as NAME=FOLDER.
    out: Folder of the trainings.
    models: Folder of trained networks; None to train them.
    data: Folders of photographs to train on beside those of the presets.
    steps: Number of steps of each training; None for that of the presets.
    turns: Whether the mean of each network over eight turns is scored as well.
    csv: Path of a table of the scores of each picture; None for none.
  """

  sets: tuple[str, ...] = settings.option(
    settings.REQUIRED, "Test sets as NAME=FOLDER,NAME=FOLDER."
  )
  out: str = settings.option("runs/sr_table", "Folder of the trainings.")
  models: str | None = settings.option(
    None, "Folder of trained networks; nothing is trained then."
  )
  data: tuple[str, ...] = settings.option(
    (),
    "Folder of photographs to train on beside those of the presets; may be "
    "repeated.",
    repeated=True,
  )
  steps: int | None = settings.option(
    None,
    "Number of steps of each training; by default that of the presets.",
    least=1,
  )
  turns: bool = settings.option(
    False,
    "Also score the mean of each network over the eight turns and mirrorings "
    "of a picture.",
  )
  csv: str | None = settings.option(
    None, "File to which the scores of each picture are written, as CSV."
  )

  def check(self) -> None:
    if "" in self.named or not all(self.named.values()):
      raise ValueError(
        f"--sets takes NAME=FOLDER,NAME=FOLDER; got {','.join(self.sets)}"
      )

  @property
  def named(self) -> dict[str, str]:
    """The folders of the test sets, by name."""
    return dict(item.partition("=")[::2] for item in self.sets)


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  """Trains missing networks, then prints the table and the result."""
  job = _FLAGS.read()
  if job.csv:
    files.require_writable(job.csv)
  sets = {name: program.home(place) for name, place in job.named.items()}
  pictures = super_resolution.named_pictures(sets)
  folder = pathlib.Path(job.models or job.out).absolute()
  if not job.models:
    folders.require(folder)
    _train(job, folder)
  forms = {m: name for m, name in FORMS.items() if (folder / name).exists()}
  upscalers = {"bicubic": super_resolution.bicubic} | {
    method: super_resolution.load(folder / name, scale=SCALE)
    for method, name in (MODELS | forms).items()
  }
  if job.turns:
    upscalers |= {
      f"{method}, eight turns": super_resolution.turned(upscalers[method])
      for method in MODELS | forms
    }
  table = super_resolution.evaluate(pictures, upscalers, scale=SCALE)
  if job.csv:
    files.write_text(job.csv, score_table.to_csv(table))
  answers = [
    _answer(table, group, method, baseline, spec="ssim")
    for method in ("MS-SSIM", *forms)
    for group in table.groups
    for baseline in ("MSE", "MAE")
  ]
  answers += [
    _answer(table, group, form, "MS-SSIM", spec=spec)
    for form in forms
    for group in table.groups
    for spec in ("psnr", "ssim")
  ]
  print("\n".join([*_markdown(table), "", *answers]))
  if table.failures:
    lines = [f"{name}: {why}" for name, why in table.failures.items()]
    sys.exit("\n".join(["not scored:", *lines]))


def _train(job: Job, out: pathlib.Path) -> None:
  """Trains each network with its preset."""
  # Trainers run where presets name their data, so these need whole paths.
  places = [pathlib.Path(program.home(x)).absolute() for x in job.data]
  more = [f"--data={place}" for place in places]
  more += [f"--steps={job.steps}"] if job.steps else []
  for name in (MODELS | FORMS).values():
    preset = processes.PRESETS / f"{name}.flags"
    processes.train("srcnn", out / name, *more, preset=preset)


def _markdown(table: score_table.Table) -> list[str]:
  """Returns our means and the published ones, a line a set and method."""
  lines = [
    "| set | method | PSNR | SSIM | published PSNR | published SSIM |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
  ]
  for group in table.groups:
    theirs = PUBLISHED.get(BESIDE.get(group, group), {})
    name = f"{group} (published: {BESIDE[group]})" if group in BESIDE else group
    for method in table.methods:
      ours = [table.mean(method, spec, group) for spec in table.specs]
      cells = [_cells(table.specs, v) for v in (ours, theirs.get(method))]
      lines.append(f"| {name} | {method} | {' | '.join(cells)} |")
  return lines


def _cells(specs: Sequence[str], values: Sequence[float] | None) -> str:
  if values is None:
    return " | ".join("" for _ in specs)
  pairs = zip(specs, values, strict=True)
  return " | ".join(score_table.number(spec, value) for spec, value in pairs)


def _answer(
  table: score_table.Table, group: str, method: str, baseline: str, *, spec: str
) -> str:
  """Returns whether a form of MS-SSIM wins over another network on a set."""
  gap = score_table.paired_difference(
    table, spec, method=method, baseline=baseline, group=group
  )
  verdict = "wins" if gap.low > 0 else "loses" if gap.high < 0 else "undecided"
  digits = score_table.DECIMALS.get(spec, 4)
  mean, low, high = (
    f"{value:+.{digits}f}" for value in (gap.mean, gap.low, gap.high)
  )
  interval = (
    f"95 % bootstrap interval {low} to {high}"
    if math.isfinite(gap.low)
    else "no interval"
  )
  unit = " dB" if spec == "psnr" else ""
  return (
    f"- {group}: {method} against {baseline} on {spec.upper()}: {verdict}, "
    f"{mean}{unit} a picture ({interval}, {gap.pictures} pictures)"
  )


if __name__ == "__main__":
  program.start(main)
