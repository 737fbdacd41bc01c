"""Exports of tiny networks, written without the check of a fresh process."""

import io
import pathlib

import numpy as np
from PIL import Image

from export import graph_ops, manifest, saved_model, signatures, warm_up
from tests.export import networks
from tfpercept import models


def write(folder: pathlib.Path, version: int = 1, *, seed: int = 0):
  """Writes a version of an export of SRCNN, whose weights follow a seed."""
  run = networks.save_run(folder.parent / f"run_{seed}")
  network, described = models.load(run)
  noise = np.random.default_rng(seed)
  network.set_weights(
    [noise.normal(0, 0.06, w.shape) for w in network.get_weights()]
  )
  models.save(network, run / "model", scale=described["scale"])
  return of(signatures.load(run), folder, version)


def of(exported: signatures.Signatures, folder: pathlib.Path, version: int = 1):
  """Writes a version of an export of signatures; returns its folder."""
  served = exported.served()
  place = folder / str(version)
  saved_model.write_graph(served, place)
  warm_up.write(place, exported.manifest["model"], served)
  libraries = {s.library for s in served.values() if s.library is not None}
  ops = graph_ops.report(place, libraries)
  manifest.write(place, exported, served, kind="saved_model", ops=ops)
  return place


def png(seed: int, *shape: int) -> bytes:
  """A PNG file of noise."""
  pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
  file = io.BytesIO()
  Image.fromarray(pixels).save(file, "PNG")
  return file.getvalue()


def files(*contents: bytes) -> dict[str, np.ndarray]:
  """Inputs of a signature that takes pictures as files."""
  return {"image_bytes": np.array(contents, np.object_)}
