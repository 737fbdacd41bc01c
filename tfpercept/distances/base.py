"""The one base class of all distances, and their registry."""

import abc
from typing import Any

import keras
import tensorflow as tf

from tfpercept import registry
from tfpercept.ops import checks

DISTANCES = registry.Registry(
  "distance", reserved=("check_range", "dtype", "name")
)

# How far outside [0, 1] a value may lie before `check_range` objects: an
# unclipped prediction overshoots a little, a 0..255 image by far more.
RANGE_MARGIN = 0.1


class Distance(keras.layers.Layer, abc.ABC):
  """A full-reference measure of two images: embed, compare, pool.

  Images: float `[N, H, W, C]` in [0, 1], channels last.
  Value: `[N]`, 0 when identical, larger is worse. An image's value never
  depends on its neighbours in the batch.

  A subclass states its options as keyword-only arguments of `__init__`, passes
  `**kwargs` on, and creates any weights there (Keras 2.14 cannot reload a loss
  whose weights are made in `build`).

  Args:
    check_range: Whether eager calls refuse values far outside [0, 1] and NaN.
    dtype: `"float32"`, or `"float64"` for reference work. The Keras precision
      policy has no say: the constants of most distances vanish in half
      precision, so inputs are cast up.
    name: Keras layer name.
  """

  registered_name = ""
  """Name in the registry, set by `register`."""

  symmetric = True
  """Whether swapping the arguments leaves the value unchanged."""

  def __init__(
    self,
    *,
    check_range: bool = False,
    dtype: str | None = None,
    name: str | None = None,
    **kwargs: Any,
  ):
    dtype = "float32" if dtype is None else dtype
    if dtype not in ("float32", "float64"):
      raise ValueError(
        f"a distance computes in 'float32' or 'float64'; got {dtype!r}. Images "
        "of lower precision are cast up, so leave dtype at its default."
      )
    super().__init__(dtype=dtype, autocast=False, name=name, **kwargs)
    self.check_range = check_range
    self._dtype_name = dtype
    self.built = True  # weights, if any, are made in `__init__`

  @property
  def min_size(self) -> int:
    """Smallest allowed side of an image, in pixels."""
    return 1

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

  def call(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the distance of each pair. Final: override the steps instead.

    Args:
      reference: Undistorted images, float `[N, H, W, C]` in [0, 1].
      image: Images to judge, same shape.

    Returns:
      `[N]` in the distance's dtype.

    Raises:
      ValueError: on a wrong rank, unequal shapes, integer images or images too
        small. Where a size is unknown until the graph runs, the check becomes a
        graph assertion (`tf.errors.InvalidArgumentError`); under
        `jit_compile=True` with unknown sizes nothing checks it, since XLA drops
        assertions.
    """
    reference, image = self._checked(reference, image)
    if self.can_fuse(image):
      return self.fused(reference, image)
    return self.pool(self.compare(self.embed(reference), self.embed(image)))

  def map(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns where two images differ: `[N, H, W]`, non-negative."""
    reference, image = self._checked(reference, image)
    maps = self.compare(self.embed(reference), self.embed(image))
    shape = tf.shape(image)
    return self.render(maps, shape[1], shape[2])

  def score(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns what papers print for each pair, `[N]` (PSNR in dB, SSIM...)."""
    return self.score_of(self(reference, image))

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
    """Whether `distances.get` knows this class by name."""
    return self.registered_name in DISTANCES

  def get_config(self) -> dict[str, Any]:
    return {
      "name": self.name,
      "dtype": self._dtype_name,
      "check_range": self.check_range,
    }

  def compute_output_shape(self, reference_shape, image_shape=None):
    """Shape of the value, for Keras' shape inference: `[N]`."""
    del image_shape
    return (reference_shape[0],)

  def _checked(
    self, reference: tf.Tensor, image: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    reference = checks.image(reference, "reference", self.spec)
    image = checks.image(image, "image", self.spec)
    checks.same_shape(reference, image, self.spec)
    self.validate(*image.shape[1:3])
    if self.check_range and tf.executing_eagerly():
      checks.value_range(reference, "reference", self.spec, RANGE_MARGIN)
      checks.value_range(image, "image", self.spec, RANGE_MARGIN)
    guards = checks.dynamic_size(reference, image, self.min_size, self.spec)
    with tf.control_dependencies(guards):
      dtype = self.compute_dtype
      return tf.cast(reference, dtype), tf.cast(image, dtype)


def _equal(a: Any, b: Any) -> bool:
  """Compares options; a list read back from JSON equals its tuple."""
  if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
    return list(a) == list(b)
  return a == b


def register(name: str):
  """Returns a class decorator: registry, Keras serialisation, spec name."""

  def decorate(cls: type[Distance]) -> type[Distance]:
    cls.registered_name = name
    cls = keras.saving.register_keras_serializable(package="tfpercept")(cls)
    return DISTANCES.register(name)(cls)

  return decorate
