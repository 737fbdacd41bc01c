"""The one base class of all distances, and their registry."""

import abc
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import registry
from tfpercept.distances import moved, spellings
from tfpercept.ops import backend, checks, padding, ranges, tiling

backend.require_tensorflow()

DISTANCES = registry.Registry(
  "distance",
  reserved=("check_range", "dtype", "name", "value_range"),
  meant=spellings.MEANT,
)


class Distance(moved.Parameters, abc.ABC):
  """A full-reference measure of two images: embed, compare, pool.

  Images: float `[N, H, W, C]` in [0, 1], channels last.
  Value: `[N]`, 0 when identical, larger is worse. An image's value never
  depends on its neighbors in the batch.

  A subclass states its options as keyword-only arguments of `__init__`, passes
  `**kwargs` on, and makes any weights there with `parameter` (Keras 2.14 cannot
  reload a loss whose weights are made in `build`).

  Distances are made frozen, since a loss that may move itself moves to 0. A
  task that trains one sets `distance.trainable = True`.

  Args:
    check_range: Whether each call refuses values far outside the range and NaN:
      at once, or when the graph runs, with `tf.errors.InvalidArgumentError`.
      XLA, which Keras 3 compiles `fit` with, leaves that out; there the value
      of such an image is NaN. `callbacks.CheckRange` says it in words
      everywhere, and looks at the first batches alone.
    value_range: Lowest and highest value of images, such as (-1, 1), or the
      highest alone above 0, such as 255; [0, 1] by default. Images are mapped
      from there to [0, 1] once, and whole numbers are then taken, too; `embed`
      and what follows know only [0, 1].
    dtype: `"float32"`, or `"float64"` for reference work. The Keras precision
      policy has no say: the constants of most distances vanish in half
      precision, so inputs are cast up.
    name: Keras layer name.
  """

  registered_name = ""
  """Name in the registry, set by `register`."""

  symmetric = True
  """Whether swapping the arguments leaves the value unchanged."""

  likelihood = False
  """Whether `training_value` is the negative logarithm of a density of images
  given the reference. Only such a distance can be trained together with what
  it is the loss of: others would move themselves to 0."""

  channels: tuple[int, ...] | None = None
  """Numbers of channels that images may have; any but 4 (alpha), if None."""

  exact_size: tuple[int, int] | None = None
  """Height and width that images must have, if they must."""

  copes_with_no_images = False
  """Whether the steps take empty batches; others never see one."""

  def __init__(
    self,
    *,
    check_range: bool = False,
    dtype: str | None = None,
    value_range: Any = None,
    name: str | None = None,
    **kwargs: Any,
  ):
    dtype = "float32" if dtype is None else dtype
    if dtype not in ("float32", "float64"):
      raise ValueError(
        f"a distance computes in 'float32' or 'float64'; got {dtype!r}. Images "
        "of lower precision are cast up, so leave dtype at its default."
      )
    kwargs.setdefault("trainable", False)
    super().__init__(dtype=dtype, autocast=False, name=name, **kwargs)
    self.check_range = check_range
    self.value_range = ranges.checked(value_range)
    self._watch: ranges.Watch | None = None
    self._dtype_name = dtype
    self.built = True  # weights, if any, are made in `__init__`

  @property
  def min_size(self) -> int:
    """Smallest allowed side of an image, in pixels."""
    return 1

  @property
  def support(self) -> int:
    """How many pixels beyond a change its trace in the map may reach.

    The default, half of `min_size`, is for distances whose smallest image is
    one window or filter.
    """
    return self.min_size // 2

  @property
  def size_multiple(self) -> int:
    """What both sides of an image must be multiples of."""
    return 1

  @property
  def locality(self) -> tiling.Locality | None:
    """How tiles of a picture give the very value of the whole, if they do.

    Only for a distance whose `pool` sees nothing of a map but its mean over
    space. Of others, a picture too large for the memory gets a mean over tiles.
    """
    return None

  @abc.abstractmethod
  def embed(self, image: tf.Tensor) -> Any:
    """Transforms images `[N, H, W, C]` into features, of any structure."""

  @abc.abstractmethod
  def compare(self, reference: Any, image: Any) -> list[tf.Tensor]:
    """Turns two embeddings into error maps `[N, h, w, C]`, one per band."""

  @abc.abstractmethod
  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    """Reduces error maps to one number for each image, `[N]`."""

  fused = None
  """Optional method `(reference, image) -> [N]` that `call` uses instead of the
  three steps where speed needs to cross them. Both give the same value."""

  def can_fuse(self, image: tf.Tensor) -> bool:
    """Whether `fused` takes images like this one; the three steps always do."""
    del image
    return self.fused is not None

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Places error maps on the picture: `[N, height, width]`.

    The default serves maps that have the size of the picture.
    """
    del height, width
    return tf.add_n([tf.reduce_mean(m, axis=-1) for m in maps])

  def for_score(self, image: tf.Tensor) -> tf.Tensor:
    """Prepares images `[N, H, W, C]` for the score; as they are by default."""
    return image

  def score_of(self, value: tf.Tensor) -> tf.Tensor:
    """Turns values into what papers print; the value itself by default."""
    return value

  def validate(self, height: int | None, width: int | None) -> None:
    """Raises ValueError if images of this static size are too small."""
    sides = [side for side in (height, width) if side is not None]
    if sides and min(sides) < self.min_size:
      raise ValueError(
        f"{self.spec} needs images of at least {self.min_size}x"
        f"{self.min_size}; got {height}x{width}. Use larger images or crops."
      )
    if any(side % self.size_multiple for side in sides):
      raise ValueError(
        f"{self.spec} needs sides that are multiples of {self.size_multiple}; "
        f"got {height}x{width}. Crop or pad the images."
      )

  def call(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the distance of each pair. Final: override the steps instead.

    Args:
      reference: Undistorted images, float `[N, H, W, C]` in [0, 1] or in
        `value_range`.
      image: Images to judge, same shape.

    Returns:
      `[N]` in the distance's dtype.

    Raises:
      ValueError: on a wrong rank, unequal shapes, integer images or images too
        small. Where a size is unknown until the graph runs, so is the error,
        and it is a `tf.errors.InvalidArgumentError` that says the same.
    """
    return self._value(*self._checked(reference, image))

  def __call__(self, reference: Any, image: Any, **kwargs: Any) -> tf.Tensor:
    # What is raised in `call` Keras says again with all of its arguments.
    if not any(type(i).__name__ == "KerasTensor" for i in (reference, image)):
      reference, image = self._inspected(reference, image)
    return super().__call__(reference, image, **kwargs)

  def map(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns where two images differ: `[N, H, W]`, non-negative."""
    reference, image = self._checked(*self._inspected(reference, image))
    if image.shape[0] == 0:
      return tf.reduce_sum(image - reference, axis=-1)
    return self._of_any_batch(self._map, reference, image)

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    """Returns what to train this distance's own parameters on, `[N]`.

    The value itself, unless the distance drops terms at random meanwhile or
    needs a normalization that the value leaves out.

    Args:
      reference: As in `call`.
      image: As in `call`.
      seed: Int32 `[2]`, which all randomness follows from.
    """
    del seed
    return self(reference, image)

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns what a file has to hold for the option `weights`, if any.

    The parameters as they are now, under the names that the option reads; there
    are none by default.
    """
    return {}

  def score(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns what papers print for each pair, `[N]` (PSNR in dB, SSIM...)."""
    pair = self._checked(*self._inspected(reference, image))
    return self.score_of(self._value(*map(self.for_score, pair)))

  def watch(self) -> ranges.Watch:
    """Returns what takes note of the extremes of the references, on request.

    Graphs that were traced before know nothing of it.
    """
    if self._watch is None:
      with tf.init_scope():
        self._watch = ranges.Watch()
    return self._watch

  @property
  def direction(self) -> str:
    """`"max"` if a larger score is better, as PSNR's, or `"min"`."""
    with tf.init_scope():
      better, worse = self.score_of(tf.constant([0.1, 0.2], self.compute_dtype))
    return "max" if better > worse else "min"

  @property
  def spec(self) -> str:
    """The canonical spec that `distances.get` turns into this distance.

    For a class that is not registered, its name, to be read by people only.
    """
    if not self.is_registered:
      return type(self).__name__
    config = self.get_config()
    options = {
      key: config[key]
      for key, default in DISTANCES.options(self.registered_name).items()
      if key in config and not _equal(config[key], default)
    }
    return str(registry.Term(self.registered_name, options))

  @property
  def is_registered(self) -> bool:
    """Whether `distances.get` knows this class by name.

    A subclass inherits the name but is not what it stands for.
    """
    name = self.registered_name
    return name in DISTANCES and DISTANCES.get(name) is type(self)

  def get_config(self) -> dict[str, Any]:
    config = {
      "name": self.name,
      "dtype": self._dtype_name,
      "check_range": self.check_range,
    }
    if self.value_range is not None:
      config["value_range"] = self.value_range
    if self.checksum is not None:
      config["checksum"] = self.checksum
    return config

  def __repr__(self) -> str:
    return f"distances.get({self.spec!r}{self.range_argument})"

  @property
  def range_argument(self) -> str:
    """How calls of `get` say a range other than [0, 1]."""
    return f", value_range={self.value_range}" if self.value_range else ""

  def compute_output_shape(self, reference_shape, image_shape=None):
    """Shape of the value, for Keras' shape inference: `[N]`."""
    del image_shape
    return (reference_shape[0],)

  def _value(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the value of images that `_checked` returned."""
    if image.shape[0] == 0:  # which convolutions refuse; this has gradients
      return tf.reduce_sum(image - reference, axis=[1, 2, 3])
    return self._of_any_batch(self._steps, reference, image)

  def _steps(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    if self.can_fuse(image):
      return self.fused(reference, image)
    return self.pool(self.compare(self.embed(reference), self.embed(image)))

  def _map(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    maps = self.compare(self.embed(reference), self.embed(image))
    shape = tf.shape(image)
    return self.render(maps, shape[1], shape[2])

  def _of_any_batch(self, step, *pair):
    copes = self.copes_with_no_images
    return step(*pair) if copes else padding.of_any_batch(step, *pair)

  def _inspected(
    self, reference: Any, image: Any
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the images as tensors, and looks at their values if asked to."""
    pair = self._of_known_shapes(reference, image)
    if self.check_range:
      for value, argument in zip(pair, ("reference", "image"), strict=True):
        ranges.guard(value, argument, self.spec, self.value_range)
    if self._watch is not None:
      self._watch.see(pair[0])
    return pair

  def _of_known_shapes(
    self, reference: Any, image: Any
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the images as tensors whose static shapes are right."""
    owner = self.spec  # which takes a while to write
    takes_integers = self.value_range is not None
    reference = checks.image(
      reference, "reference", owner, takes_integers=takes_integers
    )
    image = checks.image(image, "image", owner, takes_integers=takes_integers)
    checks.same_shape(reference, image, owner)
    if None in (reference.shape[-1], image.shape[-1]):
      # What one knows, both know.
      count = reference.shape.merge_with(image.shape)[-1]
      shape = [None, None, None, count]
      reference = tf.ensure_shape(reference, shape)
      image = tf.ensure_shape(image, shape)
    checks.channels(image, self.channels, owner)
    self.validate(*image.shape[1:3])
    return reference, image

  def _checked(
    self, reference: tf.Tensor, image: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the images in the distance's dtype and in [0, 1]."""
    reference, image = self._of_known_shapes(reference, image)
    unknown = checks.unknown_until_run(
      reference,
      image,
      min_size=self.min_size,
      size_multiple=self.size_multiple,
      exact_size=self.exact_size,
      channels=self.channels,
      owner=self.spec,
    )
    pair = checks.once_true([reference, image], unknown)
    pair = [tf.cast(i, self.compute_dtype) for i in pair]
    if self.check_range and not tf.executing_eagerly():
      pair = [ranges.marked(i, self.value_range) for i in pair]
    reference, image = (ranges.to_unit(i, self.value_range) for i in pair)
    return reference, image


def _equal(a: Any, b: Any) -> bool:
  """Compares options; a list read back from JSON equals its tuple."""
  if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
    return list(a) == list(b)
  return a == b


def register(name: str):
  """Returns a class decorator: registry, Keras serialization, spec name."""

  def decorate(cls: type[Distance]) -> type[Distance]:
    cls.registered_name = name
    cls = keras.saving.register_keras_serializable(package="tfpercept")(cls)
    return DISTANCES.register(name)(cls)

  return decorate
