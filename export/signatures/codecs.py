"""The learned codec from outside: pictures in, files out, and back."""

import functools
import importlib.util
import io
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from export.signatures import base, codec_device, codec_graph, pictures
from export.signatures import streams as stream_files
from tfpercept.codecs.learned import coding_tables
from tfpercept.data import packaged
from tfpercept.io import files
from tfpercept.models.compression import transform_codec

# A pixel on the edge between two 8-bit steps may fall either way.
_STEPS = 1.0
# No multiples of a sixteenth.
_EXAMPLE_QUALITIES = np.array([4.3, 1.2, 6.7], np.float32)
_TRIAL_QUALITY = 4.0
_EXAMPLE_SIDES = (64, 128)


class CodecSignatures(base.Signatures):
  """Signatures of the learned codec, whatever its network.

  Served with the range coder, whose ops are in a library of their own:
  `compress` makes `.tfp` files of pictures, `decompress`, `serving_default`
  too, pictures of files. Served of builtin ops: `analysis`, `hyper_synthesis`
  and `synthesis`, for a coder outside; scaling and rounding are within them.

  On a device: `analysis`, `hyper_analysis`, `hyper_synthesis` and `synthesis`,
  bare, and a `context` for each slice that earlier ones tell of. Gains and
  coding tables lie beside them in `coding.npz`.

  Without side information there are no hyper-transforms.

  Args:
    network: Network of the codec, in float32.
    manifest: Manifest of its model folder.
    kept: Arrays of that folder, as `coding_tables.load` returns them.
  """

  def __init__(
    self,
    network: transform_codec.TransformCodec,
    manifest: dict[str, Any],
    kept: Mapping[str, np.ndarray],
  ):
    super().__init__(network, manifest)
    self.graph = codec_graph.CodecGraph(network, manifest, kept)
    # As graphs also where they are called eagerly: what is rounded follows the
    # last bits of sums, and a graph may fuse what makes them.
    self._compress, self._encode = (
      tf.function(
        function,
        input_signature=[
          tf.TensorSpec(shape, tf.uint8),
          tf.TensorSpec(steps, tf.int32),
        ],
        autograph=False,
      )
      for function, shape, steps in (
        (self.graph.compress, (None, None, None), ()),
        (self.graph.encode, (None, None, None, 3), (None,)),
      )
    )

  @classmethod
  def of_run(
    cls,
    run: files.PathLike,
    network: transform_codec.TransformCodec,
    manifest: dict[str, Any],
  ) -> "CodecSignatures":
    _, kept = coding_tables.load(run, manifest)
    return cls(network, manifest, kept)

  def served(self) -> dict[str, base.Signature]:
    decompress = self._decompress()
    served = {
      "serving_default": decompress,
      "compress": self._compress_files(),
      "decompress": decompress,
      "analysis": self._analysis(),
    }
    if self.graph.model.has_side_information:
      served["hyper_synthesis"] = self._hyper_synthesis()
    return served | {"synthesis": self._synthesis()}

  def on_device(self) -> dict[str, base.Signature]:
    image = self._latents["image"].astype(np.float32) / np.float32(255)
    return codec_device.signatures(self.graph, image)

  def beside(self) -> dict[str, bytes]:
    file = io.BytesIO()
    np.savez_compressed(file, **self.graph.kept)
    return {coding_tables.FILE: file.getvalue()}

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    trials = {}
    for case, picture in packaged.test().items():
      height, width = (
        side // self.network.stride * self.network.stride
        for side in picture.shape[:2]
      )
      image = picture[None, :height, :width] / np.float32(255)
      quality = min(_TRIAL_QUALITY, float(self.network.levels))
      values = codec_device.chain(
        self.graph, image, np.array([quality], np.float32)
      )
      inputs, _ = codec_device.ends(self.graph)[name]
      given = {key: values[key] for key in inputs}
      trials[case] = given, image if name == "synthesis" else None
    return trials

  def _compress_files(self) -> base.Signature:
    def one(
      given: tuple[tf.Tensor, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
      contents, quality = given
      step, reason = self.graph.judged_step(quality)
      picture = pictures.read(contents)
      reason = pictures.first(
        (picture.reason != "", [picture.reason]), (reason != "", [reason])
      )
      image = tf.cast(tf.round(picture.image * 255.0), tf.uint8)
      file = pictures.if_good(reason, lambda: self._compress(image, step), "")
      return file, reason

    files, qualities = _example_files(), self._example_qualities
    return base.Signature(
      function=lambda image_bytes, quality: pictures.bytes_and_status(
        one, (image_bytes, quality), "stream_bytes"
      ),
      inputs={
        "image_bytes": base.Tensor("string", (None,), pictures.MEANING),
        "quality": self._quality,
      },
      outputs={
        "stream_bytes": self._files_of_ours,
        "status": pictures.STATUS,
      },
      example={"image_bytes": list(files), "quality": qualities},
      tolerance=None,
      library=_library(),
      limits=pictures.LIMITS,
    )

  def _decompress(self) -> base.Signature:
    return self.decompression(
      lambda stream_bytes: pictures.bytes_and_status(
        self.decoded_file, stream_bytes, "image_bytes"
      )
    )

  def decompression(
    self,
    function: Callable[..., dict[str, tf.Tensor]],
    inputs: Mapping[str, base.Tensor] | None = None,
    example: Mapping[str, np.ndarray] | None = None,
  ) -> base.Signature:
    """Returns a signature from streams to pictures.

    Args:
      function: Function from `stream_bytes`, and further inputs, to
        `image_bytes` and `status`.
      inputs: Types of further inputs, by name.
      example: Further inputs for three streams, by name.
    """
    steps = self.graph.step(tf.constant(self._example_qualities))
    streams = [
      self._compress(tf.io.decode_image(file), step).numpy()
      for file, step in zip(_example_files()[:2], steps, strict=False)
    ]
    streams.append(streams[0])
    png = "8-bit PNG file, grey or RGB as what was compressed"
    return base.Signature(
      function=function,
      inputs={"stream_bytes": self._files_of_ours, **(inputs or {})},
      outputs={
        "image_bytes": base.Tensor("string", (None,), png),
        "status": pictures.STATUS,
      },
      example={"stream_bytes": streams, **(example or {})},
      tolerance=_STEPS,
      library=_library(),
      limits={
        "max_pixels": pictures.MAX_PIXELS,
        "max_bytes": stream_files.MAX_BYTES,
      },
    )

  def decoded_file(
    self, data: tf.Tensor, finish: codec_graph.Finish | None = None
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the PNG file of a stream, and why there is none or empty.

    Args:
      data: Whole stream, a string.
      finish: Function that changes the picture, as of `CodecGraph.decompress`.
    """
    picture, grey, reason = self.graph.decompress(data, finish)

    def encoded() -> tf.Tensor:
      return tf.cond(
        grey,
        lambda: tf.io.encode_png(_mean_of_channels(picture)),
        lambda: tf.io.encode_png(picture),
      )

    return pictures.if_good(reason, encoded, ""), reason

  def _analysis(self) -> base.Signature:
    def analysis(image: tf.Tensor, quality: tf.Tensor) -> dict[str, tf.Tensor]:
      latents = self._encode(image, self.graph.step(quality))
      found = {"z": latents.z, "y": latents.y, "indexes": latents.index}
      return {name: found[name] for name in self._symbols}

    shape, meaning = (None, None, None, 3), "RGB pictures of one size, any"
    return base.Signature(
      function=analysis,
      inputs={
        "image": base.Tensor("uint8", shape, meaning),
        "quality": self._quality,
      },
      outputs=self._symbols,
      example=self._example_of("image", "quality"),
      tolerance=0.0,
    )

  def _hyper_synthesis(self) -> base.Signature:
    # Where slices tell of later ones, a coder calls it once for each slice,
    # with the symbols that it has and anything in place of the others.
    has_slices = len(self.graph.model.slices) > 1
    names = ("z", "y") if has_slices else ("z",)

    def hyper_synthesis(
      quality: tf.Tensor, z: tf.Tensor, y: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
      if y is None:
        ratio, shape = self.graph.model.ratio, tf.shape(z)
        latents = self.graph.model.latents
        y = tf.zeros(
          [shape[0], ratio * shape[1], ratio * shape[2], latents], tf.int32
        )
      step = self.graph.step(quality)
      return {"indexes": self.graph.parameters(z, y, step)[0]}

    return base.Signature(
      function=hyper_synthesis,
      inputs={
        **{name: self._symbols[name] for name in names},
        "quality": self._quality,
      },
      outputs={"indexes": self._symbols["indexes"]},
      example=self._example_of(*names, "quality"),
      tolerance=0.0,
    )

  def _synthesis(self) -> base.Signature:
    names = [name for name in self._symbols if name != "indexes"]

    def synthesis(
      quality: tf.Tensor, y: tf.Tensor, z: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
      return {"image": self.graph.decode(z, y, self.graph.step(quality))}

    shape, meaning = (None, None, None, 3), "RGB pictures, to be cropped"
    return base.Signature(
      function=synthesis,
      inputs={
        **{name: self._symbols[name] for name in names},
        "quality": self._quality,
      },
      outputs={"image": base.Tensor("uint8", shape, meaning)},
      example=self._example_of(*names, "quality"),
      tolerance=_STEPS,
    )

  @property
  def _quality(self) -> base.Tensor:
    ends = (1.0, float(self.network.levels))
    meaning = "one for each picture, in steps of a sixteenth"
    return base.Tensor("float32", (None,), meaning, ends)

  @property
  def _files_of_ours(self) -> base.Tensor:
    return base.Tensor(
      "string",
      (None,),
      f".tfp files of the model {self.graph.identity.hex()}, of at most "
      f"{pictures.MAX_PIXELS} pixels",
    )

  @property
  def _symbols(self) -> dict[str, base.Tensor]:
    """The types of what is coded, in the order of coding."""
    model = self.graph.model
    channels = {"y": model.latents, "indexes": model.latents}
    if model.has_side_information:
      channels = {"z": model.hyper_latents, **channels}
    meanings = {
      "z": "hyper-latents, coded by the table of their channel",
      "y": "latents less their means, coded by the table of their index",
      "indexes": f"of the tables of y, 0 to {model.table_count - 1}",
    }
    return {
      name: base.Tensor("int32", (None, None, None, count), meanings[name])
      for name, count in channels.items()
    }

  @property
  def _example_qualities(self) -> np.ndarray:
    return np.minimum(_EXAMPLE_QUALITIES, np.float32(self.network.levels))

  def _example_of(self, *names: str) -> dict[str, np.ndarray | list[bytes]]:
    values = {**self._latents, "quality": self._example_qualities}
    return {name: values[name] for name in names}

  @functools.cached_property
  def _latents(self) -> dict[str, np.ndarray]:
    """Three pictures and their latents."""
    height, width = _EXAMPLE_SIDES
    image = np.stack(
      [picture[:height, :width] for picture in packaged.test().values()]
    )
    step = self.graph.step(tf.constant(self._example_qualities))
    latents = self._encode(tf.constant(image), step)
    found = {"image": image, "y": latents.y.numpy()}
    if latents.z is not None:
      found["z"] = latents.z.numpy()
    return found


# A codec network is exported by what its entropy model states, so each is
# registered here as soon as it is a network.
for _name in transform_codec.names():
  base.SIGNATURES.register(_name)(CodecSignatures)


def _mean_of_channels(picture: tf.Tensor) -> tf.Tensor:
  total = tf.reduce_sum(tf.cast(picture, tf.int32), axis=-1, keepdims=True)
  return tf.cast((total + 1) // 3, tf.uint8)


@functools.cache
def _example_files() -> tuple[bytes, ...]:
  """Three PNG files of unlike sizes: RGB, grey and 16-bit RGB with alpha."""
  noise = np.random.RandomState(0)
  picture = next(iter(packaged.test().values()))
  drawn = (
    picture[:37, :73],
    picture[:53, :37, :1],
    noise.randint(65536, size=(21, 35, 4), dtype=np.uint16),
  )
  with tf.device("CPU"):
    return tuple(tf.io.encode_png(image).numpy() for image in drawn)


def _library() -> pathlib.Path:
  """Returns the library of the range coder's ops, of TensorFlow Compression."""
  package = importlib.util.find_spec("tensorflow_compression")
  if package is None or not package.submodule_search_locations:
    raise ValueError(
      "exports of learned codecs need TensorFlow Compression: pip install "
      "'tfpercept[compression]'"
    )
  (folder,) = package.submodule_search_locations
  return pathlib.Path(folder) / "cc" / "libtensorflow_compression.so"
