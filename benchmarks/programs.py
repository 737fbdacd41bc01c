"""Distances with one interface, in any framework."""

import abc
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

TRACED, COMPILED, EAGER = "traced", "compiled", "eager"
MODES = (TRACED, COMPILED, EAGER)

Distance = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Program(abc.ABC):
  """A distance, ours or a peer's."""

  @abc.abstractmethod
  def bind(
    self,
    reference: np.ndarray,
    image: np.ndarray,
    *,
    mode: str = TRACED,
    gradient: bool = False,
  ) -> Callable[[], np.ndarray]:
    """Returns a function that computes, waits, and returns the values `[N]`.

    Args:
      reference: `[N, H, W, 3]` in [0, 1].
      image: The same shape.
      mode: One of `MODES`; a peer that knows no such thing runs as it always
        does.
      gradient: Whether to compute the gradient with respect to the image too,
        as in training.
    """


class TensorFlowProgram(Program):
  """A distance of two tensors.

  Args:
    distance: Function of two float32 tensors `[N, H, W, 3]` that returns `[N]`.
    compiles: Whether `COMPILED` uses `jit_compile=True`. Peers are traced
      without it: XLA slows them down or rejects them.
  """

  def __init__(self, distance: Distance, *, compiles: bool = False):
    self._distance = distance
    self._compiles = compiles

  def bind(
    self,
    reference: np.ndarray,
    image: np.ndarray,
    *,
    mode: str = TRACED,
    gradient: bool = False,
  ) -> Callable[[], np.ndarray]:
    function = functools.partial(_compute, self._distance, gradient)
    if mode != EAGER:
      compile_it = self._compiles and mode == COMPILED
      function = tf.function(function, jit_compile=compile_it or None)
    pair = tf.constant(reference), tf.constant(image)

    def call() -> np.ndarray:
      value, *gradients = (result.numpy() for result in function(*pair))
      del gradients  # waited for
      return value

    return call


def _compute(
  distance: Distance, gradient: bool, reference: tf.Tensor, image: tf.Tensor
) -> tuple[tf.Tensor, ...]:
  if not gradient:
    return (distance(reference, image),)
  with tf.GradientTape() as tape:
    tape.watch(image)
    value = distance(reference, image)
  return value, tape.gradient(value, image)
