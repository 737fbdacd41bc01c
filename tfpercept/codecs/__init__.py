"""Codecs, each a picture to bytes and back.

jpeg = codecs.get("jpeg")
data = jpeg.compress(image, quality=50)  # uint8 [H, W, 3]
jpeg.decompress(data)

What does the work is imported when it is first asked for, since one of the
codecs brings TensorFlow and the header of a file needs none.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tfpercept import registry, weights
from tfpercept.codecs.base import (
  Codec,
  CorruptStream,
  MissingLibrary,
  register,
)

if TYPE_CHECKING:
  from tfpercept.codecs.base import CODECS
  from tfpercept.codecs.learned import coding_tables as coding
  from tfpercept.codecs.learned import learned_codec as hyperprior
  from tfpercept.codecs.learned import selftest

__all__ = [
  "CODECS",
  "Codec",
  "CorruptStream",
  "MissingLibrary",
  "at_hand",
  "coding",
  "get",
  "hyperprior",
  "names",
  "register",
  "selftest",
]
_ALIASES = {"learned": "hyperprior"}
"""Other names in specs. `Codec.spec` has the registered name, by which tables
and files tell codecs apart."""
_MODULES = {
  "coding": "coding_tables",
  "hyperprior": "learned_codec",
  "selftest": "selftest",
}


def __getattr__(name: str) -> Any:
  if name == "CODECS":
    return _registered()
  if name in _MODULES:
    return importlib.import_module(f"tfpercept.codecs.learned.{_MODULES[name]}")
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _registered() -> registry.Registry:
  """Returns the registry with all codecs in it."""
  from tfpercept.codecs import base
  from tfpercept.codecs.classical import formats  # noqa: F401
  from tfpercept.codecs.inversion import inversion_codec  # noqa: F401
  from tfpercept.codecs.learned import learned_codec  # noqa: F401

  return base.CODECS


def get(spec: str | Codec) -> Codec:
  """Returns the codec that a spec names.

  Args:
    spec: Name with options, for example `"jpeg"`, `"webp(method=6)"` or
      `"learned(model='photo_mse')"`; a `Codec` is returned as it is. `learned`
      is another name of `hyperprior`.

  Raises:
    ValueError: if the spec is malformed or a sum, or a name or an option is
      unknown.
    MissingLibrary: if what does the work is not installed.
  """
  if isinstance(spec, Codec):
    return spec
  terms = registry.parse_spec(spec)
  if len(terms) != 1 or terms[0].weight != 1.0:
    raise ValueError(
      f"a codec is one name, as 'jpeg' or 'webp(method=6)'; got {spec!r}"
    )
  name = _ALIASES.get(terms[0].name, terms[0].name)
  return _registered().create(name, terms[0].options)


def names() -> tuple[str, ...]:
  """Names of all registered codecs, sorted."""
  return _registered().names()


def at_hand() -> tuple[list[Codec], dict[str, str]]:
  """Returns every codec that works here, and why others do not, by name."""
  found, missing = [], {}
  for name in names():
    try:
      found.append(get(name))
    except (ValueError, weights.MissingWeights) as error:
      missing[name] = str(error)
  return found, missing
