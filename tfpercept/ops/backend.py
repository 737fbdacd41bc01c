"""Which library Keras computes with."""

import keras


def require_tensorflow() -> None:
  """Raises ImportError if Keras 3 was told to compute with another library.

  Distances are made of TensorFlow's operations, which JAX and PyTorch can not
  trace; the error of a first step would not say so.
  """
  backend = keras.backend.backend()
  if backend != "tensorflow":
    raise ImportError(
      f"tfpercept needs Keras on TensorFlow, but here Keras runs on {backend}: "
      "set the environment variable KERAS_BACKEND=tensorflow before Python "
      "starts, or os.environ['KERAS_BACKEND'] before the first import of keras."
    )
