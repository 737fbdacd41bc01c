"""What can be chosen by name, for those who do not need the work itself.

So a command says what it takes, and a shell completes it, without importing
TensorFlow or NumPy. The modules that do the work take theirs from here, or a
test compares theirs with what is here.
"""

import json
import pathlib

PRETRAINED = pathlib.Path(__file__).parent / "pretrained"
"""Folder of the weights and models that come with the package."""
ALPHA = ("white", "black", "ignore", "error")
"""What `files.read_samples` can do with transparency."""
MAX_PICTURE_PIXELS = 170_000_000
"""More are taken for an attack; Pillow's own limit is a little higher."""
PACKED = ("float32", "float16", "int16", "int18")
"""The types that `weights.packed` turns weights into."""
CODECS = (
  "avif", "heic", "hyperprior", "jpeg", "jpeg2000", "jxl", "png", "webp",
)  # fmt: skip
"""Names of all registered codecs, sorted."""
MODEL = "photo_mse"
"""The trained model that compresses, if no other is named."""
MAX_EFFORT = 100
"""Rounds in which symbols may be chosen for the very picture."""
LAYOUTS = (
  "bapps2afc", "bappsjnd", "gan2afc", "choices", "mos", "dmos",
  "tid2013_genuine", "tid2013_resynth",
)  # fmt: skip
"""Names of the layouts of human judgements, as their readers have them."""


def shipped(model: str | None = None) -> tuple[str, ...]:
  """Names of the trained models in the package, sorted.

  Args:
    model: Registered name of a network, to name those of one kind alone.
  """
  return tuple(
    path.parent.name
    for path in sorted(PRETRAINED.glob("*/manifest.json"))
    if model in (None, json.loads(path.read_text())["model"])
  )
