"""Exports codecs for the page in `web/`, which shows `.tfp` files.

    python -m export.browser --out=web/dist/models

writes for each codec what it codes with (`NAME.coding`) and its synthesis
(`NAME.tiles`), and `models.json`, which the page reads first. `make web` calls
this program.

LiteRT.js runs networks of fixed sizes only. So the synthesis makes a tile of
the picture, and is converted once for each size of `TILES`. These files are the
same but for some bytes that tell the size, so one is kept, with the bytes of
the others. In `NAME.tiles` all bytes at even places come first, then those at
odd ones: numbers of 16 bits compress better so.
"""

import json
import pathlib
import struct
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags, logging

from export import fresh, tflite
from programs import program
from tfpercept import manifests, models, offers
from tfpercept.codecs.bitstream import header, range_coder
from tfpercept.codecs.learned import coding_tables, model_ids
from tfpercept.io import files, folders
from tfpercept.models.compression import transform_codec, transforms
from tfpercept.ops import codec_constants

FORMAT = "tfpercept-web-1"
TILES = ((16, 16), (32, 48), (48, 32), (48, 48))
"""Rows and columns of latents of a tile. The first one is that of the file, and
the others are told by their difference."""
_ALIGNMENT = 8
_INSIDE = (12, 9)  # rows and columns of the latents of the check
_PRECISION = tflite.PRECISIONS["float16"]


def export(codecs: Sequence[files.PathLike], out: files.PathLike) -> None:
  """Writes a folder with codecs for the page.

  Args:
    codecs: Names or folders of trained codecs. All must be hyperpriors with
      means, of the transforms that come with the package.
    out: New folder.

  Raises:
    ValueError: if a codec is another, or `out` exists already.
    fresh.CheckError: if a fresh process that runs a converted synthesis answers
      otherwise than the network; then nothing is written.
  """
  out = pathlib.Path(out)
  if out.exists():
    raise ValueError(f"{out} exists already; name a new --out, or remove it")
  folders.require(out)
  with files.atomic(out) as made, folders.made_plain(made) as folder:
    listed = [_export_one(codec, folder) for codec in codecs]
    names = [entry["name"] for entry in listed]
    if len(set(names)) < len(names):
      raise ValueError(f"codecs have names of their own; got {names}")
    text = json.dumps({"format": FORMAT, "models": listed})
    files.write_text(folder / "models.json", text + "\n")


def _export_one(codec: files.PathLike, folder: pathlib.Path) -> dict[str, Any]:
  """Writes the files of a codec; returns its entry in the list."""
  network, manifest = models.load(codec)
  if not isinstance(network, transform_codec.TransformCodec):
    raise ValueError(f"{codec} is a {manifest['model']}, which codes nothing")
  laid, kept = coding_tables.load(codec, manifest)
  is_ours = isinstance(network.synthesis, transforms.Synthesis)
  if laid.codec != "hyperprior" or not laid.has_means or not is_ours:
    raise ValueError(
      f"{codec} is a {manifest['model']}; the page shows files of mean-scale "
      "hyperpriors"
    )
  name = _name(codec)
  files.write_bytes(folder / f"{name}.coding", coding_file(kept))
  first, *others = convert(network)
  for tile, made in zip(TILES, (first, *others), strict=True):
    check(network, made, name, tile)
  files.write_bytes(folder / f"{name}.tiles", planes(first))
  differences = {
    tile: difference(first, other)
    for tile, other in zip(_names(), [first, *others], strict=True)
  }
  return {
    "name": name,
    "identity": model_ids.identity(manifest).hex(),
    "codec": header.CODEC_IDS[laid.codec],
    "latents": laid.latents,
    "halo": network.halo,
    "bytes": len(first),
    "tiles": differences,
  }


def _name(codec: files.PathLike) -> str:
  """Returns the name of a codec: that of its folder, or of its run."""
  folder = pathlib.Path(manifests.folder(codec)).resolve()
  return folder.parent.name if folder.name == "model" else folder.name


def convert(network: transform_codec.TransformCodec) -> list[bytes]:
  """Returns the synthesis of each of `TILES` as a `.tflite` file.

  Weights have 16 bits. The one signature of a file takes `y`, float32 `[1, h,
  w, latents]`, `quality` `[1]`, and `inside` `[1, h, w, 1]`, 1 for latents that
  the picture has and 0 for others. It gives `x_hat`, the picture, `[1, 16 h,
  16 w, 3]`, not clipped.

  Args:
    network: Codec network.
  """

  def synthesis(
    y: tf.Tensor, quality: tf.Tensor, inside: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    normal = y / network.deviation
    return {"x_hat": network.synthesis(y, normal, quality, inside)}

  (latents,) = network.deviation.shape
  # By way of a SavedModel, which gives the files a signature.
  module = tf.Module()
  module.served_variables = list(network.variables)
  traced = {
    f"tile_{name}": tf.function(synthesis).get_concrete_function(
      y=tf.TensorSpec([1, *tile, latents], tf.float32, name="y"),
      quality=tf.TensorSpec([1], tf.float32, name="quality"),
      inside=tf.TensorSpec([1, *tile, 1], tf.float32, name="inside"),
    )
    for name, tile in _names().items()
  }
  made = []
  with tempfile.TemporaryDirectory() as graph:
    tf.saved_model.save(module, graph, signatures=traced)
    for name in traced:
      converter = tf.lite.TFLiteConverter.from_saved_model(graph, [name])
      converter.optimizations = list(_PRECISION.optimizations)
      converter.target_spec.supported_types = list(_PRECISION.types)
      made.append(converter.convert())
  return made


def _names() -> dict[str, tuple[int, int]]:
  """Returns the tiles by the names that the page knows them by."""
  return {f"{rows}x{columns}": (rows, columns) for rows, columns in TILES}


def check(
  network: transform_codec.TransformCodec,
  model: bytes,
  name: str,
  tile: tuple[int, int] = TILES[0],
) -> None:
  """Runs the synthesis of a tile in a fresh process.

  Args:
    network: Codec network.
    model: The `.tflite` file.
    name: Name of the codec, for messages.
    tile: Rows and columns of latents that the file takes, one of `TILES`.

  Raises:
    fresh.CheckError: if the part inside of the picture is not what the network
      makes of that part alone.
  """
  random, (rows, columns) = np.random.default_rng(0), _INSIDE
  size = (1, *tile, network.deviation.shape[0])
  y = random.normal(size=size) * network.deviation.numpy()
  inside = np.zeros((*size[:3], 1), np.float32)
  inside[:, :rows, :columns] = 1
  quality = np.array([random.uniform(1, network.levels)], np.float32)
  inputs = {"y": y.astype(np.float32), "quality": quality, "inside": inside}
  expected = network.reconstruct(inputs["y"][:, :rows, :columns], quality)
  with tempfile.TemporaryDirectory() as work:
    path = pathlib.Path(work, f"{name}.tflite")
    path.write_bytes(model)
    np.savez(
      f"{work}/inputs.npz", **{f"one/{key}": x for key, x in inputs.items()}
    )
    program_path = str(fresh.HERE / "run_tflite.py")
    fresh.run([program_path, f"{work}/inputs.npz", work, str(path)])
    with np.load(f"{work}/{name}.npz", allow_pickle=False) as answers:
      answered = answers["one/x_hat"]
  stride = codec_constants.STRIDE
  answered = answered[:, : stride * rows, : stride * columns]
  gap = float(np.abs(answered - expected.numpy()).max())
  if not gap <= _PRECISION.tolerance:
    raise fresh.CheckError(
      f"a tile of {name} differs from the network by {gap:.3g}, more than "
      f"{_PRECISION.tolerance}"
    )


def planes(data: bytes) -> bytes:
  """Returns the bytes at even places, then those at odd ones."""
  return data[::2] + data[1::2]


def difference(first: bytes, other: bytes) -> list[list[int]]:
  """Returns the places and the bytes by which one file differs from another.

  Raises:
    ValueError: if they are not of one length.
  """
  if len(first) != len(other):
    raise ValueError(
      f"tiles of {len(first)} and {len(other)} bytes; the page needs files "
      "that differ in their sizes alone. Export with the pinned TensorFlow."
    )
  ours, theirs = (np.frombuffer(data, np.uint8) for data in (first, other))
  places = np.flatnonzero(ours != theirs)
  return [[int(at), int(theirs[at])] for at in places]


def coding_file(kept: Mapping[str, np.ndarray]) -> bytes:
  """Returns what a codec codes with, in one file.

  Four bytes tell the length of a list in JSON, which follows: names of arrays,
  each with its type, its place in the file and its number of values. Then come
  the arrays, lowest byte first. Of coding tables there are the
  differences of frequencies, modulo 2^16, of all in turn, and the number of
  symbols of each. All integer layers are
  convolutions of 3x3, `told` that of indexes and of means.

  Args:
    kept: Arrays of the codec (`coding_tables.load`).
  """
  names = ["z_offsets", "y_offsets", "index_offsets", "deviation"]
  names += ["log_gain", "log_inverse"]
  arrays = {name: kept[name] for name in names}
  for name in ("hyper_0", "hyper_1"):
    arrays[f"{name}_kernel"] = phases(kept[f"{name}_kernel"])
    for part in ("bias", "shift"):
      arrays[f"{name}_{part}"] = np.tile(kept[f"{name}_{part}"], 4)
  for part in ("kernel", "bias", "shift"):
    both = [kept[f"indexes_{part}"], kept[f"means_{part}"]]
    arrays[f"told_{part}"] = np.concatenate(both, axis=-1)
  for name in ("z", "y", "far"):
    tables = range_coder.Tables(kept[f"{name}_tables"])
    inner = np.ones(len(tables.ends), bool)
    inner[tables.starts[:-1]] = False  # the 0 that each table begins with
    frequencies = np.diff(tables.ends, prepend=0)[inner]
    # Steps from one to the next compress to half, and wrap around.
    steps = np.diff(frequencies, prepend=0)
    arrays[f"{name}_frequencies"] = steps.astype(np.uint16)
    arrays[f"{name}_counts"] = tables.last + 1
  return _packed(arrays)


def phases(kernel: np.ndarray) -> np.ndarray:
  """Returns the convolution of 3x3 that does what a transposed one does.

  Args:
    kernel: Kernel of a transposed convolution of stride 2, `[5, 5, out, in]`.

  Returns:
    `[3, 3, in, 4 out]`: the outputs of even and odd columns of even rows, then
    those of odd rows.
  """
  outputs, inputs = kernel.shape[2:]
  # Phase a of a row sees input j of 3 through row a + 3 - 2 j of the kernel.
  kernel = np.pad(kernel, [[1, 0], [1, 0], [0, 0], [0, 0]])
  kernel = kernel.reshape(3, 2, 3, 2, outputs, inputs)[::-1, :, ::-1]
  kernel = kernel.transpose(0, 2, 5, 1, 3, 4)
  return kernel.reshape(3, 3, inputs, 4 * outputs)


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
  parts = {
    name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    for name, array in arrays.items()
  }
  sizes = [_aligned(part.nbytes) for part in parts.values()]
  places = np.cumsum([0, *sizes]).tolist()

  def listed(start: int) -> bytes:
    return json.dumps(
      {
        name: {"kind": part.dtype.str, "at": start + at, "count": part.size}
        for (name, part), at in zip(parts.items(), places[:-1], strict=True)
      }
    ).encode()

  # Room for places that are longer than those counted from 0.
  start = _aligned(4 + len(listed(0)) + len(str(places[-1])) * len(parts))
  body = b"".join(
    part.tobytes().ljust(size, b"\0")
    for part, size in zip(parts.values(), sizes, strict=True)
  )
  return struct.pack("<I", start - 4) + listed(start).ljust(start - 4) + body


def _aligned(size: int) -> int:
  return -(-size // _ALIGNMENT) * _ALIGNMENT


def main() -> None:
  """Exports the codecs that the flags name."""
  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel("ERROR")
  given = flags.FLAGS
  export(given.model, given.out)
  for path in sorted(pathlib.Path(given.out).iterdir()):
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
  flags.DEFINE_multi_string(
    "model",
    list(offers.shipped("mean_scale_hyperprior")),
    "Name or folder of a codec; may be repeated.",
  )
  flags.DEFINE_string("out", None, "New folder to write.", required=True)
  program.start(main)
