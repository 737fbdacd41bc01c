"""Parts of TID2013: six genuine images, and a hundred made by its recipe.

Source: Ponomarenko et al., "Image database TID2013: peculiarities, results and
perspectives", 2015. The opinions are those on the images of TID2013. The images
of `resynthesized` are not TID2013's own; they are made in the same way.
"""

import collections
import functools
import io
import pathlib
from typing import Any

import numpy as np

from tfpercept import extras
from tfpercept.data import csv_tables
from tfpercept.data.judgements import (
  Judgement,
  Judgements,
  Picture,
  checked,
  picture,
  read_rgb,
)
from tfpercept.io import files
from tfpercept.ops import color

# Name in TID2013 of each calibration pair of IQA-PyTorch, found from the
# pixels. I08 is a block-wise distortion of unknown level, so it has no opinion.
_CALIBRATION = {
  "I03": "i03_11_5",
  "I04": "i04_18_5",
  "I06": "i06_18_3",
  "I19": "i19_10_5",
}
# Range of the parameter by kind. Beyond it pictures are black or white, and
# making them may take any time and memory.
_PARAMETERS = {
  1: (0.0, 1e3),
  8: (0.0, 1e2),
  10: (1.0, 1e2),
  11: (1.0, 1e4),
  18: (-1e2, 1e2),
}
_MAX_SEED = 2**32 - 1  # largest seed of NumPy's generator
# Full-reference metrics computed by their authors' programs, and the sign that
# makes them distances.
_OFFICIAL = {
  "psnr": -1,
  "ssim": -1,
  "ms_ssim": -1,
  "fsim": -1,
  "vif": -1,
  "vsi": -1,
  "gmsd": 1,
  "mad": 1,
  "nlpd": 1,
  "lpips": 1,
  "dists": 1,
}


def resynthesized(folder: files.PathLike) -> Judgements:
  """Reads `recipe.csv`: distortions of TID2013 made again, with its opinions.

  They are noise, blur, JPEG, JPEG2000 and saturation at five levels. References
  are looked up in `../tid2013_calibration/ref` and `../tid_genuine`. Pictures
  are made each time they are read, always the same, which needs Pillow and
  SciPy.

  Raises:
    ValueError: if the recipe is missing, damaged or has no usable row.
  """
  folder = pathlib.Path(folder)
  items, failures = [], {}
  columns = ("tid2013_image", "reference", "type", "parameter", "seed", "mos")
  rows = csv_tables.read(folder / "recipe.csv", columns)
  names = [row.cells.get("tid2013_image", "").lower() for row in rows]
  counts = collections.Counter(names)
  for row, folded in zip(rows, names, strict=True):
    name = row.cells.get("tid2013_image") or f"line {row.line}"
    try:
      if counts[folded] > 1 and not row.fault:
        name = f"{name}, line {row.line}"
        raise ValueError("it is in the recipe twice")
      path = _reference(folder, row["reference"])
      kind, parameter = row.whole("type"), row.number("parameter")
      make = functools.partial(
        distorted,
        path,
        kind=_known(kind, parameter),
        parameter=parameter,
        seed=row.whole("seed", most=_MAX_SEED),
      )
      mos = row.number("mos")
    except ValueError as error:
      failures[name] = str(error)
      continue
    image = Picture(f"{folder}/{name}", make)
    items.append(
      Judgement(name, row["reference"], picture(path), (image,), mos)
    )
  note = (
    "images made after the recipe of TID2013, with its opinions; not its images"
  )
  name = files.resolved(folder).name
  return checked(
    Judgements(name, "mos", tuple(items), failures, note=note), folder
  )


def genuine(folder: files.PathLike) -> Judgements:
  """Reads the genuine images of TID2013: `tid2013_calibration` and siblings.

  They are four calibration pairs whose image in TID2013 is known, and the two
  images in `../tid_genuine`. Opinions come from `../mos_tables/tid2013.csv`.
  The values in `results_official.csv` become `published`.

  Raises:
    ValueError: if the opinions or all images are missing.
  """
  folder = pathlib.Path(folder)
  path = folder.parent / "mos_tables" / "tid2013.csv"
  opinions = collections.defaultdict(list)
  for row in csv_tables.read(path, ("image", "score")):
    image = pathlib.PurePath(row.cells.get("image", ""))
    opinions[image.stem.lower()].append(row)
  found = [
    (name, stem, folder / "dist" / f"{stem}.png")
    for stem, name in _CALIBRATION.items()
  ] + [
    (path.stem.lower(), path.stem[:3].upper(), path)
    for path in sorted((folder.parent / "tid_genuine").glob("*_*_*.png"))
    if not files.is_system_file(path)
  ]
  items, failures = [], {}
  for name, content, path in found:
    try:
      if len(opinions[name]) != 1:
        count = len(opinions[name]) or "no"
        raise ValueError(f"there are {count} opinions on it in the table")
      opinion = opinions[name][0].number("score")
      if not path.is_file():
        raise ValueError(f"{path} does not exist")
      reference = picture(_reference(folder, content))
    except ValueError as error:
      failures[name] = str(error)
      continue
    items.append(Judgement(name, content, reference, (picture(path),), opinion))
  note = "six genuine images: too few to rank measures by"
  return checked(
    Judgements(
      "tid2013_genuine", "mos", tuple(items), failures, _official(folder), note
    ),
    folder,
  )


def distorted(
  reference: pathlib.Path, *, kind: int, parameter: float, seed: int
) -> np.ndarray:
  """Returns a picture distorted by TID2013's recipe, uint8 `[H, W, 3]`.

  Args:
    reference: Path of the undistorted picture.
    kind: Number of the distortion in TID2013: 1 Gaussian noise, 8 Gaussian
      blur, 10 JPEG, 11 JPEG2000 or 18 change of saturation.
    parameter: Strength of the distortion: standard deviation of noise in gray
      levels or of blur in pixels, quality of JPEG, rate of JPEG2000, or factor
      of saturation.
    seed: Seed of the noise.

  Raises:
    ValueError: if the kind is another, or the parameter is out of its range.
  """
  _known(kind, parameter)
  image = read_rgb(reference)
  if kind == 1:
    noise = np.random.RandomState(seed).standard_normal(image.shape)
    return _to_uint8(image + parameter * noise)
  if kind == 8:
    return _blurred(image, parameter)
  if kind == 10:
    return _coded(image, "JPEG", quality=int(parameter), subsampling=2)
  if kind == 11:
    return _coded(
      image,
      "JPEG2000",
      quality_mode="rates",
      quality_layers=[parameter],
      irreversible=True,
    )
  luma = (image @ np.array(color.LUMA))[..., None]
  return _to_uint8(luma + parameter * (image - luma))


def _known(kind: int, parameter: float) -> int:
  """Returns the kind; raises ValueError unless it can be made."""
  if kind not in _PARAMETERS:
    raise ValueError(f"distortions 1, 8, 10, 11 and 18 can be made; got {kind}")
  low, high = _PARAMETERS[kind]
  if not low <= parameter <= high:
    raise ValueError(
      f"distortion {kind} has a parameter from {low} to {high}; got {parameter}"
    )
  return kind


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
  with extras.needed("images made after TID2013"):
    from scipy import ndimage

  sigmas = (sigma, sigma, 0)
  return _to_uint8(
    ndimage.gaussian_filter(
      image.astype(np.float64), sigmas, mode="nearest", truncate=4
    )
  )


def _coded(image: np.ndarray, name: str, **options: Any) -> np.ndarray:
  with extras.needed("images made after TID2013"):
    from PIL import Image

  data = io.BytesIO()
  Image.fromarray(image).save(data, name, **options)
  with Image.open(data) as coded:
    return np.asarray(coded.convert("RGB"))


def _to_uint8(values: np.ndarray) -> np.ndarray:
  return np.rint(values).clip(0, 255).astype(np.uint8)


def _reference(folder: pathlib.Path, name: str) -> pathlib.Path:
  if not name.isalnum():
    raise ValueError(f"{name!r} is not the name of a reference")
  places = [
    folder.parent / place / f"{name}.png"
    for place in ("tid2013_calibration/ref", "tid_genuine")
  ]
  found = [path for path in places if path.is_file()]
  if len(found) > 1:
    raise ValueError(f"the reference {name} is ambiguous: two {name}.png")
  if not found:
    raise ValueError(
      f"there is no {name}.png in tid2013_calibration/ref or tid_genuine "
      f"beside {folder}"
    )
  return found[0]


def _official(folder: pathlib.Path) -> dict[str, dict[str, float]]:
  path = folder / "results_official.csv"
  if not path.is_file():
    return {}
  columns = {f"{stem}.bmp": stem for stem in _CALIBRATION}
  values = {}
  for row in csv_tables.read(path, ("Method", *columns)):
    try:
      method = row["Method"]
      if method not in _OFFICIAL:
        continue
      if method in values:
        raise ValueError(f"{method} is listed twice")
      values[method] = {
        str(folder / "dist" / f"{stem}.png"): _OFFICIAL[method]
        * row.number(column)
        for column, stem in columns.items()
      }
    except ValueError as error:
      raise ValueError(f"{path}, line {row.line}: {error}") from error
  return values
