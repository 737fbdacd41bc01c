"""Names of the choices of commands, without importing TensorFlow or NumPy.

From them a command prints its help and a shell completes it at once. The
modules that do the work take the names from here, or a test compares theirs
with these.
"""

import json
import pathlib

PRETRAINED = pathlib.Path(__file__).parent / "pretrained"
"""Folder of the weights and models that come with the package."""
RETIRED = PRETRAINED / "retired"
"""Folder of models that others have replaced. They still read their files."""
ALPHA = ("white", "black", "ignore", "error")
"""Treatments of transparency by `files.read_samples`."""
MAX_PICTURE_PIXELS = 170_000_000
"""Largest number of pixels of a picture, just below Pillow's own limit. A
larger file is taken for an attack."""
MAX_DECODED_PIXELS = 64_000_000
"""Largest number of pixels that `decompress` decodes unless told otherwise,
above that of most cameras. The learned codec takes some 1.2 GB for them."""
LOSSLESS = ("auto", "never", "always")
"""Rules by which a `.tfp` holds its picture without loss."""
PACKED = ("float32", "float16", "int16", "int18")
"""Types that `weights.packed` can turn weights into."""
CODECS = (
  "avif", "heic", "hyperprior", "inversion", "jpeg", "jpeg2000", "jxl", "png",
  "webp",
)  # fmt: skip
"""Names of all registered codecs, sorted."""
MODEL = "photo_mse"
"""Name of the trained model that compresses by default."""
MAX_EFFORT = 100
"""Largest number of rounds that refine the symbols of a picture."""
ENGINES = ("auto", "numpy", "tensorflow")
"""Names of what can run the transforms of a model; the first one chooses."""
LAYOUTS = (
  "bapps2afc", "bappsjnd", "gan2afc", "mucped23", "choices", "mos", "dmos",
  "tid2013_genuine", "tid2013_resynth",
)  # fmt: skip
"""Names of the layouts of human judgements."""


def shipped(model: str | None = None) -> tuple[str, ...]:
  """Returns the names of the trained models in the package, sorted.

  Args:
    model: Registered name of a network; only its models are returned. None
      returns all.
  """
  return tuple(
    path.parent.name
    for path in sorted(PRETRAINED.glob("*/manifest.json"))
    if model in (None, json.loads(path.read_text())["model"])
  )


def retired() -> tuple[str, ...]:
  """Returns the names of the models that others have replaced, sorted."""
  return tuple(
    path.parent.name for path in sorted(RETIRED.glob("*/manifest.json"))
  )
