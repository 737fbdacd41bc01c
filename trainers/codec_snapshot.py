"""Writes a codec in half precision, as it is kept in a repository or shipped.

    python -m trainers.codec_snapshot --run=runs/long/photo_mse \
        --out=trainers/snapshots/photo_mse

The weights are rounded to 8 binary digits and kept in float16; tables, integer
layers and the digests of the self-test are those of the rounded weights. The
curve of the training, `validation.csv`, goes along where there is one. The
optimiser does not: a training that starts at the snapshot warms up again.
"""

import pathlib

from absl import flags, logging

from programs import program
from tfpercept import models
from tfpercept.codecs.learned import learned_codec as codec
from tfpercept.io import files, folders
from trainers import compression_validation

_RUN = flags.DEFINE_string(
  "run", None, "Run folder of trainers.compression.", required=True
)
_OUT = flags.DEFINE_string(
  "out",
  None,
  "Folder to write; one that is there already is replaced.",
  required=True,
)


def main() -> None:
  run, out = pathlib.Path(_RUN.value), pathlib.Path(_OUT.value)
  folders.require(out)
  found = [path.name for path in out.iterdir()] if out.is_dir() else []
  if found and "manifest.json" not in found:
    raise ValueError(
      f"{out} holds something that is no model, and would be replaced; name "
      "another --out"
    )
  network, manifest = models.load(run, dtype="float32")
  kept = {key: manifest[key] for key in ("objective", "training")}
  curve = run / compression_validation.FILE
  with files.atomic(out) as temporary:
    codec.save(network, temporary, dtype="float16", **kept)
    if curve.exists():
      (temporary / curve.name).write_bytes(curve.read_bytes())
  size = sum(path.stat().st_size for path in out.iterdir())
  logging.info("Wrote %.1f MB to %s", size / 1e6, out)


if __name__ == "__main__":
  program.start(main)
