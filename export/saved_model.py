"""Exports a trained network as a SavedModel for TF Serving.

    python -m export.saved_model --run=runs/a --out=exported/srcnn

writes `exported/srcnn/1`, after a fresh process has loaded it and answered as
the Keras network does.
"""

import concurrent.futures
import pathlib

import tensorflow as tf
from absl import flags, logging

from export import fresh, manifest, signatures, warm_up
from programs import program
from tfpercept.io import files, folders


def export(
  run: files.PathLike,
  out: files.PathLike,
  version: int = 1,
  *,
  builtin_ops: bool = False,
) -> pathlib.Path:
  """Writes and checks the version folder `out / version`.

  The graph is float32 whatever precision the network was trained in.

  Args:
    run: A finished run folder, or its model folder.
    out: Folder of the model, whose version folders TF Serving watches.
    version: Positive number of the version.
    builtin_ops: Whether to leave out signatures that need a library of ops,
      which stock servers lack.

  Returns:
    The version folder: `saved_model.pb`, `variables/`, warm-up requests in
    `assets.extra/`, `manifest.json`.

  Raises:
    ValueError: if there is no such network, or the version exists already.
    fresh.CheckError: if the reloaded export differs; then nothing is written.
  """
  target = pathlib.Path(out) / str(_free(out, version))
  folders.require(target)
  exported = signatures.load(run)
  served = exported.served()
  if builtin_ops:
    served = {k: s for k, s in served.items() if s.library is None}
  with files.atomic(target) as made, folders.made_plain(made) as folder:
    write_graph(exported, served, folder)
    warm_up.write(folder, exported.manifest["model"], served)
    checks = check(folder, served)
    manifest.write(folder, exported, served, kind="saved_model", checks=checks)
  return target


def _free(out: files.PathLike, version: int) -> int:
  if version < 1:
    raise ValueError(f"a version is a positive number; got {version}")
  if (pathlib.Path(out) / str(version)).exists():
    names = [path.name for path in pathlib.Path(out).iterdir()]
    free = max(int(name) for name in names if name.isdecimal()) + 1
    raise ValueError(
      f"{out} has a version {version}, which servers may be using; give"
      f" --version={free}, or remove it first"
    )
  return version


def write_graph(
  exported: signatures.Signatures,
  served: dict[str, signatures.Signature],
  folder: pathlib.Path,
) -> None:
  """Writes the signatures and the weights, unchecked."""
  module = tf.Module()
  # The variables and not the network: saving fails on what tracks a Keras model
  # with layers that carry functions, such as tfc.GDN.
  module.served_variables = list(exported.network.variables)
  traced = {name: signature.concrete() for name, signature in served.items()}
  tf.saved_model.save(module, str(folder), signatures=traced)


def check(
  folder: pathlib.Path, served: dict[str, signatures.Signature]
) -> dict[str, dict]:
  """Compares each signature, reloaded in a fresh process, with Keras.

  Raises:
    fresh.CheckError: if one can not be reloaded or answers otherwise.
  """
  # Mostly waiting for processes; two at a time, since each holds a TensorFlow.
  libraries = {s.library for s in served.values() if s.library is not None}
  with concurrent.futures.ThreadPoolExecutor(2) as pool:
    answers = pool.map(
      lambda name: fresh.call_saved_model(
        folder, name, served[name], sorted(libraries)
      ),
      served,
    )
    answered = dict(zip(served, answers, strict=True))
  return {
    name: {
      "reloaded_by": fresh.program(signature),
      "max_difference": fresh.difference(
        signature, signature.expected(), answered[name], name=name
      ),
      "tolerance": signature.tolerance,
    }
    for name, signature in served.items()
  }


def main() -> None:
  """Exports the network that the flags name."""
  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel("WARNING")
  given = flags.FLAGS
  folder = export(
    given.run, given.out, given.version, builtin_ops=given.builtin_ops
  )
  for name, check in manifest.verify(folder)["checks"].items():
    print(
      f"{name}: differs from Keras by {check['max_difference']:.2g} in"
      f" {check['reloaded_by']}; {check['tolerance'] or 0:g} is allowed"
    )
  print(f"Exported {folder}")


if __name__ == "__main__":
  # Defined here and not above, so that trainers which import this module keep
  # their own --out.
  flags.DEFINE_string("run", None, "Folder of a finished run.", required=True)
  flags.DEFINE_string(
    "out", None, "Folder of the model, for its versions.", required=True
  )
  flags.DEFINE_integer(
    "version", 1, "Number of the version folder to write.", 1
  )
  flags.DEFINE_bool(
    "builtin_ops", False, "Leave out signatures that need a library of ops."
  )
  program.start(main)
