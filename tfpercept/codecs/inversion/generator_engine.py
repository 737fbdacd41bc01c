"""Runs generators for the codec: latents to pictures, and the search."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.codecs.inversion import latent_search
from tfpercept.io import files
from tfpercept.models.generators import base as generators

_STEPS = 300
_SMALLEST = 11  # side of the window of MS-SSIM

SearchFor = Callable[..., list[latent_search.Found]]


class Engine:
  """A generator in float32.

  Args:
    model: Run folder, model folder or name of the model.
    latents: Length of the latent vector by the model's coding tables.

  Raises:
    ValueError: if the model is no generator, or has other latents.
  """

  def __init__(self, model: files.PathLike, latents: int):
    network, _ = models.load(model, dtype="float32")
    if not isinstance(network, generators.LatentGenerator):
      raise ValueError(
        f"{model} holds a {network.registered_name}, which is no generator"
      )
    if network.latent != latents:
      raise ValueError(
        f"{model} has tables for {latents} latents; its generator has "
        f"{network.latent}"
      )
    self._network = network

    @tf.function(
      input_signature=[
        tf.TensorSpec([None, latents], tf.float32),
        tf.TensorSpec([], tf.float32),
      ]
    )
    def decode(z: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
      return network.decode(z, step)

    self._decode = decode

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """Height, width and channels of the generator's pictures."""
    return self._network.image_shape

  def decode(self, z: np.ndarray, step: float) -> np.ndarray:
    """Returns pictures, float32 `[N, H, W, C]`, of latents `[N, latent]`."""
    return self._decode(z, tf.constant(step, tf.float32)).numpy()

  def default_steps(self) -> int:
    """Returns the steps of a search by default: 0 where there is an encoder."""
    blank = tf.zeros([1, *self._network.image_shape])
    return _STEPS if self._network.encode(blank) is None else 0

  def search(
    self,
    *,
    steps: int,
    restarts: int,
    objective: str | None,
    seconds: float | None,
    target: float | None,
    seed: int,
  ) -> SearchFor:
    """Returns a function that finds the symbols of pictures.

    The function takes pictures, float32 `[N, H, W, C]` in [0, 1], the quantizer
    step, the limits of symbols and the rule of rounding as
    `latent_search.Search` does, and `progress` and `keep`.

    Args:
      steps: Number of steps.
      restarts: Number of starts.
      objective: Spec of the distance; None takes MS-SSIM with MAE.
      seconds: Most seconds, or None.
      target: Value of the objective to stop at, or None.
      seed: Seed of the starts.

    Raises:
      ValueError: if an option is out of range, or the distance does not suit
        the size of the pictures.
    """
    shape = self._network.image_shape
    budget = latent_search.Budget(steps, restarts, seconds, target)
    distance = distances.get(objective or _objective(shape[0]))
    distance.validate(shape[0], shape[1])

    def search(
      x: np.ndarray,
      step: float,
      limits: tuple[np.ndarray, np.ndarray],
      rounded: Callable[[np.ndarray], np.ndarray],
      *,
      progress: latent_search.Progress | None = None,
      keep: tuple[int, ...] = (),
    ) -> list[latent_search.Found]:
      return latent_search.Search(
        self._network, distance, budget, seed=seed, progress=progress, keep=keep
      )(x, step, limits, rounded)

    return search


def _objective(side: int) -> str:
  """Returns MS-SSIM with MAE, with as many scales as fit."""
  scales = (side // _SMALLEST).bit_length()
  return f"0.84*ms_ssim(scales={scales}) + 0.16*mae"
