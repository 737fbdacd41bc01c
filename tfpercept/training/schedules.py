"""Learning rates over a run that published recipes ask for."""

import keras


def steady_then_linear(
  rate: float, *, steps: int, epochs: int
) -> keras.optimizers.schedules.PiecewiseConstantDecay | float:
  """Returns the schedule of LPIPS and Watson: half steady, half falling.

  The run is cut into `epochs` equal parts. After each part of the second half
  but the last the rate falls by the same amount, so that one more would be 0.

  Args:
    rate: Where it starts.
    steps: Of the whole run.
    epochs: Even number of parts; with 1 the rate is steady throughout.

  Raises:
    ValueError: if `epochs` is neither 1 nor even.

  Source: richzhang/PerceptualSimilarity at 082bb24, `train.py`.
  """
  if epochs == 1:
    return rate
  if epochs < 1 or epochs % 2:
    raise ValueError(
      "the rate falls in the second half of the epochs, so their number is 1 "
      f"or even; got {epochs}"
    )
  half = epochs // 2
  boundaries = [steps * (half + k) // epochs for k in range(1, half)]
  rates = [rate * (half - k) / half for k in range(half)]
  return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
