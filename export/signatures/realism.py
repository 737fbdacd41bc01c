"""A codec and its realism head from outside: streams to likely pictures."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.signatures import base, codec_device, codecs, pictures
from tfpercept import manifests, weights
from tfpercept.codecs.learned import coding_tables, heads, model_ids
from tfpercept.data import packaged
from tfpercept.io import files

_TOLERANCE = 1e-5
_EXAMPLE_STRENGTHS = np.array([1.0, 0.5, 0.0], np.float32)
_SIDE = 64  # of the example for devices


@base.SIGNATURES.register(heads.MODEL)
class RealismSignatures(codecs.CodecSignatures):
  """Signatures of a codec with its realism head.

  Served: all signatures of the codec, unchanged, so that `decompress` answers
  its clients as before, and `decompress_realism`, which takes the strength of
  the head beside each stream.

  On a device: `realism`, the head alone, for decoded latents and faithful
  pictures; the other transforms are those of the codec's own export.

  Args:
    codec: Signatures of the codec.
    head: Network of the head, in float32.
    manifest: Manifest of the head's folder.
  """

  def __init__(
    self,
    codec: codecs.CodecSignatures,
    head: keras.Model,
    manifest: dict[str, Any],
  ):
    super().__init__(codec.network, codec.manifest, codec.graph.kept)
    self.manifest, self.runs = manifest, codec.runs
    self._head = head

  @classmethod
  def of_run(
    cls, run: files.PathLike, network: keras.Model, manifest: dict[str, Any]
  ) -> "RealismSignatures":
    codec = base.load(_codec_of(run))
    assert isinstance(codec, codecs.CodecSignatures)  # by its identity
    return cls(codec, network, manifest)

  def served(self) -> dict[str, base.Signature]:
    meaning = "strength of the realism head; 0 gives the faithful picture"
    realistic = self.decompression(
      lambda stream_bytes, realism: pictures.bytes_and_status(
        self._realistic_file, (stream_bytes, realism), "image_bytes"
      ),
      {"realism": base.Tensor("float32", (None,), meaning, (0.0, 1.0))},
      {"realism": _EXAMPLE_STRENGTHS},
    )
    return {**super().served(), "decompress_realism": realistic}

  def on_device(self) -> dict[str, base.Signature]:
    image = np.stack(
      [picture[:_SIDE, :_SIDE] for picture in packaged.test().values()]
    )
    given = self._inputs(image, np.array([1.0, 2.0, 4.0], np.float32))
    given["strength"] = _EXAMPLE_STRENGTHS
    channels = self.graph.model.latents
    shape = (None, None, None, 3)
    numbers = (1.0, float(self.graph.network.levels))
    return {
      "realism": base.Signature(
        function=self._realistic,
        inputs={
          "y_hat": base.Tensor(
            "float32",
            (None, None, None, channels),
            "decoded latents, scaled back",
          ),
          "x_hat": base.Tensor(
            "float32", shape, "faithful RGB pictures", (0.0, 1.0)
          ),
          "quality": base.Tensor(
            "float32", (None,), "one for each picture", numbers
          ),
          "strength": base.Tensor(
            "float32", (None,), "one for each picture", (0.0, 1.0)
          ),
        },
        outputs={
          "image": base.Tensor("float32", shape, "RGB pictures", (0.0, 1.0))
        },
        example=given,
        tolerance=_TOLERANCE,
        precisions=("float32", "float16"),
      )
    }

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    trials: dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]] = {}
    stride = self.network.stride
    for case, picture in packaged.test().items():
      height, width = (s // stride * stride for s in picture.shape[:2])
      image = picture[None, :height, :width]
      given = self._inputs(image, np.ones(1, np.float32))
      given["strength"] = np.ones(1, np.float32)
      trials[case] = given, image / np.float32(255)
    return trials

  def beside(self) -> dict[str, bytes]:
    return {}

  def _inputs(
    self, image: np.ndarray, quality: np.ndarray
  ) -> dict[str, np.ndarray]:
    found = codec_device.chain(self.graph, image / np.float32(255), quality)
    return {name: found[name] for name in ("y_hat", "x_hat", "quality")}

  def _realistic(
    self,
    y_hat: tf.Tensor,
    x_hat: tf.Tensor,
    quality: tf.Tensor,
    strength: tf.Tensor,
  ) -> dict[str, tf.Tensor]:
    """Returns pictures with what the head adds; arguments by name."""
    added = self._head(y_hat, x_hat, quality, strength)
    image = x_hat + strength[:, None, None, None] * added
    return {"image": tf.clip_by_value(image, 0.0, 1.0)}

  def _realistic_file(
    self, given: tuple[tf.Tensor, tf.Tensor]
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the PNG file of a stream, and why there is none or empty."""
    data, realism = given
    allowed = (realism >= 0.0) & (realism <= 1.0)

    def finish(
      y_hat: tf.Tensor, x_hat: tf.Tensor, quality: tf.Tensor
    ) -> tf.Tensor:
      strength = realism * self._share(quality)

      def realistic() -> tf.Tensor:
        faithful = tf.clip_by_value(x_hat, 0.0, 1.0)
        return self._realistic(y_hat, faithful, quality, strength)["image"]

      return tf.cond(strength[0] > 0.0, realistic, lambda: x_hat)

    reason = pictures.first(
      (tf.logical_not(allowed), ["realism is 0 to 1; got ", realism])
    )
    return pictures.if_good(
      reason, lambda: self.decoded_file(data, finish), ("", reason)
    )

  def _share(self, quality: tf.Tensor) -> tf.Tensor:
    """Returns the share of the strength that is used at qualities `[N]`.

    It is that of `codecs.learned.realism_head`: 1 where the head was trained,
    and less and less up to the largest quality.
    """
    highest, levels = self.manifest["highest"], self.network.levels
    if levels <= highest:
      return tf.ones_like(quality)
    share = (levels - quality) / (levels - highest)
    return tf.clip_by_value(share, 0.0, 1.0)


def _codec_of(run: files.PathLike) -> files.PathLike:
  """Returns the folder or the name of the codec that a head is for.

  Raises:
    ValueError: if it is not here.
  """
  told = heads.read(run)[heads.CODEC]
  for model in (told[heads.NAME], *weights.shipped(), *weights.retired()):
    try:
      manifest = manifests.read(model)
    except ValueError:
      continue  # a path that is on another machine
    if (
      model_ids.codes(manifest)
      and model_ids.identity(manifest).hex() == told[heads.IDENTITY]
      and coding_tables.FILE in manifest["files"]
    ):
      return model
  raise ValueError(
    f"{run} is a head for the codec {told[heads.NAME]}"
    f" ({told[heads.IDENTITY]}), which is not here, and exports hold both; put"
    " the codec's folder where that path points"
  )
