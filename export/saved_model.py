"""Exports a trained network or a distance as a SavedModel for TF Serving.

    python -m export.saved_model --run=runs/a --out=exported/srcnn
    python -m export.saved_model --distance="ssim + mae" --out=exported/loss

writes `exported/srcnn/1`, after a fresh process has loaded it and answered as
the Keras network does.
"""

import pathlib
from typing import Any

import tensorflow as tf
from absl import flags, logging

from export import asked, fresh, graph_ops, manifest, signatures, warm_up
from programs import program
from tfpercept.io import files, folders


def export(
  exported: signatures.Signatures | files.PathLike,
  out: files.PathLike,
  version: int = 1,
  *,
  builtin_ops: bool = False,
) -> pathlib.Path:
  """Writes and checks the version folder `out / version`.

  The graph is float32 whatever precision the network was trained in.

  Args:
    exported: A finished run folder, or its model folder; or signatures, such as
      `signatures.load_distance` returns.
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
  if not isinstance(exported, signatures.Signatures):
    exported = signatures.load(exported)
  served = exported.served()
  if builtin_ops:
    served = {k: s for k, s in served.items() if s.library is None}
    if not served:
      raise ValueError(
        f"no signature of {exported.manifest['model']} does without a library"
        " of ops; leave --builtin_ops out"
      )
  with files.atomic(target) as made, folders.made_plain(made) as folder:
    write_graph(served, folder)
    warm_up.write(folder, exported.manifest["model"], served)
    details: dict[str, Any] = {
      "kind": "saved_model",
      "checks": check(folder, served),
      "ops": graph_ops.report(folder, _libraries(served)),
    }
    manifest.write(folder, exported, served, **details)
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
  served: dict[str, signatures.Signature], folder: pathlib.Path
) -> None:
  """Writes the signatures and the weights that they use, unchecked."""
  # One that has two names is traced once.
  traced = {id(s): s.concrete() for s in served.values()}
  functions = {name: traced[id(s)] for name, s in served.items()}
  module = tf.Module()
  # The variables and not the network: saving fails on what tracks a Keras model
  # with layers that carry functions, such as tfc.GDN. And only those in use:
  # whole numbers stand in for some layers of a codec.
  found = {id(v): v for f in traced.values() for v in f.variables}
  module.served_variables = list(found.values())
  tf.saved_model.save(module, str(folder), signatures=functions)


def _libraries(
  served: dict[str, signatures.Signature],
) -> list[pathlib.Path]:
  return sorted({s.library for s in served.values() if s.library is not None})


def check(
  folder: pathlib.Path, served: dict[str, signatures.Signature]
) -> dict[str, dict]:
  """Compares all signatures, reloaded in a fresh process, with Keras.

  Raises:
    fresh.CheckError: if one cannot be reloaded or answers otherwise.
  """
  answered = fresh.call_saved_model(folder, served, _libraries(served))
  expected = {id(s): s.expected() for s in served.values()}
  return {
    name: {
      "reloaded_by": fresh.PROGRAM,
      "max_difference": fresh.difference(
        signature, expected[id(signature)], answered[name], name=name
      ),
      "tolerance": signature.tolerance,
      "relative": signature.is_relative,
    }
    for name, signature in served.items()
  }


def main() -> None:
  """Exports the network that the flags name."""
  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel("WARNING")
  given = flags.FLAGS
  folder = export(
    asked.signatures_of(given),
    given.out,
    given.version,
    builtin_ops=given.builtin_ops,
  )
  found = manifest.verify(folder)
  for name, check in found["checks"].items():
    share = " of the largest output" if check["relative"] else ""
    print(
      f"{name}: differs from Keras by {check['max_difference']:.2g}{share};"
      f" {check['tolerance'] or 0:g} is allowed"
    )
  beyond = found["ops"]["beyond_tensorflow"]
  if beyond:
    print(f"A server needs these operations linked: {', '.join(beyond)}")
  print(f"Exported {folder}")


if __name__ == "__main__":
  # Defined here and not above, so that trainers which import this module keep
  # their own --out.
  asked.define()
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
