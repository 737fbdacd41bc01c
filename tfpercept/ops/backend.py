"""The check that Keras computes with TensorFlow."""

import keras


def require_tensorflow() -> None:
  """Raises ImportError if Keras 3 is set to compute with another library.

  Distances are made of TensorFlow operations, which JAX and PyTorch cannot
  trace. The error of a first training step would not name this cause.
  """
  backend = keras.backend.backend()
  if backend != "tensorflow":
    raise ImportError(
      f"tfpercept needs Keras on TensorFlow, but here Keras runs on {backend}: "
      "set the environment variable KERAS_BACKEND=tensorflow before Python "
      "starts, or os.environ['KERAS_BACKEND'] before the first import of keras."
    )
