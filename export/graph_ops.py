"""Which operations a SavedModel consists of."""

import importlib.metadata
import pathlib
from collections.abc import Collection
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def names(folder: pathlib.Path) -> set[str]:
  """Returns the names of all operations in the graph of a SavedModel.

  Args:
    folder: Folder that has `saved_model.pb`.
  """
  saved = saved_model_pb2.SavedModel()
  saved.ParseFromString((folder / "saved_model.pb").read_bytes())
  found: set[str] = set()
  for meta in saved.meta_graphs:
    library = meta.graph_def.library.function
    functions = {function.signature.name for function in library}
    for nodes in (meta.graph_def.node, *(f.node_def for f in library)):
      found |= {node.op for node in nodes} - functions
  return found


def report(
  folder: pathlib.Path, libraries: Collection[pathlib.Path]
) -> dict[str, Any]:
  """Returns what a server must have linked, as JSON values.

  Args:
    folder: Folder that has `saved_model.pb`.
    libraries: Libraries of ops that its signatures need.
  """
  every = sorted(names(folder))
  beyond = [name for name in every if not hasattr(tf.raw_ops, name)]
  found: dict[str, Any] = {"beyond_tensorflow": beyond, "all": every}
  if libraries:
    version = importlib.metadata.version("tensorflow-compression")
    found["libraries"] = {
      path.name: f"of tensorflow-compression {version}"
      for path in sorted(libraries)
    }
  return found
