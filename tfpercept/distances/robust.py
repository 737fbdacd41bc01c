"""General and adaptive robust loss."""

import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfpercept import weights as weight_files
from tfpercept.distances.base import Distance, register
from tfpercept.distances.coefficients import Coefficients, checked_size
from tfpercept.ops import checks, numerics, robust, tiling

# softplus is 1 here, which makes latent 0 the initial scale.
_SOFTPLUS_SHIFT = math.log(math.e - 1)

# A bound for losses steeper than the squared error. Their slope is 0 long
# before. The largest rho is near the largest float32, so a sum of more than
# four would overflow; with this bound 3e6 summands fit.
_LARGEST = 1e32


@register("robust")
class Robust(Distance):
  """Mean of Barron's robust loss rho of the residuals of a picture.

  rho is (residual / scale)^2 / 2 near 0. Its shape alpha sets the growth beyond
  the scale: 2 is the squared error, 1 Charbonnier (absolute error), 0 Cauchy,
  -2 Geman-McClure, "-inf" Welsch, which stays below 1.

  With `adaptive=True` each coefficient of the residual has an alpha and a scale
  of its own, and exp(-rho) is the shape of its density. `training_value` is the
  negative log-likelihood then, rho + log(scale) + log Z(alpha), which may be
  negative. Alpha and scale can be trained only on that: without the last two
  terms the scale grows without bound. Those terms do not depend on the images,
  so the distance leaves them out, and its gradient in the images is the same.

  Images: float `[N, H, W, C]` in [0, 1], any size and channels; if adaptive,
  those of `size`.
  Value: `[N]`, mean over coefficients, 0 when identical, bounded for negative
  alpha, and else by 1e32 for alpha above 2. Symmetric.
  Gradient: finite everywhere, 0 at identical images.
  Weights: if adaptive, `latent_alpha` and `latent_scale`, of the shape of the
  coefficients of a picture, 0 at first.

  Args:
    alpha: Shape of the loss: a number, `"inf"` or `"-inf"`. The default is
      Charbonnier, which is convex and does not let outliers dominate.
    scale: Residual at which the quadratic part ends, above 0, in units of the
      image. The default, 25 of 255, lies between noise and edges.
    approximate: If True, computes rho by the authors' fast variant.
    adaptive: If True, each coefficient has its own alpha and scale. Only then
      do the options below have an effect.
    size: Height, width and channels of images.
    color: Color space of the residual: `"YUV"`, or `"RGB"`, which leaves
      channels as they are.
    representation: Transform of the residual: `"CDF9/7"` or `"LeGall5/3"`
      (wavelets), `"dct"` (of the whole picture) or `"pixel"` (none).
    levels: Number of levels of the wavelet, at most ceil(log2) of the shorter
      side.
    scale_base: Factor from a level of the wavelet to the next coarser one.
    alpha_lo: Lower end of alpha, at least 0.
    alpha_hi: Upper end of alpha, at most 1e4; equal ends fix alpha.
    alpha_init: Initial alpha, which `weights` replace; by default the middle of
      the two ends.
    scale_lo: Lower end of the scale, above 0.
    scale_init: Initial scale, at least `scale_lo`; an equal one is fixed.
    weights: Name or path of a file with initial `latent_alpha` and
      `latent_scale`, for `weights.load`. `"adaptive_rgb"` needs
      `representation="dct"` and `czolbe_layout=True`. `"adaptive_gray"` is for
      pictures of three equal channels.
    czolbe_layout: If True, takes channels for rows, a mistake of the program
      that made `adaptive_rgb`; for those weights only.
    reference: If True, the value is the negative log-likelihood, as published,
      which is not 0 at identity.

  Raises:
    ValueError: if an option is out of range or has no effect with this value of
      `adaptive`, or if an image has another size.
    weights.MissingWeights: if `weights` cannot be found.

  Source: Barron, "A general and adaptive robust loss function", 2019, equations
  8 and 14, section 3. Differs from the author's code: 0 at identity unless
  `reference`; one number for an image; finite gradients for every alpha.
  """

  copes_with_no_images = True

  def __init__(
    self,
    *,
    alpha: float | str = 1.0,
    scale: float = 0.1,
    approximate: bool = False,
    adaptive: bool = False,
    size: Sequence[int] = (64, 64, 3),
    color: str = "YUV",
    representation: str = "CDF9/7",
    levels: int = 5,
    scale_base: float = 1.0,
    alpha_lo: float = 0.001,
    alpha_hi: float = 1.999,
    alpha_init: float | None = None,
    scale_lo: float = 1e-5,
    scale_init: float = 1.0,
    weights: str | None = None,
    czolbe_layout: bool = False,
    reference: bool = False,
    **kwargs: Any,
  ):
    super().__init__(**kwargs)
    checks.choice("robust", "approximate", approximate, (False, True))
    checks.choice("robust", "adaptive", adaptive, (False, True))
    checks.choice("robust", "reference", reference, (False, True))
    self.alpha = _checked_alpha(alpha, approximate)
    checks.positive("robust", "scale", scale)
    self.options: dict[str, Any] = {
      "alpha": alpha if checks.is_number(alpha) else str(self.alpha),
      "scale": scale,
      "approximate": approximate,
      "adaptive": adaptive,
      "size": checked_size(size),
      "color": color,
      "representation": representation,
      "levels": levels,
      "scale_base": scale_base,
      "alpha_lo": alpha_lo,
      "alpha_hi": alpha_hi,
      "alpha_init": alpha_init,
      "scale_lo": scale_lo,
      "scale_init": scale_init,
      "weights": checks.path_or_none("robust", "weights", weights),
      "czolbe_layout": czolbe_layout,
      "reference": reference,
    }
    self.scale, self.approximate, self.adaptive = scale, approximate, adaptive
    _check_meaning(self.options)
    self.likelihood = adaptive
    self.coefficients: Coefficients | None = None
    if adaptive:
      sides = self.options["size"]
      self.coefficients = Coefficients(
        sides, color, representation, levels, scale_base, czolbe_layout
      )
      _check_ends(self.options)
      self.channels = self.coefficients.size[2:]
      self._make_latents(self.coefficients.shape)

  @property
  def min_size(self) -> int:
    return min(self.exact_size) if self.exact_size else 1

  @property
  def exact_size(self) -> tuple[int, int] | None:
    if self.coefficients is None:
      return None
    height, width, _ = self.coefficients.size
    return height, width

  @property
  def locality(self) -> tiling.Locality | None:
    return None if self.adaptive else tiling.PIXELS

  def validate(self, height: int | None, width: int | None) -> None:
    wanted = self.exact_size
    if wanted is None:
      super().validate(height, width)
      return
    for side, given in zip(wanted, (height, width), strict=True):
      if given not in (None, side):
        raise ValueError(
          f"{self.spec} needs images of exactly {wanted[0]}x{wanted[1]}, since "
          f"each coefficient has its parameters; got {height}x{width}. Use "
          "crops of that size, or set `size`."
        )

  def embed(self, image: tf.Tensor) -> tf.Tensor:
    if self.coefficients is None:
      return image
    return self.coefficients.transform(image)

  def compare(self, reference: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    return [self._rho(image - reference)]

  def pool(self, maps: list[tf.Tensor]) -> tf.Tensor:
    value = tf.reduce_mean(numerics.spatial_mean(maps[0]), axis=-1)
    return value + self._normalization() if self.options["reference"] else value

  def fused(self, reference: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    # The transform is linear, so one of the difference replaces two.
    return self.pool([self._rho(self.embed(image - reference))])

  def training_value(
    self, reference: tf.Tensor, image: tf.Tensor, seed: tf.Tensor
  ) -> tf.Tensor:
    """Returns the value, or the mean negative log-likelihood if adaptive."""
    del seed
    value = self(reference, image)
    if not self.adaptive or self.options["reference"]:
      return value
    return value + self._normalization()

  def render(
    self, maps: list[tf.Tensor], height: tf.Tensor, width: tf.Tensor
  ) -> tf.Tensor:
    """Lays rho of each coefficient over the pixels that it belongs to."""
    if self.coefficients is None:
      return tf.reduce_mean(maps[0], axis=-1)
    return self.coefficients.place(maps[0])

  def shapes_and_scales(self) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns alpha and scale of each coefficient of an adaptive loss.

    Each has the shape of the coefficients, or is a scalar if it is fixed.
    """
    # The sigmoid keeps alpha between its ends and the softplus keeps the scale
    # above its lower end, for any latent.
    low, high = self.options["alpha_lo"], self.options["alpha_hi"]
    alpha = tf.constant(low, self.compute_dtype)
    if self.latent_alpha is not None:
      latent = tf.convert_to_tensor(self.latent_alpha)
      alpha += (high - low) * tf.sigmoid(latent)
    low, first = self.options["scale_lo"], self.options["scale_init"]
    scale = tf.constant(low, self.compute_dtype)
    if self.latent_scale is not None:
      latent = tf.convert_to_tensor(self.latent_scale)
      scale += (first - low) * tf.nn.softplus(latent + _SOFTPLUS_SHIFT)
    return alpha, scale

  def checkpoint(self) -> dict[str, np.ndarray]:
    """Returns the latents if adaptive, 0 where shape or scale is fixed.

    A file that `numpy.savez` makes of them can be given as `weights=`.
    """
    if self.coefficients is None:
      return {}
    latents = {
      "latent_alpha": self.latent_alpha,
      "latent_scale": self.latent_scale,
    }
    fixed = np.zeros(self.coefficients.shape, self._dtype_name)
    return {
      name: fixed if latent is None else latent.numpy()
      for name, latent in latents.items()
    }

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | dict(self.options)

  def _rho(self, residual: tf.Tensor) -> tf.Tensor:
    if self.adaptive:
      return robust.rho(residual, *self.shapes_and_scales())
    value = robust.rho(
      residual, self.alpha, self.scale, approximate=self.approximate
    )
    # Only a loss steeper than the squared error can overflow in the mean.
    return tf.minimum(value, _LARGEST) if self.alpha > 2 else value

  def _normalization(self) -> tf.Tensor:
    """Returns the mean of log(scale) + log Z(alpha) over coefficients.

    These terms make the densities integrate to 1 (equation 14).
    """
    alpha, scale = self.shapes_and_scales()
    logs = tf.math.log(scale) + robust.log_partition(alpha)
    return tf.reduce_mean(logs)

  def _make_latents(self, shape: tuple[int, ...]) -> None:
    options = self.options
    initial = {"latent_alpha": np.zeros(shape), "latent_scale": np.zeros(shape)}
    low, high = options["alpha_lo"], options["alpha_hi"]
    first = options["alpha_init"]
    # The inverse of the sigmoid in `shapes_and_scales`.
    if first is not None:
      initial["latent_alpha"] += math.log((first - low) / (high - first))
    if options["weights"] is not None:
      initial = _read_latents(options["weights"], shape)
    is_from_file = options["weights"] is not None
    self.latent_alpha = self.latent_scale = None
    if low < high:
      self.latent_alpha = self.parameter(
        "latent_alpha", initial["latent_alpha"], is_from_file=is_from_file
      )
    if options["scale_lo"] < options["scale_init"]:
      self.latent_scale = self.parameter(
        "latent_scale", initial["latent_scale"], is_from_file=is_from_file
      )


def _checked_alpha(alpha: Any, approximate: bool) -> float:
  if isinstance(alpha, str) and alpha in ("inf", "-inf"):
    alpha = float(alpha)
  ends = (math.inf, -math.inf)
  if not (checks.is_number(alpha) or alpha in ends):
    raise ValueError(
      f"robust needs alpha to be a number, 'inf' or '-inf'; got {alpha!r}"
    )
  if approximate and alpha in ends:
    raise ValueError(
      f"robust(approximate=True) needs a finite alpha; got {alpha!r}"
    )
  return alpha


_GENERAL_ONLY = ("alpha", "scale", "approximate")


def _check_meaning(options: dict[str, Any]) -> None:
  """Refuses options without effect, whose caller expected one."""
  parameters = inspect.signature(Robust.__init__).parameters
  for name, value in options.items():
    is_general = name in _GENERAL_ONLY
    idle = name != "adaptive" and is_general == options["adaptive"]
    if idle and value != parameters[name].default:
      raise ValueError(
        f"robust({name}={value!r}) has no effect with "
        f"adaptive={options['adaptive']}; leave one of them out"
      )


def _check_ends(options: dict[str, Any]) -> None:
  """Refuses ends and initial values of alpha and scale in the wrong order."""
  low, high = options["alpha_lo"], options["alpha_hi"]
  if not (_is_within(low, 0, high) and _is_within(high, low, robust.MAX_SHAPE)):
    raise ValueError(
      f"robust needs 0 <= alpha_lo <= alpha_hi <= {robust.MAX_SHAPE:g}; got "
      f"{low!r}, {high!r}"
    )
  first = options["alpha_init"]
  if first is not None and not (checks.is_number(first) and low < first < high):
    raise ValueError(
      f"robust needs alpha_init between alpha_lo and alpha_hi; got {first!r}"
    )
  checks.positive("robust", "scale_lo", options["scale_lo"])
  if not _is_within(options["scale_init"], options["scale_lo"], math.inf):
    raise ValueError(
      f"robust needs scale_init >= scale_lo; got {options['scale_init']!r}"
    )


def _is_within(value: Any, low: float, high: float) -> bool:
  return checks.is_number(value) and low <= value <= high


def _read_latents(source: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
  """Reads latents of any shape with the right count and reshapes them."""
  arrays = weight_files.load(source)
  found = {}
  for name in ("latent_alpha", "latent_scale"):
    # The authors' files have `.robust_loss.adaptive_lossfun.latent_alpha`.
    named = [a for key, a in arrays.items() if key.split(".")[-1] == name]
    if len(named) != 1 or named[0].size != math.prod(shape):
      has = {key: array.shape for key, array in arrays.items()}
      raise ValueError(
        f"robust needs one {name} of {math.prod(shape)} numbers, for "
        f"coefficients of shape {shape}; {source} has {has}"
      )
    found[name] = named[0].reshape(shape)
  return found
