"""Writes a codec in half precision, for a repository or a release.

    python -m trainers.codec_snapshot --run=runs/long/photo_mse \
        --out=trainers/snapshots/photo_mse

The weights are rounded to 8 binary digits and stored in float16. Coding tables,
integer layers and the self-test are those of the rounded weights. The curve of
the training, `validation.csv`, is copied if there is one, and with it the names
and digests of its pictures, `validation.json`. The optimizer is not: a training
that starts from the snapshot warms up again.
"""

import dataclasses
import pathlib

from absl import logging

from programs import derived_flags, program
from tfpercept import manifests, models, settings
from tfpercept.codecs.learned import model_writer
from tfpercept.io import files, folders
from tfpercept.models.compression import transform_codec
from trainers import compression_validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(settings.Settings):
  """The snapshot to write.

  Attributes:
    run: Folder of the run.
    out: Folder of the snapshot.
  """

  run: str = settings.option(
    settings.REQUIRED, "Run folder of a training by trainers.compression."
  )
  out: str = settings.option(
    settings.REQUIRED,
    "Folder to write; an existing snapshot in it is replaced.",
  )


_FLAGS = derived_flags.Flags(Job)


def main() -> None:
  job = _FLAGS.read()
  run, out = pathlib.Path(job.run), pathlib.Path(job.out)
  folders.require(out)
  manifests.require_replaceable(out)
  kind = manifests.read(run)["model"]
  if kind not in transform_codec.names():
    raise ValueError(
      f"{run} holds a {kind}, and a snapshot is of a codec; give the folder of "
      "a run by trainers.compression"
    )
  network, manifest = models.load(run, dtype="float32")
  kept = {key: manifest[key] for key in ("objective", "training")}
  curve = run / compression_validation.FILE
  with files.atomic(out) as temporary:
    model_writer.save(network, temporary, dtype="float16", **kept)
    if curve.exists():
      (temporary / curve.name).write_bytes(curve.read_bytes())
    _copy_note(run, temporary)
  size = sum(path.stat().st_size for path in out.iterdir())
  logging.info("Wrote %.1f MB to %s", size / 1e6, out)


def _copy_note(run: pathlib.Path, out: pathlib.Path) -> None:
  """Copies what says which pictures a curve was measured on, if it is there.

  Of their folders only the names are kept: the rest is of one machine.
  """
  if not (run / compression_validation.NOTE).exists():
    return
  pictures = [
    {**source, "source": pathlib.PurePath(source["source"]).name}
    for source in compression_validation.noted(run)
  ]
  files.write_json(out / compression_validation.NOTE, {"validation": pictures})


if __name__ == "__main__":
  program.start(main)
