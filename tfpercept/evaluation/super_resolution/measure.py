"""PSNR and SSIM of super-resolution, by the rules of the published tables."""

import pathlib
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import tensorflow as tf

from tfpercept import distances, models
from tfpercept.data import degradations
from tfpercept.evaluation.core import score_table
from tfpercept.io import files
from tfpercept.ops import color, resize, tiling

SPECS = ("psnr", "ssim")
STRIP_PIXELS = 1 << 18  # pixels at once; bounds the memory of features

Upscaler = Callable[[np.ndarray], np.ndarray]
"""Maps bicubically enlarged luma `[H, W, 1]` to sharper luma of that shape."""


def bicubic(enlarged: np.ndarray) -> np.ndarray:
  """The upscaler that leaves the enlarged luma as it is."""
  return enlarged


def load(folder: files.PathLike, *, scale: int) -> Upscaler:
  """Reads a trained network as an upscaler, which computes in float32.

  Args:
    folder: A run folder or a model folder.
    scale: The factor it has to have been trained for.

  Raises:
    ValueError: if there is no model, or one for another task or factor.
  """
  network, manifest = models.load(folder, dtype="float32")
  if manifest.get("scale") != scale:
    trained = (
      f"scale {manifest['scale']}" if "scale" in manifest else "no scale"
    )
    raise ValueError(
      f"{folder} was trained for {trained}, not for scale {scale}; give the "
      "scale of the model"
    )

  def upscale(enlarged: np.ndarray) -> np.ndarray:
    image = tf.constant(enlarged)[None]
    return tiling.map_strips(
      network, image, radius=network.radius, pixels=STRIP_PIXELS
    )[0].numpy()

  return upscale


def turned(upscaler: Upscaler) -> Upscaler:
  """Returns the mean of an upscaler over the eight turns and mirrorings.

  It costs eight times as much. A network whose mean is much better than itself
  has not yet learned what does not depend on them.

  Source: Lim, Son, Kim, Nah, Lee, "Enhanced deep residual networks for single
  image super-resolution", 2017, section 3.4.
  """

  def upscale(enlarged: np.ndarray) -> np.ndarray:
    found = []
    for turns in range(4):
      for mirror in (1, -1):
        one = np.rot90(enlarged[:, ::mirror], turns)
        found.append(np.rot90(upscaler(one.copy()), -turns)[:, ::mirror])
    return np.mean(found, axis=0)

  return upscale


def load_all(
  folders: Iterable[files.PathLike], *, scale: int
) -> dict[str, Upscaler]:
  """Returns bicubic and the networks of some folders, by folder name.

  Folders of the same name are told apart by their paths.

  Raises:
    ValueError: as `load`, or if a folder is given twice.
  """
  named = _names(folders)
  return {"bicubic": bicubic} | {
    name: load(folder, scale=scale) for name, folder in named.items()
  }


def folder_pictures(
  folders: Iterable[files.PathLike],
) -> dict[str, dict[str, pathlib.Path]]:
  """Lists pictures by folder name and file name.

  Folders of the same name are told apart by their paths.

  Raises:
    ValueError: if a folder is missing, holds no picture or is given twice.
  """
  return named_pictures(_names(folders))


def named_pictures(
  folders: Mapping[str, files.PathLike],
) -> dict[str, dict[str, pathlib.Path]]:
  """Lists the pictures of folders by the folders' given names and file name.

  Raises:
    ValueError: if a folder is missing or holds no picture.
  """
  return {
    name: {path.name: path for path in files.list_images(folder)}
    for name, folder in folders.items()
  }


def evaluate(
  pictures: Mapping[str, Mapping[str, files.PathLike | np.ndarray]],
  upscalers: Mapping[str, Upscaler],
  *,
  scale: int,
) -> score_table.Table:
  """Reduces pictures, enlarges them by each method and scores the luma.

  Args:
    pictures: Paths or uint8 `[H, W, 1 or 3]`, by group and name.
    upscalers: The methods by name; see `bicubic` and `load`.
    scale: Factor of the reduction, and width of the border left out.

  Returns:
    Scores of every method on every picture. A picture that cannot be read or
    is too small is listed under `failures` instead.

  Raises:
    ValueError: if `scale` is below 2.
  """
  if scale < 2:
    raise ValueError(
      f"super-resolution needs a scale of 2 or more; got {scale}"
    )
  metrics = {s: distances.get(s, check_range=True) for s in SPECS}
  rows, failures = [], {}
  for group, members in pictures.items():
    for name, picture in members.items():
      try:
        enlarged, target = _pair(picture, scale)
        results = {
          method: _score(metrics, target, upscale(enlarged), border=scale)
          for method, upscale in upscalers.items()
        }
      except ValueError as error:
        failures[f"{group}/{name}"] = str(error)
        continue
      rows += [score_table.Row(group, name, m, s) for m, s in results.items()]
  return score_table.Table(SPECS, tuple(rows), failures)


def reconstruct(
  picture: np.ndarray, upscalers: Mapping[str, Upscaler], *, scale: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
  """Reduces a picture and enlarges it by each method, in colour.

  Luma goes through the method, chroma is enlarged bicubically.

  Args:
    picture: uint8 `[H, W, 1 or 3]`.
    upscalers: The methods by name.
    scale: Factor of the reduction.

  Returns:
    The original cut to multiples of `scale`, and the result of each method,
    uint8 `[H', W', 1 or 3]`.
  """
  original = degradations.crop_to_multiple(picture, scale)
  enlarged, _ = _pair(original, scale)
  results = {}
  for method, upscale in upscalers.items():
    luma = upscale(enlarged)
    if original.shape[-1] == 3:
      luma = _with_chroma(luma, original, scale)
    results[method] = _to_uint8(luma)
  return original, results


def luma_map(spec: str, reference: np.ndarray, image: np.ndarray) -> np.ndarray:
  """Returns a distance's error map of the luma of two pictures.

  Args:
    spec: Spec of the distance.
    reference: The original, uint8 `[H, W, 1 or 3]`.
    image: Distorted picture of the same shape.

  Returns:
    Non-negative float32 `[H, W]`.
  """
  distance = distances.get(spec, check_range=True)
  luma = [degradations.luma(p)[None] for p in (reference, image)]
  return distance.map(*luma)[0].numpy()


def _names(folders: Iterable[files.PathLike]) -> dict[str, pathlib.Path]:
  places = [pathlib.Path(folder) for folder in folders]
  names = [files.resolved(place).name for place in places]
  named = {
    name if names.count(name) == 1 else str(place): place
    for name, place in zip(names, places, strict=True)
  }
  if len({files.resolved(place) for place in places}) < len(places):
    raise ValueError(
      f"a folder is given twice in {', '.join(map(str, places))}"
    )
  return named


def _pair(
  picture: files.PathLike | np.ndarray, scale: int
) -> tuple[np.ndarray, np.ndarray]:
  if not isinstance(picture, np.ndarray):
    picture = files.read_image(picture)
  return degradations.bicubic_pair(degradations.luma(picture), scale)


def _score(
  metrics: Mapping[str, distances.Distance],
  target: np.ndarray,
  image: np.ndarray,
  *,
  border: int,
) -> dict[str, float]:
  """Scores luma `[H, W, 1]`, rounded to 8 bits, without its border."""
  if not np.isfinite(image).all():
    raise ValueError("the upscaler returned NaN or infinity; it is damaged")
  pair = [
    color.round_to_8_bit(tf.constant(a))[None, border:-border, border:-border]
    for a in (target, image)
  ]
  return {
    spec: float(metric.score(*pair)[0]) for spec, metric in metrics.items()
  }


def _with_chroma(
  luma: np.ndarray, original: np.ndarray, scale: int
) -> tf.Tensor:
  """Joins luma `[H, W, 1]` with the degraded chroma of the original."""
  ycbcr = color.rgb_to_ycbcr(tf.constant(original, tf.float32) / 255.0)
  low = resize.imresize(ycbcr[None, ..., 1:], 1.0 / scale)
  chroma = resize.imresize(color.round_to_8_bit(low), float(scale))[0]
  return color.ycbcr_to_rgb(tf.concat([luma, chroma], axis=-1))


def _to_uint8(image: tf.Tensor) -> np.ndarray:
  rounded = color.round_to_8_bit(tf.convert_to_tensor(image))
  return np.round(rounded.numpy() * 255.0).astype(np.uint8)
