"""Descent over one image or one latent, or a batch of them.

    result = descent.minimise(
      lambda x: distance(reference, x), noise, steps=500, bounds=(0.0, 1.0)
    )

`training.fit` moves the weights of a network over many images; `minimise` moves
the pixels, or the latent that a decoder turns into pixels, and leaves all
weights alone. Each image of a batch is minimized on its own.
"""

from tfpercept.descent.loop import (
  Constraint,
  NonFiniteError,
  Objective,
  Result,
  State,
  minimise,
)
from tfpercept.descent.methods import LBFGS, Adam, Method, Problem

__all__ = [
  "LBFGS",
  "Adam",
  "Constraint",
  "Method",
  "NonFiniteError",
  "Objective",
  "Problem",
  "Result",
  "State",
  "minimise",
]
