"""Writes a model repository for Triton from exports.

    python -m serving.triton --exports=exported --repository=repository

A repository in use takes new versions: run it again after an export, and the
server loads the latest within seconds and drops no request. `python -m
serving.triton_server` starts a server.
"""

import pathlib

from absl import flags

from programs import program
from serving import exports_flag, model_repository
from tfpercept.io import files


def main() -> None:
  """Adds what the flags name to the repository."""
  given = flags.FLAGS
  exports = exports_flag.read()
  repository = pathlib.Path(given.repository)
  if repository.resolve() == pathlib.Path(given.exports).resolve():
    raise ValueError("--repository is another folder than --exports")
  files.require_writable_folder(repository)
  batching = model_repository.Batching(
    given.largest_batch, given.delay, given.processes
  )
  known: set[str] = set()
  wrong: list[str] = []
  added = 0
  for name, places in exports.items():
    for place in places:
      try:
        known |= model_repository.signatures(place).keys()
        for model in model_repository.add(
          name,
          place,
          repository,
          wanted=given.signatures,
          batching=batching,
        ):
          print(f"Added version {place.name} of {model}")
          added += 1
      except ValueError as error:  # the others are wanted
        wrong.append(str(error))
  if not added:
    print(f"{repository} has nothing new")
  if missing := set(given.signatures) - known:
    wrong.append(
      f"no export has a signature {', '.join(sorted(missing))}; there are"
      f" {', '.join(sorted(known))}"
    )
  if wrong:
    raise ValueError("; ".join(wrong))


if __name__ == "__main__":
  exports_flag.define()
  flags.DEFINE_string(
    "repository", None, "Folder of the model repository.", required=True
  )
  flags.DEFINE_list(
    "signatures",
    [],
    "Names of the signatures to serve; by default those that take files, and"
    " of an export without such the default one.",
  )
  flags.DEFINE_integer(
    "largest_batch", 16, "Most elements of a batch; 0 for no batching.", 0
  )
  flags.DEFINE_integer(
    "delay", 2000, "Longest wait for a fuller batch, in microseconds.", 0
  )
  flags.DEFINE_integer("processes", 1, "Processes of each model.", 1)
  program.start(main)
