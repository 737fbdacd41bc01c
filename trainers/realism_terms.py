"""Which perceptual term serves realism best: trains heads and prints a table.

    python -m trainers.realism_terms --pictures=KODAK --out=runs/realism_terms

trains a realism head for each perceptual term (none, LPIPS, Watson-DFT,
MS-SSIM, NLPD, PIM), without a critic and with one, for equal steps and with
each seed, unless that has been done. All heads decode the same files. The table
judges each by the measures that are not in its loss, among them DISTS, which is
in none, where the weights of its network are; it is printed and written
to `table.txt` and `table.json`, beside `ranking.html`, a page on which people
rank the arms with a critic. If it is killed, the same command resumes it, arm
by arm.
"""

import dataclasses
import json
import pathlib
import sys
from typing import Any

import numpy as np

from programs import derived_flags, program
from tfpercept import distances, manifests, offers, settings, weights
from tfpercept.codecs.learned import learned_codec
from tfpercept.data import identity, sources
from tfpercept.evaluation.core import settings as defaults
from tfpercept.evaluation.ranking import page as ranking_page
from tfpercept.evaluation.ranking import results as ranking_results
from tfpercept.evaluation.ranking import study, study_config
from tfpercept.evaluation.realism import decoders, measure, table, terms
from tfpercept.io import files, folders
from trainers import processes

_CALIBRATION = 8  # pictures on which the weights of terms are found
_CROP = 120  # side of their crops; every term takes it
_JUDGED, _FAITHFUL = "judged.json", "faithful"
_REALISTIC = pathlib.Path("decoded", "t=1")  # pictures by a head, in its folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The table to print.

  Attributes:
    out: Folder of the trainings, the table and the page.
    pictures: Folder of the pictures that the arms are judged on.
    codec: Name or folder of the codec.
    quality: Quality of the files.
    terms: Names of the perceptual terms.
    seeds: Seeds, each of a training of each arm.
    adversarial: Weight of the critic's judgement in the arms that have one.
    preset: Path of the flag file of the trainings.
    data: Photographs of the trainings, in place of those of the preset.
    train: Whether missing heads are trained; otherwise they are left out.
  """

  out: str = settings.option(
    "runs/realism_terms", "Folder of the trainings, the table and the page."
  )
  pictures: str = settings.option(
    settings.REQUIRED, "Folder of the pictures that the arms are judged on."
  )
  codec: str = settings.option(offers.MODEL, "Codec that the heads are for.")
  quality: float = settings.option(2.0, "Quality of the files.", least=1.0)
  terms: tuple[str, ...] = settings.option(
    tuple(terms.TERMS), "Names of the perceptual terms."
  )
  seeds: tuple[int, ...] = settings.option(
    (0, 1), "Seeds; each arm is trained once with each."
  )
  adversarial: float = settings.option(
    0.4, "Weight of the critic's judgement in the arms with one.", least=0.0
  )
  preset: str = settings.option(
    str(processes.PRESETS / "realism_terms.flags"),
    "Flag file of the trainings.",
  )
  data: tuple[str, ...] = settings.option(
    ("packaged",), "Photographs of the trainings; may be repeated.",
    repeated=True,
  )  # fmt: skip
  train: bool = settings.option(
    True, "Train missing heads; otherwise they are left out."
  )

  def check(self) -> None:
    terms.arms(self.terms)  # which may be unknown
    if not self.seeds:
      raise ValueError("--seeds names at least one seed")


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  out = pathlib.Path(job.out).absolute()
  folders.require(out)
  codec = learned_codec.Hyperprior(model=job.codec)
  scales = _weights(job, codec, out / "weights.json") if job.train else {}
  pictures = decoders.by_name(files.list_images(job.pictures))
  specs = _specs()
  faithful = _judged(job, codec, pictures, out / _FAITHFUL, None, specs)
  results = []
  shown = {_FAITHFUL: out / _FAITHFUL / _REALISTIC}
  for arm in terms.arms(job.terms):
    found = []
    for seed in job.seeds:
      folder = out / arm.name / f"seed_{seed}"
      if job.train:
        _train(job, arm, scales[arm.term], seed, folder)
      if processes.is_finished(folder):
        found.append(_judged(job, codec, pictures, folder, folder, specs))
        if arm.has_critic:
          shown.setdefault(arm.name, folder / _REALISTIC)
      elif (folder / "model").exists():
        print(f"{folder}: left out, not trained to its end", file=sys.stderr)
    if found:
      results.append(_result(arm, found))
  _write(out, results, _values(faithful), _sample(job, faithful))
  if len(shown) > 1:
    _write_ranking(out, shown)


def _weights(
  job: Job, codec: learned_codec.Hyperprior, path: pathlib.Path
) -> dict[str, float]:
  """Returns the weight of each term in the loss.

  Each makes the term, of faithful pictures, as large as LPIPS is with a weight
  of 1, so that no arm is stronger by the unit of its distance. They are found
  once for a codec, a quality and data, and kept.
  """
  conditions = {
    "codec": codec.identity.hex(),
    "quality": job.quality,
    "data": [source["files"] for source in identity.of(job.data)],
  }
  kept = _kept(path, conditions)
  if kept is not None and set(job.terms) <= set(kept["weights"]):
    return dict(kept["weights"])
  pairs = []
  for picture in sources.load(job.data)[:_CALIBRATION]:
    crop = np.ascontiguousarray(picture[:_CROP, :_CROP])
    crop = np.broadcast_to(crop, (*crop.shape[:2], 3))
    decoded = codec.decompress(codec.compress(crop, quality=job.quality))
    pairs.append(
      (np.float32(crop[None] / 255), np.float32(decoded[None] / 255))
    )

  def mean(spec: str) -> float:
    distance = distances.get(spec)
    return float(np.mean([distance(*pair).numpy() for pair in pairs]))

  unit = mean("lpips")
  found = {
    name: unit / mean(spec) if spec else 0.0
    for name, spec in terms.TERMS.items()
    if name in job.terms
  }
  files.write_json(path, {"conditions": conditions, "weights": found})
  return found


def _kept(
  path: pathlib.Path, conditions: dict[str, object]
) -> dict[str, Any] | None:
  """Returns what a file holds, None if it was found under other conditions.

  It may hold more distances than are asked for.
  """
  if not path.exists():
    return None
  kept = dict(json.loads(path.read_bytes()))
  wanted, before = (
    dict[str, Any](found) for found in (conditions, kept.get("conditions", {}))
  )
  asked, there = (set(c.pop("distances", ())) for c in (wanted, before))
  return kept if asked <= there and before == wanted else None


def _train(
  job: Job, arm: terms.Arm, weight: float, seed: int, folder: pathlib.Path
) -> None:
  spec = terms.TERMS[arm.term]
  processes.train(
    "realism",
    folder,
    f"--codec={job.codec}",
    f"--loss={spec or 'mse'}",  # which a perceptual weight of 0 leaves out
    f"--perceptual={weight if spec else 0.0:.6g}",
    f"--adversarial={job.adversarial if arm.has_critic else 0.0:g}",
    f"--seed={seed}",
    *(f"--data={name}" for name in job.data),
    preset=job.preset,
  )


def _specs() -> list[str]:
  """Returns the specs of the distances of pairs that judge all arms."""
  specs = ["mse", *filter(None, terms.TERMS.values())]
  try:
    distances.get(terms.OUTSIDE)
  except weights.MissingWeights as error:
    print(f"not judged by {terms.OUTSIDE}: {error}", file=sys.stderr)
    return specs
  return [*specs, terms.OUTSIDE]


def _judged(
  job: Job,
  codec: learned_codec.Hyperprior,
  pictures: dict[str, pathlib.Path],
  folder: pathlib.Path,
  head: pathlib.Path | None,
  specs: list[str],
) -> dict[str, object]:
  """Returns the measures of a head, or of the faithful decoder without one."""
  path = folder / _JUDGED
  conditions = {
    "codec": codec.identity.hex(),
    "head": None if head is None else manifests.read(head)["sha256"],
    "quality": job.quality,
    "pictures": identity.of_paths([job.pictures])[0]["files"],
    "distances": {spec: distances.get(spec).checksum for spec in specs},
  }
  kept = _kept(path, conditions)
  if kept is not None:
    return kept
  print(f"{folder}: judged now", file=sys.stderr, flush=True)
  decode = codec.decompress
  if head is not None:
    decode = learned_codec.Hyperprior(
      model=job.codec, realism=1.0, head=str(head), check=False
    ).decompress
  judged = decoders.judge(
    pictures,
    lambda picture: codec.compress(picture, quality=job.quality),
    {"t=1": decode},
    measure.Judge(specs),
    keep=folder / "decoded",
    shown=0,
  )
  assert judged.bpp is not None  # pictures were coded
  (row,) = table.to_json(judged.rows)
  found = {"conditions": conditions, "bpp": judged.bpp.value, "row": row}
  files.write_json(path, found)
  return found


def _values(judged: dict) -> dict[str, float]:
  return {
    name: float(found["value"])
    for name, found in judged["row"]["measures"].items()
  }


def _result(arm: terms.Arm, judged: list[dict]) -> terms.Result:
  columns = [_values(found) for found in judged]
  return terms.Result(
    arm,
    {name: np.array([c[name] for c in columns]) for name in columns[0]},
    tuple(found["row"]["grid"]["found"] for found in judged),
  )


def _sample(job: Job, faithful: dict) -> str:
  name = terms.REALISM[0]
  return (
    f"Measures of sets are of {faithful['row']['measures'][name]['patches']} "
    f"patches of {faithful['row']['pictures']} pictures, at "
    f"{faithful['bpp']:.3f} bits per pixel, the same files. Seeds: "
    f"{', '.join(map(str, job.seeds))}."
  )


def _write(
  out: pathlib.Path,
  results: list[terms.Result],
  faithful: dict[str, float],
  sample: str,
) -> None:
  text = terms.to_text(results, faithful, sample=sample)
  files.write_text(out / "table.txt", text + "\n")
  files.write_json(out / "table.json", terms.to_json(results, faithful))
  print(text)


def _write_ranking(out: pathlib.Path, shown: dict[str, pathlib.Path]) -> None:
  """Writes a page on which people rank the arms that have a critic."""
  groups = study_config.find(shown, out / _FAITHFUL / "decoded" / "original")
  made = study.make(groups, defaults.Study(checks=min(3, len(groups))))
  page = out / "ranking.html"
  key = page.with_suffix(".key.json")
  ranking_results.require_no_other(
    key,
    made.key["page"],
    f"Move it and {page.name} away, and repeat the command",
  )
  files.write_json(key, made.key)
  ranking_page.write(page, made, defaults.Look())
  print(f"{page}: for people to rank the arms", file=sys.stderr)


if __name__ == "__main__":
  program.start(main)
