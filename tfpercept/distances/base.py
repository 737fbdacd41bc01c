"""The base class of all distances, and their registry."""

import abc
from collections.abc import Callable
from typing import Any, TypeVar

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

_Class = TypeVar("_Class", bound="type[Distance]")


class Distance(moved.Parameters, abc.ABC):
  """A full-reference measure of two images: embed, compare, pool.

  Images: float `[N, H, W, C]` in [0, 1], channels last.
  Value: `[N]`, 0 when identical, larger is worse. An image's value never
  depends on its neighbors in the batch.

  A subclass states its options as keyword-only arguments of `__init__`, passes
  `**kwargs` on, and makes any weights there with `parameter` (Keras 2.14 cannot
  reload a loss whose weights are made in `build`).

  Distances are made frozen, since a loss that changes its own parameters moves
  them until it is 0. A task that trains one sets `distance.trainable = True`.

  Args:
    check_range: If True, each call refuses NaN and values far outside the
      range: at once, or with `tf.errors.InvalidArgumentError` when the graph
      runs. XLA, with which Keras 3 compiles `fit`, leaves such checks out;
      there the value of the image is NaN. `callbacks.CheckRange` reports the
      same in words everywhere, but reads the first batches only.
    value_range: Lowest and highest value of images, such as (-1, 1), or a
      positive number such as 255 that is the highest, with 0 as the lowest.
      The default is [0, 1]. Images are mapped from this range to [0, 1] once;
      `embed` and later steps see [0, 1] only. With a range, integer images are
      accepted too.
    dtype: Precision of the computation, `"float32"`, or `"float64"` for
      reference work. The Keras precision policy has no effect: the constants of
      most distances vanish in half precision, so inputs are cast up.
    name: Name of the Keras layer.
  """

  registered_name = ""
  """Name in the registry, set by `register`."""

  symmetric = True
  """True if swapping the arguments leaves the value unchanged."""

  likelihood = False
  """True if `training_value` is the negative logarithm of a density of images
  given the reference. Only such a distance can be trained together with the
  network whose loss it is; the value of others would be trained to 0."""

  channels: tuple[int, ...] | None = None
  """Numbers of channels that images may have; None means any but 4 (alpha)."""

  @property
  def exact_size(self) -> tuple[int, int] | None:
    """Height and width that images must have, or None if there is a choice."""
    return None

  copes_with_no_images = False
  """True if the steps take empty batches. Otherwise they never see one."""

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
    """Smallest side that an image may have, in pixels."""
    return 1

  @property
  def support(self) -> int:
    """Largest distance in pixels from a change to its traces in the map.

    The default, half of `min_size`, is for distances whose smallest image is
    one window or filter.
    """
    return self.min_size // 2

  @property
  def size_multiple(self) -> int:
    """Number of pixels of which both sides of an image must be multiples."""
    return 1

  def unseen_share(self, height: int, width: int) -> float:
    """Returns the share of an image, 0 to 1, that hardly counts."""
    del height, width
    return 0.0

  @property
  def locality(self) -> tiling.Locality | None:
    """Geometry by which tiles give exactly the value of the whole picture.

    It exists if `pool` reads only the mean of each map over space. If it is
    None, a picture too large for the memory gets a mean over tiles.
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

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the value of the three steps; a subclass may do so faster."""
    return self.pool(self.compare(self.embed(reference), self.embed(image)))

  @property
  def has_fused(self) -> bool:
    """True if the class overrides `fused`."""
    return type(self).fused is not Distance.fused

  def can_fuse(self, image: tf.Tensor) -> bool:
    """Returns True if `fused` takes such images; the three steps always do."""
    del image
    return self.has_fused

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Places error maps on the picture: `[N, height, width]`.

    The default serves maps that have the size of the picture.
    """
    del height, width
    return tf.add_n([tf.reduce_mean(m, axis=-1) for m in maps])

  def for_score(self, image: tf.Tensor) -> tf.Tensor:
    """Returns images `[N, H, W, C]` for the score, by default unchanged."""
    return image

  def score_of(self, value: tf.Tensor) -> tf.Tensor:
    """Turns values into scores as papers print them, by default the value."""
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
      image: Images to compare with them, of the same shape and range.

    Returns:
      Values `[N]` in the distance's dtype.

    Raises:
      ValueError: on a wrong rank, unequal shapes, integer images or images too
        small. Where a size is unknown until the graph runs, the graph raises
        `tf.errors.InvalidArgumentError` with the same message.
    """
    return self._value(*self._checked(reference, image))

  def __call__(self, reference: Any, image: Any, **kwargs: Any) -> tf.Tensor:
    # Errors are raised here, since Keras repeats those of `call` at length.
    if not any(type(i).__name__ == "KerasTensor" for i in (reference, image)):
      reference, image = self._inspected(reference, image)
    return super().__call__(reference, image, **kwargs)

  def map(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns maps of the difference of images, `[N, H, W]`, not negative."""
    reference, image = self._checked(*self._inspected(reference, image))
    if image.shape[0] == 0:
      return tf.reduce_sum(image - reference, axis=-1)
    return self._of_any_batch(self._map, reference, image)

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    """Returns the value for training this distance's own parameters, `[N]`.

    It is the value itself, unless the distance drops terms at random in
    training or needs a normalization that the value leaves out.

    Args:
      reference: Undistorted images, float `[N, H, W, C]`, as in `call`.
      image: Images to compare with them, of the same shape, as in `call`.
      seed: Seed of all randomness, int32 `[2]`.
    """
    del seed
    return self(reference, image)

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns the present parameters by the names that `weights=` reads.

    A distance without that option returns none.
    """
    return {}

  def score(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the score of each pair as papers print it, such as dB, `[N]`."""
    pair = self._checked(*self._inspected(reference, image))
    return self.score_of(self._value(*map(self.for_score, pair)))

  def watch(self) -> ranges.Watch:
    """Returns a record of the extremes of the references.

    Graphs that were traced before the first call do not write to it.
    """
    if self._watch is None:
      with tf.init_scope():
        self._watch = ranges.Watch()
    return self._watch

  @property
  def direction(self) -> str:
    """`"max"` if a larger score is better, as for PSNR, else `"min"`."""
    with tf.init_scope():
      better, worse = self.score_of(tf.constant([0.1, 0.2], self.compute_dtype))
    return "max" if better > worse else "min"

  @property
  def spec(self) -> str:
    """Canonical spec that `distances.get` turns into this distance.

    If the class is not registered, it is the name of the class, for people.
    """
    if not self.is_registered:
      return type(self).__name__
    return str(DISTANCES.term(self.registered_name, self.get_config()))

  @property
  def is_registered(self) -> bool:
    """True if `distances.get` makes this class from its name.

    A subclass inherits the name, which still stands for the parent.
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
    """Argument of `get` for a range other than [0, 1], with a comma before."""
    return f", value_range={self.value_range}" if self.value_range else ""

  def compute_output_shape(
    self, reference_shape: Any, image_shape: Any = None
  ) -> tuple[int | None]:
    """Returns the shape of the value, `[N]`, for Keras' shape inference."""
    del image_shape
    return (reference_shape[0],)

  def _value(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the value of images that `_checked` returned."""
    if image.shape[0] == 0:  # convolutions refuse it; this sum has gradients
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

  def _of_any_batch(self, step: Callable[..., Any], *pair: Any) -> tf.Tensor:
    copes = self.copes_with_no_images
    return step(*pair) if copes else padding.of_any_batch(step, *pair)

  def _inspected(
    self, reference: Any, image: Any
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the images as tensors, with their values checked if asked for."""
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
    owner = self.spec  # once, since writing a spec takes a while
    takes_integers = self.value_range is not None
    reference = checks.image(
      reference, "reference", owner, takes_integers=takes_integers
    )
    image = checks.image(image, "image", owner, takes_integers=takes_integers)
    checks.same_shape(reference, image, owner)
    if None in (reference.shape[-1], image.shape[-1]):
      # The images have one shape, so a count known of one holds for both.
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


def register(name: str) -> Callable[[_Class], _Class]:
  """Returns a decorator that registers a class here and with Keras."""

  def decorate(cls: _Class) -> _Class:
    cls.registered_name = name
    cls = keras.saving.register_keras_serializable(package="tfpercept")(cls)
    return DISTANCES.register(name)(cls)

  return decorate
