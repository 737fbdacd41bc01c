"""Layers of bounded gain, for critics.

The one place that uses TensorFlow Addons, which has ended but works where
`keras.layers.SpectralNormalization` of Keras 2.14 fails in `fit`. On Keras 3
that layer replaces it.
"""

import types
import warnings

import keras

from tfpercept import extras


def _addons() -> types.ModuleType:
  """Imports TensorFlow Addons, which `import tfpercept` does without."""
  with extras.needed("critics of spectral norm 1"), warnings.catch_warnings():
    # It warns of its end, of which the reader of this file knows.
    warnings.filterwarnings("ignore", "\\s*TensorFlow Addons", UserWarning)
    import tensorflow_addons
  return tensorflow_addons


def bounded(layer: keras.layers.Layer) -> keras.layers.Layer:
  """Returns a layer whose kernel `normalize` divides by its spectral norm.

  The returned layer computes what `layer` does. It has a non-trainable weight
  more: the direction in which the kernel's gain is largest.

  Args:
    layer: A layer with a kernel, not yet built.

  Raises:
    MissingExtra: if TensorFlow Addons is not installed.

  Source: Miyato, Kataoka, Koyama, Yoshida, "Spectral normalization for
  generative adversarial networks", 2018, section 2.1.
  """
  # The wrapped layer has its own dtype, whatever Keras' global policy is.
  return _addons().layers.SpectralNormalization(
    layer, name=layer.name, dtype="float32"
  )


def normalize(layer: keras.layers.Layer) -> None:
  """Divides the kernel of a built `bounded` layer by its spectral norm.

  The norm is estimated by one power iteration that starts at the direction of
  the call before, as in algorithm 1 of the paper; over the steps of a training
  it converges.
  """
  layer.normalize_weights()
