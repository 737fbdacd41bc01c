"""Distances from outside: pairs of pictures in, numbers and maps out."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from export.signatures import base, pictures
from tfpercept import distances, registry, weights
from tfpercept.data import packaged

NAME = "distance"
"""Stands in the manifest of an export in place of a network's name."""
# Relative to the largest output. A reloaded graph may sum in another order;
# the largest difference measured is 4e-7, of ms_ssim.
_TOLERANCE = 1e-5
_MAP_TOLERANCE = 1e-4  # of single pixels; 1.3e-5 measured, of ms_ssim
# For each pixel, besides, where TFLite sums a mean one number after the other:
# mse and mae of photographs of 256x256 to 1024x1024 pixels differed by up to
# 1.3e-9 of the value for each pixel. The bound of the roundings is 1.8e-7.
_SUMMING = 4e-9
_PRECISIONS = ("float32", "float16")
_UNIT = (0.0, 1.0)
_SIDE = 37  # of the examples, unless the distance needs a larger one
_NOISE = 0.1
_VALUE = "distance, 0 when identical, larger is worse"
_WITH_FILES = (1, 3)  # numbers of channels that PNG and JPEG have


class DistanceSignatures(base.Signatures):
  """Signatures of a distance.

  `score`, which is `serving_default` too, takes batches of pairs, `score_png`
  encoded files, and `map` answers error maps. `value` is what the distance
  returns in Python, and `score` the same as papers print it: dB for `psnr`,
  near 1 for `ms_ssim`; for most distances they are equal.

  Sizes are dynamic unless one is given. The number of channels is fixed, since
  convolutions of a distance depend on it.

  Args:
    distance: The distance.
    channels: Number of channels of the pictures.
    used: Names of the weights that it was made with.
    size: Height and width of the only pair that a call takes; None for any
      number of pairs of any size.

  Raises:
    ValueError: if the distance does not take such pictures.
  """

  def __init__(
    self,
    distance: distances.Distance,
    *,
    channels: int = 3,
    used: tuple[str, ...] = (),
    size: tuple[int, int] | None = None,
  ):
    if size is not None:
      distance.validate(*size)
    allowed = distance.channels
    if channels < 1 or channels == 4 or (allowed and channels not in allowed):
      raise ValueError(
        f"{distance.spec} takes pictures of "
        f"{' or '.join(map(str, allowed or ('any number but 4',)))} channels; "
        f"got --channels={channels}"
      )
    super().__init__(
      distance,
      {
        "model": NAME,
        "distance": distance.spec,
        "channels": channels,
        "symmetric": distance.symmetric,
        "better_score": distance.direction,
        "weights_checksum": distance.checksum,
      },
    )
    self.distance, self.channels, self.used = distance, channels, used
    self.size = size

  @property
  def stem(self) -> str:
    spec = self.distance.spec
    return registry.file_names([spec])[spec]

  def sources(self) -> dict[str, base.Source]:
    found = {}
    for name in self.used:
      entry = weights.manifest().get(name)
      folder = weights.PRETRAINED / name
      if entry and entry.shipped:
        stated = base.license_of(folder)  # of the data, too
        if stated == base.NO_LICENSE:
          stated = entry.licence
        found[name] = base.Source(stated, folder)
      else:
        found[name] = base.Source(
          entry.licence if entry else base.NO_LICENSE, None
        )
    return found

  def served(self) -> dict[str, base.Signature]:
    score = self._score()
    served = {"serving_default": score, "score": score}
    if self.channels in _WITH_FILES:
      served["score_png"] = self._score_files()
    return served | {"map": self._map()}

  def on_device(self) -> dict[str, base.Signature]:
    height, width = self._example_size
    summing = _SUMMING * height * width
    return {"score": dataclasses.replace(self._score(), summing=summing)}

  def trials(
    self, name: str
  ) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]]:
    trials: dict[str, tuple[dict[str, np.ndarray], np.ndarray | None]] = {}
    multiple = self.distance.size_multiple
    for case, picture in packaged.test().items():
      size = self.size or [s // multiple * multiple for s in picture.shape[:2]]
      trials[case] = _pair(_cropped(picture, *size)[None], self.channels), None
    return trials

  def _score(self) -> base.Signature:
    def score(reference: tf.Tensor, image: tf.Tensor) -> dict[str, tf.Tensor]:
      return self._answers(reference, image)

    return base.Signature(
      function=score,
      inputs=self._pictures,
      outputs=self._numbers,
      example=self._example,
      tolerance=_TOLERANCE,
      is_relative=True,
      # Kernels of networks are most of a file, and may be stored in half.
      precisions=_PRECISIONS if self.used else _PRECISIONS[:1],
      limits=self._limits,
    )

  def _answers(
    self, reference: tf.Tensor, image: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    value = self.distance(reference, image)
    if type(self.distance).for_score is distances.Distance.for_score:
      score = tf.identity(self.distance.score_of(value))
    else:  # of other images, such as rounded ones
      score = self.distance.score(reference, image)
    return {"value": value, "score": score}

  def _map(self) -> base.Signature:
    shape = (None, None, None)
    return base.Signature(
      function=lambda reference, image: {
        "map": self.distance.map(reference, image)
      },
      inputs=self._pictures,
      outputs={
        "map": base.Tensor("float32", shape, "error of each pixel, 0 or more")
      },
      example=self._example,
      tolerance=_MAP_TOLERANCE,
      is_relative=True,
      limits=self._limits,
    )

  def _score_files(self) -> base.Signature:
    kind = "" if self.channels == 3 else ", grey"
    number = tf.TensorSpec((), tf.float32)

    def score_png(
      reference_bytes: tf.Tensor, image_bytes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
      value, score, status = pictures.each(
        self._score_pair,
        (reference_bytes, image_bytes),
        (number, number, tf.TensorSpec((), tf.string)),
      )
      return {"value": value, "score": score, "status": status}

    meaning = f"{pictures.MEANING}{kind}"
    return base.Signature(
      function=score_png,
      inputs={
        name: base.Tensor("string", (None,), meaning)
        for name in ("reference_bytes", "image_bytes")
      },
      outputs={**self._numbers, "status": pictures.STATUS},
      example=self._example_files(),
      tolerance=_TOLERANCE,
      is_relative=True,
      limits={**pictures.LIMITS, **self._limits},
    )

  def _score_pair(
    self, pair: tuple[tf.Tensor, tf.Tensor]
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns value, score and status of two files."""
    reference, image = map(pictures.read, pair)
    reason = pictures.first(
      (reference.reason != "", ["reference: ", reference.reason]),
      (image.reason != "", ["image: ", image.reason]),
      *self._unfit(tf.shape(reference.image), tf.shape(image.image)),
    )

    def scored() -> tuple[tf.Tensor, tf.Tensor]:
      found = self._answers(
        *(self._batch(one.image) for one in (reference, image))
      )
      return found["value"][0], found["score"][0]

    nan = tf.constant(np.nan)
    value, score = pictures.if_good(reason, scored, (nan, nan))
    return value, score, reason

  def _unfit(
    self, reference: tf.Tensor, image: tf.Tensor
  ) -> list[tuple[tf.Tensor, list[Any]]]:
    """Returns what sizes `[H, W, C]` may be refused for, with the lines."""
    spec, least = self.distance.spec, self.distance.min_size
    multiple = self.distance.size_multiple
    got = ["; got ", image[1], "x", image[0]]
    cases: list[tuple[tf.Tensor, list[Any]]] = [
      (
        tf.reduce_any(reference[:2] != image[:2]),
        [
          "both pictures need one size; the reference has ",
          reference[1],
          "x",
          reference[0],
          " pixels, the image ",
          image[1],
          "x",
          image[0],
        ],
      ),
      (
        tf.reduce_min(image[:2]) < least,
        [f"{spec} needs pictures of at least {least}x{least}", *got],
      ),
      (
        tf.reduce_any(image[:2] % multiple != 0),
        [f"{spec} needs sides that are multiples of {multiple}", *got],
      ),
    ]
    if self.distance.exact_size:
      height, width = self.distance.exact_size
      cases.append(
        (
          tf.reduce_any(image[:2] != [height, width]),
          [f"{spec} needs pictures of exactly {width}x{height}", *got],
        )
      )
    if self.channels == 1:
      cases.append(
        (
          (reference[2] > 1) | (image[2] > 1),
          ["this export takes grey pictures; got one in color"],
        )
      )
    return cases

  def _batch(self, image: tf.Tensor) -> tf.Tensor:
    """Returns a batch of one; grey counts as three equal channels."""
    shape = tf.shape(image)
    wide = tf.broadcast_to(image, [shape[0], shape[1], self.channels])
    return tf.ensure_shape(wide[None], [1, None, None, self.channels])

  @property
  def _pictures(self) -> dict[str, base.Tensor]:
    sides = (1, *self.size) if self.size else (None, None, None)
    shape = (*sides, self.channels)
    return {
      name: base.Tensor("float32", shape, meaning, _UNIT)
      for name, meaning in (
        ("reference", "undistorted pictures"),
        ("image", "pictures to compare with them, of the same shape"),
      )
    }

  @property
  def _numbers(self) -> dict[str, base.Tensor]:
    better = "larger" if self.distance.direction == "max" else "smaller"
    return {
      "value": base.Tensor("float32", (None,), _VALUE),
      "score": base.Tensor(
        "float32", (None,), f"as papers print it; {better} is better"
      ),
    }

  @property
  def _limits(self) -> dict[str, int]:
    return {
      "min_side": self.distance.min_size,
      "side_multiple": self.distance.size_multiple,
    }

  @property
  def _example(self) -> dict[str, np.ndarray]:
    height, width = self._example_size
    batch = np.stack(
      [_cropped(p, height, width) for p in packaged.test().values()]
    )
    return _pair(batch[:1] if self.size else batch, self.channels)

  def _example_files(self) -> dict[str, list[bytes]]:
    """Three pairs of PNG files of unlike sizes; one picture is grey."""
    (height, width), multiple = self._example_size, self.distance.size_multiple
    found: dict[str, list[bytes]] = {"reference_bytes": [], "image_bytes": []}
    exact = self.size or self.distance.exact_size
    for number, picture in enumerate(packaged.test().values()):
      wider = 0 if exact else number * multiple
      pair = _pair(picture[None, :height, : width + wider], self.channels)
      for name, key in (("reference", 0), ("image", 1)):
        samples = np.round(pair[name][0] * 255).astype(np.uint8)
        if key and number == 1:
          samples = samples[..., :1]
        with tf.device("CPU"):
          file = tf.io.encode_png(samples).numpy()
        found[f"{name}_bytes"].append(file)
    return found

  @property
  def _example_size(self) -> tuple[int, int]:
    if exact := self.size or self.distance.exact_size:
      return exact
    least, multiple = self.distance.min_size, self.distance.size_multiple
    height = -(-max(least, _SIDE) // multiple) * multiple
    return height, height + 2 * multiple


def load(
  spec: str, *, channels: int = 3, size: tuple[int, int] | None = None
) -> DistanceSignatures:
  """Returns the signatures of the distance that a spec names.

  Args:
    spec: Spec of the distance, as `distances.get` takes it.
    channels: Number of channels of the pictures.
    size: Height and width of the only pair that a call takes; None for any.

  Raises:
    ValueError: if the spec is none, or the distance takes no such pictures.
    weights.MissingWeights: if its weights cannot be found.
  """
  with weights.recorded() as used:
    distance = distances.get(spec)
  return DistanceSignatures(
    distance, channels=channels, used=tuple(used), size=size
  )


def _cropped(picture: np.ndarray, height: int, width: int) -> np.ndarray:
  """Returns the first rows and columns of a picture, repeated if too few."""
  more = [
    (0, max(side - own, 0))
    for side, own in zip((height, width), picture.shape[:2], strict=True)
  ]
  return np.pad(picture, (*more, (0, 0)), "wrap")[:height, :width]


def _pair(batch: np.ndarray, channels: int) -> dict[str, np.ndarray]:
  """Returns pictures, uint8 `[N, H, W, 3]`, and the same with noise."""
  planes = np.arange(channels) % batch.shape[-1]
  reference = batch[..., planes].astype(np.float32) / np.float32(255)
  noise = np.random.RandomState(0).normal(0, _NOISE, reference.shape)
  image = np.clip(reference + noise, 0, 1).astype(np.float32)
  return {"reference": reference, "image": image}
